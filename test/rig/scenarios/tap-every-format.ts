import {
  adaCards,
  bitsOf,
  front,
  frontReader,
  lab,
  labReader,
  strangerCard,
} from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, tap, untilSecured } from "../tap.ts";
import { verdict } from "../verdict.ts";

const doors = [
  { reader: frontReader, door: front },
  { reader: labReader, door: lab },
] as const;

/**
 * A card of the longest format is known at its last bit and any other after 3 ms of silence: what is
 * left is ours. Where time is `free` the machine's own moods are in it.
 */
const latencyUsMax = { exact: 50_000, free: 1_000_000 };

export const scenario: Scenario = {
  name: "tap-every-format",
  title: "A card of each format releases the strike of its reader's door and no other",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    await rig.controller.start();
    const faults: string[] = [];
    const latencies: number[] = [];
    for (const { reader, door } of doors) {
      for (const card of adaCards) {
        const seen = await tap(rig, { reader, door, slots: bitsOf(card) });
        const { latencyUs, lastPulseAt } = seen;
        const others = (await rig.strikeChanges(lastPulseAt)).filter((one) => one.door !== door);
        if (seen.released === undefined) faults.push(`${card.format} at ${reader} moved nothing`);
        else if (latencyUs < 0) faults.push(`${card.format} at ${reader}: before its last bit`);
        else if (latencyUs > latencyUsMax[rig.time]) {
          faults.push(`${card.format} at ${reader}: ${latencyUs} us`);
        } else latencies.push(latencyUs);
        if (others.length > 0) faults.push(`${card.format} at ${reader} moved another door`);
      }
      await untilSecured(rig, door);
      const slots = bitsOf(strangerCard);
      const [presented] = await rig.present({ presentations: [{ reader, slots }] });
      if (presented === undefined) throw new Error("nothing was presented");
      await rig.idle(500);
      const since = presented.lastPulseAt;
      const wrong = await strikeBecame(rig, { door, state: "released", since, withinMs: 1 });
      if (wrong !== undefined) faults.push(`a stranger's card released ${door}`);
    }
    const events = await rig.controller.events();
    const granted = events.filter(({ kind }) => kind === "access_granted").length;
    const denied = events.filter(({ kind }) => kind === "access_denied").length;
    if (granted !== 2 * adaCards.length) faults.push(`${granted} grants are in the journal`);
    if (denied !== 2) faults.push(`${denied} denials are in the journal`);
    const worst = (Math.max(...latencies) / 1_000).toFixed(1);
    return verdict(
      faults,
      `${latencies.length} of ${2 * adaCards.length} taps, last bit to strike at most ${worst} ms`,
    );
  },
};
