import type { RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader, labReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

const slots = bitsOf(adaCard);

/** With an expander that is asked in vain, a door that does not hang from it is as fast as ever. */
const latencyUsMax = 50_000;

const lookMs = 250;
const backMsMax = 60_000;

export const scenario: Scenario = {
  name: "expander-out",
  title:
    "An expander that is pulled out takes its own door with it and no other, and both come back",
  targets: ["kernel"],
  time: "exact",
  devices: ["expander", "clock_chip"],
  profile: "with-chips",
  isSmoke: true,
  secondsMax: 1_800,
  run: async (rig) => {
    const faults: string[] = [];
    await rig.controller.start();
    if (await opensLab(rig)) rig.note("the door on the expander opens");
    else faults.push("with the expander the laboratory did not open");
    const before = await opensFront(rig, faults, "with the expander");

    await rig.setExpander("absent");
    await until(rig, "the trouble is raised", () => isTold(rig, "raised"));
    const [without, again] = [
      await opensFront(rig, faults, "without the expander"),
      await opensFront(rig, faults, "without the expander, again"),
    ];
    // Denied or granted, there is no relay to move; that it lives is what is asked.
    await rig.present({ presentations: [{ reader: labReader, slots }] });
    const alive = await opensFront(rig, faults, "after a card at the door that is gone");

    await rig.setExpander("present");
    await until(rig, "the trouble is cleared", () => isTold(rig, "cleared"));
    const outputs = await driven(rig);
    if (!outputs.isStrikeDriven) faults.push("what came back does not drive its strike");
    if (outputs.strike !== "secured") faults.push("what came back has its strike released");
    if (!(await opensLab(rig))) faults.push("the laboratory does not open any more");
    const worst = Math.max(before, without, again, alive);
    return verdict(faults, `the other door opened in ${(worst / 1_000).toFixed(1)} ms at most`);
  },
};

/** Microseconds. */
async function opensFront(rig: RigTarget, faults: string[], when: string): Promise<number> {
  const { released, latencyUs } = await tap(rig, { reader: frontReader, door: front, slots });
  if (released === undefined) faults.push(`${when}: the front door did not open`);
  else if (latencyUs > latencyUsMax) faults.push(`${when}: ${latencyUs} us`);
  return latencyUs;
}

/** Is the strike released after a card, and secured again? Looked up in the chip. */
async function opensLab(rig: RigTarget): Promise<boolean> {
  await rig.present({ presentations: [{ reader: labReader, slots }] });
  await rig.idle(50);
  const { strike } = await driven(rig);
  await rig.idle(1_500);
  return strike === "released" && (await driven(rig)).strike === "secured";
}

/** `OLATB OLATA`, then which pins are outputs, in the same order; the strike is B0. */
async function driven(rig: RigTarget): Promise<{
  readonly strike: "secured" | "released";
  readonly isStrikeDriven: boolean;
}> {
  const { stdout } = await rig.run(["cat", "/sys/module/rig_i2c/parameters/outputs"]);
  const [, port, directions] = /^([0-9a-f]{2})[0-9a-f]{2} ([0-9a-f]{2})/.exec(stdout) ?? [];
  if (port === undefined || directions === undefined) throw new Error(`outputs: ${stdout}`);
  return {
    strike: (Number.parseInt(port, 16) & 1) === 1 ? "released" : "secured",
    isStrikeDriven: (Number.parseInt(directions, 16) & 1) === 1,
  };
}

async function isTold(rig: RigTarget, state: "raised" | "cleared"): Promise<boolean> {
  const events = await rig.controller.events();
  const last = events.findLast((event) => event["trouble"] === "expander_absent:io");
  return last?.["state"] === state;
}

async function until(rig: RigTarget, what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < backMsMax; waited += lookMs) {
    if (await isSo()) return;
    await rig.idle(lookMs);
  }
  throw new Error(`did not happen in ${backMsMax} ms: ${what}`);
}
