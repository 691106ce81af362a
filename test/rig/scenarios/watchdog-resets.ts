import type { RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** `RuntimeWatchdogSec` of `systemd/postern-watchdog.conf`, and what a look at the clock takes. */
const resetMsMax = 10_000 + 500;

/** Cgroup 2 freezes what no signal stops: process 1 as well. */
const hung = ["system.slice/postern-controller.service", "init.scope"];

export const scenario: Scenario = {
  name: "watchdog-resets",
  title: "A machine on which systemd hangs is reset by its watchdog, and secures the strike",
  // A bench cannot hang the other computer's process 1 and still talk to it.
  targets: ["kernel"],
  time: "exact",
  init: "systemd",
  devices: ["watchdog"],
  isSmoke: false,
  secondsMax: 3_600,
  run: async (rig) => {
    const faults: string[] = [];
    await rig.controller.start();
    const slots = bitsOf(adaCard);
    const { released } = await tap(rig, { reader: frontReader, door: front, slots });
    if (released === undefined) throw new Error("the card moved nothing");
    const hungAt = await hang(rig);
    if ((await rig.strike(front)) !== "released") throw new Error("the strike was secured already");
    const resetAt = await rig.waitForReset(3 * resetMsMax);
    if (resetAt === undefined) {
      const state = await rig.strike(front);
      return verdict([`no reset in ${3 * resetMsMax} ms; the strike is ${state}`], "");
    }
    const ms = resetAt - hungAt;
    if (ms / 1e6 > resetMsMax) faults.push(`reset after ${ms / 1e6} ms`);
    await rig.powerOn();
    await rig.controller.start();
    if ((await rig.strike(front)) !== "secured")
      faults.push("a strike is released after the reset");
    const again = await tap(rig, { reader: frontReader, door: front, slots });
    if (again.released === undefined) faults.push("the card does not open after the reset");
    return verdict(faults, `reset ${(ms / 1e9).toFixed(1)} s after systemd hung, and serves again`);
  },
};

/** The daemon, and with it whoever would replace it. Resolves with the instant, to 10 ms. */
async function hang(rig: RigTarget): Promise<number> {
  const freeze = hung.map((group) => `echo 1 > /sys/fs/cgroup/${group}/cgroup.freeze`);
  const script = [...freeze, "cut -d ' ' -f 1 /proc/uptime"].join(" && ");
  const { code, stdout, stderr } = await rig.run(["sh", "-c", script]);
  if (code !== 0) throw new Error(`it could not be hung: ${stderr}`);
  return Number(stdout) * 1e9;
}
