import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ReaderHealth } from "../../../hal/reader.ts";
import { edgeNs } from "../../../src/domain/time.ts";
import type { ListenerArguments } from "../listener-program.ts";
import type { Heard, ListenOptions, RigListener } from "../rig-target.ts";
import type { Guest } from "./guest.ts";
import { unitSettings } from "./unit-settings.ts";

interface Report {
  readonly heard: readonly Heard[];
  readonly health: Readonly<Record<string, ReaderHealth>>;
}

let listenerCount = 0;

/** Starts `listener-program.ts` in the guest; resolves once it reads. */
export async function startKernelListener(
  options: ListenOptions & {
    readonly guest: Guest;
    readonly program: string;
    readonly share: string;
    readonly profile: string;
  },
): Promise<RigListener> {
  const { guest, program, share, profile, driver, stall } = options;
  listenerCount += 1;
  const name = `heard-${listenerCount}.json`;
  const file = join(share, name);
  const parameters: ListenerArguments = {
    driver,
    profile: driver === "sysfs" ? `${profile}-sysfs` : profile,
    report: `/rig/${name}`,
    ...(stall === undefined ? {} : { stall }),
  };
  const { pid } = await guest.call("start", {
    args: [join(program, "test/rig/listener-program.js"), JSON.stringify(parameters)],
    ...unitSettings(program),
    until: "ready",
  });
  const report = async (): Promise<Report> => {
    await rm(file, { force: true });
    await guest.call("signal", { pid, signal: "SIGUSR2" });
    do {
      // Let the target's time pass: it is the listener that waits for its lines to be quiet.
      await guest.call("idle", { ms: 50 });
      if ((await guest.call("usage", { pid })) === null) {
        throw new Error(`the listener ended:\n${await guest.call("output", { pid })}`);
      }
    } while (!existsSync(file));
    return JSON.parse(await readFile(file, "utf8")) as Report;
  };
  return {
    heard: async () => (await report()).heard,
    health: async () => (await report()).health,
    usage: async () => {
      const usage = await guest.call("usage", { pid });
      if (usage === null) throw new Error("the listener ended");
      const { atNs, ...rest } = usage;
      return { ...rest, at: edgeNs(atNs) };
    },
    close: async () => {
      await guest.call("signal", { pid, signal: "SIGTERM" });
      await guest.call("exit", { pid });
    },
  };
}
