#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { addIssuingVerbs } from "./cli/issuing-verbs.ts";
import { addPhoneVerbs } from "./cli/phone-verbs.ts";
import { CommandFailed, type Terminal } from "./cli/terminal.ts";
import { issuingHost } from "./compose/issuing-host.ts";
import { phoneHost } from "./compose/phone-host.ts";
import { type ControllerId, controllerId, idExpectation, isId } from "./domain/ids.ts";
import { fail, type Result } from "./domain/result.ts";

// Every verb imports its own part when it runs: a technician's `postern status` must not wait for a
// broker, a database and a web framework to load.

const program = fileURLToPath(import.meta.url);
const packageFolder = findPackageFolder();
const env = process.env;
const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/** The compiled program is one folder deeper than the source. */
function findPackageFolder(): string {
  const candidates = [join(program, "../.."), join(program, "../../..")];
  const found = candidates.find((folder) => existsSync(join(folder, "package.json")));
  if (found === undefined) throw new Error(`${program} is not in postern's package`);
  return found;
}

function version(): string {
  const text = readFileSync(join(packageFolder, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

function defaultSocketFile(): string {
  const stateDir = env["POSTERN_STATE_DIR"];
  return join(stateDir === undefined || stateDir === "" ? ".postern" : stateDir, "controller.sock");
}

/** commander wants a parser that throws; ours return a `Result` that says what was expected. */
function argument<T>(parse: (text: string) => Result<T, string>): (text: string) => T {
  return (text) => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    throw new InvalidArgumentError(`Expected ${parsed.fault}.`);
  };
}

function parseCount(least: number): (text: string) => Result<number, string> {
  return (text) => {
    const value = Number(text);
    const isCount = /^[0-9]+$/.test(text) && value >= least && value <= Number.MAX_SAFE_INTEGER;
    return isCount ? { ok: true, value } : fail(`a whole number from ${least}`);
  };
}

function parseController(text: string): Result<ControllerId, string> {
  return isId(text) ? { ok: true, value: controllerId(text) } : fail(idExpectation);
}

interface ServiceFlags {
  readonly config: string;
  readonly logLevel?: (typeof logLevels)[number];
}

interface LocalFlags {
  readonly socket: string;
  readonly json: boolean;
}

function createProgram(): Command {
  const postern = new Command("postern")
    .description(
      "A door controller, the site that issues passes to it, and its technician's tools.",
    )
    .version(version(), "--version", "print the version")
    .showHelpAfterError("(postern --help lists what there is)")
    .exitOverride();
  addServices(postern);
  const configFile = join(packageFolder, "config/site.toml");
  addIssuingVerbs(postern, issuingHost({ configFile, env, terminal }));
  addTools(postern);
  addBench(postern);
  addPhoneVerbs(postern, phoneHost(terminal));
  addCheckUps(postern);
  return postern;
}

function addServices(postern: Command): void {
  const configFile = (name: string) => join(packageFolder, "config", name);
  const configOption = (name: string) =>
    new Option("--config <file>", "its configuration").default(configFile(name));
  const logOption = () =>
    new Option("--log-level <level>", "instead of the configuration's").choices(logLevels);

  postern
    .command("up")
    .description("run a whole site and a controller on this machine")
    .option("--config <folder>", "with controller.toml and site.toml", configFile(""))
    .action(async ({ config }: { readonly config: string }) => {
      const { runUp } = await import("./compose/up.ts");
      await runUp({ program, configDir: config, env, print: terminal.out });
    });
  postern
    .command("controller")
    .description("run the controller")
    .addOption(configOption("controller.toml"))
    .addOption(logOption())
    .action(async ({ config, logLevel }: ServiceFlags) => {
      const { runController } = await import("./compose/controller.ts");
      const level = logLevel === undefined ? {} : { logLevel };
      await runController({ configFile: config, env, software: version(), ...level });
    });
  const site = postern
    .command("site")
    .description("run the site service, or change what it issues")
    .enablePositionalOptions()
    .addOption(configOption("site.toml"))
    .addOption(logOption())
    .action(async ({ config, logLevel }: ServiceFlags) => {
      const { runSite } = await import("./compose/site.ts");
      const level = logLevel === undefined ? {} : { logLevel };
      await runSite({ configFile: config, env, ...level });
    });
  site
    .command("apply <file>")
    .description("replace users, passes, doors and rules by those of a site file")
    .addOption(configOption("site.toml"))
    .action(async (file: string, { config }: { readonly config: string }) => {
      const { applySiteFile } = await import("./compose/apply-site.ts");
      await applySiteFile({ file, configFile: config, env, print: terminal.out });
    });
  site
    .command("tables")
    .description("where each controller's table stands: updating, complete, or failed and why")
    .addOption(configOption("site.toml"))
    .option("--json", "for programs", false)
    .action(async ({ config, json }: { readonly config: string; readonly json: boolean }) => {
      const { showTables } = await import("./compose/show-tables.ts");
      await showTables({ configFile: config, env, json, print: terminal.out });
    });
  site
    .command("rotate-key")
    .description(
      "sign with a new key, which controllers follow by a hand-over that the old one signs",
    )
    .addOption(configOption("site.toml"))
    .action(async ({ config }: { readonly config: string }) => {
      const { rotateSiteKey } = await import("./compose/rotate-key.ts");
      await rotateSiteKey({ configFile: config, env, print: terminal.out });
    });
  addProvisioning(site, configOption("site.toml"));
}

function addProvisioning(site: Command, configOption: Option): void {
  site
    .command("provision")
    .description("write the keys that a controller needs, to be brought to it by hand: secret")
    .argument("<controller>", "as the site file's doors name it", argument(parseController))
    .addOption(configOption)
    .option("--out <file>", "where to, or - (default: provision-CONTROLLER.json, here)")
    .option("--without-doors", "also where the site file has no door of it yet", false)
    .action(async (controller: ControllerId, flags: ProvisionFlags) => {
      const { config, out = `provision-${controller}.json`, withoutDoors } = flags;
      const { provisionController } = await import("./compose/provision-controller.ts");
      const doors = withoutDoors ? "to_come" : "required";
      const asked = { controller, out, doors } as const;
      provisionController({ ...asked, configFile: config, env, print: terminal.out });
    });
}

/** A command that asks the running controller. */
function localTool(parent: Command, name: string): Command {
  return parent
    .command(name)
    .option("--socket <file>", "the controller's socket", defaultSocketFile())
    .option("--json", "for programs", false);
}

function addTools(postern: Command): void {
  const tool = (name: string) => localTool(postern, name);

  tool("status")
    .description("how the controller is: clock, broker, table, doors, readers, troubles")
    .action(async ({ socket, json }: LocalFlags) => {
      const { showStatus } = await import("./cli/status.ts");
      await showStatus({ socketFile: socket, json, terminal });
    });
  tool("events")
    .description("the controller's journal, oldest first")
    .option("--follow", "go on with each new entry", false)
    .option("--after <number>", "entries with a higher number", argument(parseCount(0)))
    .option("--limit <count>", "at most so many", argument(parseCount(1)))
    .action(async (flags: LocalFlags & EventsFlags) => {
      const { showEvents } = await import("./cli/events.ts");
      const { socket, json, follow, after, limit } = flags;
      await showEvents({ socketFile: socket, json, follow, after, limit, terminal });
    });
  tool("explain")
    .description("which check would decide at a door, and what would have to change")
    .requiredOption("--door <id>", "the door")
    .option(
      "--card <format:field:…>",
      "as H10301:12:34567, 12:34567, or the board's JSON; or phone:…",
    )
    .addOption(new Option("--bits <bits>", "the frame itself").conflicts("card"))
    .addOption(
      new Option("--pass <id>", "a pass, whatever it presents").conflicts(["card", "bits"]),
    )
    .option("--pin", "with a PIN, asked for or read from standard input", false)
    .option("--at <time>", "not now but then, as 2026-11-21T08:00:00+01:00")
    .action(explain);
  tool("door")
    .description("set what a door is, over its site and its schedules, until `clear` undoes it")
    .argument("<door>", "the door")
    .argument("<posture>", "disabled, locked, unlocked, free-access, lockdown, or clear")
    .addOption(
      new Option("--until <when>", "when it ends: cleared, or next-change of its schedules")
        .choices(["cleared", "next-change"])
        .default("cleared"),
    )
    .action(async (door: string, posture: string, { socket, json, until }: DoorFlags) => {
      const { overrideDoor } = await import("./cli/operate.ts");
      await overrideDoor({ socketFile: socket, json, door, posture, until, terminal });
    });
  tool("forgive")
    .description("forget where a user is thought to be: anti-passback takes his word once")
    .addOption(new Option("--user <id>", "the user").conflicts("all"))
    .option("--all", "everybody", false)
    .action(async ({ socket, json, user, all }: ForgiveFlags) => {
      const { forgive } = await import("./cli/operate.ts");
      if (user === undefined && !all) throw new CommandFailed(2, "expected --user or --all");
      await forgive({ socketFile: socket, json, user, terminal });
    });
}

/** What a technician does at the box, with the cover off. */
function addBench(postern: Command): void {
  localTool(postern, "io")
    .description("every line of the board with what it means, and each change as it comes")
    .option("--once", "as it is now, and no more", false)
    .action(async ({ socket, json, once }: LocalFlags & { readonly once: boolean }) => {
      const { showLines } = await import("./cli/lines.ts");
      await showLines({ socketFile: socket, json, follow: !once, terminal });
    });
  const reader = postern.command("reader").description("look at what a reader sends");
  localTool(reader, "watch")
    .description("each presentation as it was on the wire: verdict, format, spacing of its bits")
    .argument("<reader>", "the reader")
    .option("--bits", "with the bits of cards, which are personal: the journal says so", false)
    .action(async (id: string, { socket, json, bits }: WatchFlags) => {
      const { watchReader } = await import("./cli/watch-reader.ts");
      const shown = bits ? "shown" : "masked";
      await watchReader({ socketFile: socket, json, reader: id, bits: shown, terminal });
    });
  localTool(postern, "pulse")
    .description("release a door's strike for a moment, as a grant would; the journal says so")
    .argument("<door>", "the door")
    .option(
      "--ms <duration>",
      "for so many milliseconds, 50 to 10000",
      argument(parseCount(1)),
      1_000,
    )
    .action(async (door: string, { socket, json, ms }: LocalFlags & { readonly ms: number }) => {
      const { pulseStrike } = await import("./cli/bench.ts");
      await pulseStrike({ socketFile: socket, json, door, forMs: ms, terminal });
    });
  localTool(postern, "led")
    .description("light a reader's lamps for some seconds; then what is due comes back")
    .argument("<reader>", "the reader")
    .argument("<light>", "amber, green, red, off, or boot: as while the controller starts")
    .option("--seconds <duration>", "for so long, 1 to 300", argument(parseCount(1)), 10)
    .action(async (id: string, light: string, { socket, json, seconds }: LedFlags) => {
      const { showLight } = await import("./cli/bench.ts");
      await showLight({ socketFile: socket, json, reader: id, light, seconds, terminal });
    });
}

/** Where a package keeps the configuration of the machine that it is installed on. */
const installedConfig = "/etc/postern/controller.toml";

/** These work when nothing else does: no daemon is asked for. */
function addCheckUps(postern: Command): void {
  const ownConfig = join(packageFolder, "config/controller.toml");
  const config = existsSync(installedConfig) ? installedConfig : ownConfig;
  const checkUp = (name: string) =>
    postern
      .command(name)
      .option("--config <file>", "its configuration", config)
      .option("--socket <file>", "the controller's socket, instead of the configuration's");
  checkUp("doctor")
    .description("whether this machine can run its doors, and what to do where it cannot")
    .option("--json", "for programs", false)
    .action(async ({ config, socket, json }: CheckUpFlags & { readonly json: boolean }) => {
      const { runDoctor } = await import("./compose/doctor.ts");
      const source = { configFile: config, env, socketFile: socket };
      const verdict = await runDoctor({ ...source, json, print: terminal.out });
      if (verdict === "fail") throw new CommandFailed(1, "something here keeps doors from working");
    });
  checkUp("support-bundle")
    .description("what somebody far away needs to help, in one file, with nothing secret in it")
    .argument("<file>", "where to, as bundle.tar.gz")
    .option("--events <count>", "the newest of the journal", argument(parseCount(0)), 1_000)
    .action(async (file: string, flags: CheckUpFlags & { readonly events: number }) => {
      const { config, socket, events } = flags;
      const { writeSupportBundle } = await import("./compose/support-bundle.ts");
      const source = { configFile: config, env, socketFile: socket, software: version() };
      await writeSupportBundle({ ...source, file, eventsMax: events, print: terminal.out });
    });
}

interface ProvisionFlags {
  readonly config: string;
  readonly out?: string;
  readonly withoutDoors: boolean;
}

interface WatchFlags extends LocalFlags {
  readonly bits: boolean;
}

interface LedFlags extends LocalFlags {
  readonly seconds: number;
}

interface CheckUpFlags {
  readonly config: string;
  readonly socket?: string;
}

interface DoorFlags extends LocalFlags {
  readonly until: "cleared" | "next-change";
}

interface ForgiveFlags extends LocalFlags {
  readonly user?: string;
  readonly all: boolean;
}

interface EventsFlags {
  readonly follow: boolean;
  readonly after?: number;
  readonly limit?: number;
}

interface ExplainFlags extends LocalFlags {
  readonly door: string;
  readonly card?: string;
  readonly bits?: string;
  readonly pass?: string;
  readonly pin: boolean;
  readonly at?: string;
}

async function explain(flags: ExplainFlags): Promise<void> {
  const { socket, json, door, card, bits, pass, pin, at } = flags;
  const { showExplanation, readExplainArguments } = await import("./cli/explain.ts");
  const { readPin } = await import("./cli/read-pin.ts");
  const presented = readExplainArguments({ card, bits, at });
  const digits = pin ? await readPin(process.stdin, terminal.err) : undefined;
  const asked = { door, ...presented, pass, pin: digits };
  await showExplanation({ socketFile: socket, json, ...asked, terminal });
}

async function run(): Promise<number> {
  try {
    await createProgram().parseAsync(process.argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommandFailed) {
      terminal.err(`postern: ${error.message}\n`);
      return error.exitCode;
    }
    // Said by name and not by class, for which the composition roots would have to be loaded.
    if (error instanceof Error && error.name === "StartRefused") {
      terminal.err(`postern: ${error.message}\n`);
      return 1;
    }
    if (error instanceof Error && error.name === "StateError") {
      terminal.err(`postern: POSTERN_STATE_DIR: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

// `postern events | head` closes our output: that is an end and no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await run();
