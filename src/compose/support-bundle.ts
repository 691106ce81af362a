import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { CommandFailed } from "../cli/terminal.ts";
import { failureCode } from "../domain/failure-code.ts";
import { checkUp } from "./check-up/check-up.ts";
import { type Machine, thisMachine } from "./check-up/machine.ts";
import { type CheckUpSource, type CheckUpSubject, openSubject } from "./check-up/subject.ts";
import { withoutCredentials } from "./config/broker-url.ts";
import { renderFindings } from "./doctor.ts";
import { withoutSecrets } from "./known-secrets.ts";
import { namelessEvents } from "./nameless-events.ts";
import { listStateFiles } from "./state-files.ts";
import { tarFile } from "./tar-file.ts";

/** More is not read by anybody, and is held in memory. */
const bundledEventsMax = 100_000;
const kernelLinesMax = 1_000;
const kernelTopics =
  /gpio|i2c|pinctrl|mcp23|ds3231|rtc|watchdog|tty(S|AMA|USB|ACM)|under-?voltage/i;

export interface SupportBundleOptions extends CheckUpSource {
  readonly file: string;
  readonly software: string;
  /** The newest of the journal. */
  readonly eventsMax: number;
  readonly print: (text: string) => void;
  readonly machine?: Machine;
}

/**
 * Writes one archive for somebody far away: what this machine is, how it is configured and wired, how its
 * controller is, what a check-up finds and what happened lately. Only what is named here goes in, and
 * nobody's name, card or key. Throws `CommandFailed` where the file cannot be written; one that exists stays.
 */
export async function writeSupportBundle(options: SupportBundleOptions): Promise<void> {
  const { file, eventsMax, print, machine = thisMachine() } = options;
  if (eventsMax > bundledEventsMax) {
    throw new CommandFailed(2, `--events: expected a whole number up to ${bundledEventsMax}`);
  }
  const subject = await openSubject(options, machine);
  const texts = await collect(options, subject, machine);
  const clean = withoutSecrets("value" in subject.config ? subject.config.value : undefined);
  const entries = Object.entries(texts).map(([name, text]) => ({
    name: `postern-support/${name}`,
    bytes: Buffer.from(clean(text)),
  }));
  try {
    writeFileSync(file, gzipSync(tarFile(entries, Date.now())), { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new CommandFailed(1, `${file}: cannot be written (${failureCode(error)})`);
  }
  print(
    `${file}: ${Object.keys(texts).join(", ")}. No key, PIN, card number or person's id is in it.\n`,
  );
}

async function collect(
  { software, eventsMax }: SupportBundleOptions,
  subject: CheckUpSubject,
  machine: Machine,
): Promise<Readonly<Record<string, string>>> {
  const { config, profile, status, socketFile } = subject;
  const findings = await checkUp(subject);
  return {
    "versions.json": asText({
      postern: software,
      node: process.version,
      architecture: process.arch,
      kernel: machine.kernel,
      board: machine.read("/proc/device-tree/model") ?? null,
      system: machine.read("/etc/os-release")?.split("\n") ?? null,
    }),
    "config.json": asText(
      "value" in config
        ? { ...config.value, mqttUrl: withoutCredentials(config.value.mqttUrl) }
        : config,
    ),
    "board-profile.json": asText("value" in profile ? profile.value : profile),
    "status.json": asText("value" in status ? status.value : status),
    "doctor.txt": renderFindings(findings),
    "doctor.json": asText(findings),
    "events.json": asText(await namelessEvents(socketFile, eventsMax)),
    "state-files.json": asText("value" in config ? listStateFiles(config.value.stateDir) : []),
    "kernel.log": await kernelLines(machine),
  };
}

/** What the kernel said of lines, buses and clocks; from its journal where its buffer is root's alone. */
async function kernelLines(machine: Machine): Promise<string> {
  const said =
    (await machine.outputOf("dmesg", [])) ??
    (await machine.outputOf("journalctl", ["-k", "-b", "-o", "short-monotonic", "--no-pager"]));
  if (said === undefined) return "not readable by this user\n";
  const lines = said.split("\n").filter((line) => kernelTopics.test(line));
  return `${lines.slice(-kernelLinesMax).join("\n")}\n`;
}

function asText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
