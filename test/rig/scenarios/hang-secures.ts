import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** `WatchdogSec` of the unit, from the last sign of life, and the second that a kill has. */
const securedMsMax = 5_000 + 1_000;

export const scenario: Scenario = {
  name: "hang-secures",
  title: "A controller that hangs while a strike is released is replaced, and the strike secured",
  targets: ["kernel", "bench"],
  time: "exact",
  init: "systemd",
  isSmoke: false,
  secondsMax: 3_600,
  run: async (rig) => {
    const before = await rig.controller.start();
    const slots = bitsOf(adaCard);
    const { released } = await tap(rig, { reader: frontReader, door: front, slots });
    if (released === undefined) throw new Error("the card moved nothing");
    const hungAt = await rig.controller.hang();
    if ((await rig.strike(front)) !== "released") {
      return verdict(["the strike was secured before the hang"], "nothing was shown");
    }
    const secured = await strikeBecame(rig, {
      door: front,
      state: "secured",
      since: released.at,
      withinMs: 2 * securedMsMax,
    });
    const ms = secured === undefined ? undefined : (secured.at - hungAt) / 1e6;
    const faults: string[] = [];
    if (ms === undefined) faults.push("the strike stays released");
    else if (ms > securedMsMax) faults.push(`secured after ${ms.toFixed(0)} ms`);
    const again = await rig.controller.start();
    if (again.pid === before.pid) faults.push("the process that hung is still the service");
    const opens = await tap(rig, { reader: frontReader, door: front, slots });
    if (opens.released === undefined) faults.push("the next one does not open");
    return verdict(faults, `secured ${ms?.toFixed(0)} ms after the hang`);
  },
};
