import type { ReaderId } from "../../../src/domain/ids.ts";
import { readRigProfile } from "../board-wires.ts";
import { keySlots } from "../key-slots.ts";
import type { Presented, RigTarget } from "../rig-target.ts";
import { adaPin, front, frontReader, lab, labReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, untilSecured } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** Some keypads gather a whole entry and send it at once. */
const gatheredRestMs = 12;

type Typing = "by a finger" | "gathered and sent at once";

export const scenario: Scenario = {
  name: "keypad-bursts",
  title: "A PIN opens, in bursts of 4 and of 8 bits, typed or sent at once; a wrong one does not",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    await rig.controller.start();
    const faults: string[] = [];
    const latencies: number[] = [];
    for (const [reader, door] of [
      [frontReader, front],
      [labReader, lab],
    ] as const) {
      for (const typing of ["by a finger", "gathered and sent at once"] as const) {
        await untilSecured(rig, door);
        const right = await typed(rig, { reader, keys: `${adaPin}#`, typing });
        const since = right.lastPulseAt;
        const released = await strikeBecame(rig, { door, state: "released", since });
        if (released === undefined) faults.push(`${reader}, ${typing}: the PIN moved nothing`);
        else latencies.push((released.at - since) / 1e6);
      }
      await untilSecured(rig, door);
      const wrong = await typed(rig, { reader, keys: "135791#", typing: "by a finger" });
      await rig.idle(500);
      const since = wrong.lastPulseAt;
      const opened = await strikeBecame(rig, { door, state: "released", since, withinMs: 1 });
      if (opened !== undefined) faults.push(`${reader}: a wrong PIN opened`);
    }
    const events = await rig.controller.events();
    const granted = events.filter(({ kind }) => kind === "access_granted").length;
    const denied = events.filter(({ kind }) => kind === "access_denied").length;
    if (granted !== 4) faults.push(`${granted} grants are in the journal, expected 4`);
    if (denied !== 2) faults.push(`${denied} denials are in the journal, expected 2`);
    const worst = Math.max(...latencies).toFixed(1);
    return verdict(faults, `4 PINs, the last bit of # to strike at most ${worst} ms`);
  },
};

/** The presentation of the last key. */
async function typed(
  rig: RigTarget,
  options: { readonly reader: ReaderId; readonly keys: string; readonly typing: Typing },
): Promise<Presented> {
  const { reader, keys, typing } = options;
  const all =
    typing === "by a finger"
      ? await rig.type(reader, keys)
      : await rig.present({
          presentations: slotsOf(reader, keys).map((slots) => ({ reader, slots })),
          restMs: gatheredRestMs,
        });
  const last = all.at(-1);
  if (last === undefined) throw new Error("nothing was typed");
  return last;
}

function slotsOf(reader: ReaderId, keys: string): readonly string[] {
  const { profile } = readRigProfile("two-doors");
  const wiring = profile.readers.find(({ id }) => id === reader);
  if (wiring === undefined) throw new Error(`the board has no reader ${reader}`);
  return keySlots(wiring, keys);
}
