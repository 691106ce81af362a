import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

const securedMsMax = 1_000;
const counts = { smoke: 1, full: 20 };

export const scenario: Scenario = {
  name: "kill-secures",
  title: "A controller killed while a strike is released leaves it secured within a second",
  // On the simulated board the lines die with the process.
  targets: ["kernel", "bench"],
  time: "exact",
  init: "systemd",
  isSmoke: false,
  secondsMax: 7_200,
  run: async (rig) => {
    const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"];
    const faults: string[] = [];
    const securedMs: number[] = [];
    const readyMs: number[] = [];
    for (let kill = 0; kill < count; kill += 1) {
      await rig.controller.start();
      const { released } = await tap(rig, {
        reader: frontReader,
        door: front,
        slots: bitsOf(adaCard),
      });
      if (released === undefined) throw new Error("the card moved nothing");
      const killedAt = await rig.controller.kill();
      const secured = await strikeBecame(rig, {
        door: front,
        state: "secured",
        since: released.at,
      });
      const ms = secured === undefined ? undefined : (secured.at - killedAt) / 1e6;
      // It had relocked by itself: the kill came too late to show anything.
      if (ms !== undefined && ms < 0) {
        rig.note(`kill ${kill} came ${-ms} ms after the strike was secured`);
        continue;
      }
      if (ms === undefined) faults.push(`kill ${kill}: the strike stays released`);
      else if (ms > securedMsMax) faults.push(`kill ${kill}: secured after ${ms} ms`);
      else securedMs.push(ms);
      // Nobody starts it again by hand: its service manager does.
      const again = await rig.controller.start();
      readyMs.push((again.readyAt - killedAt) / 1e6);
    }
    if (securedMs.length === 0) faults.push("no kill met a released strike");
    const worst = (values: readonly number[]) => Math.max(...values).toFixed(0);
    return verdict(
      faults,
      `${securedMs.length} of ${count} kills met a released strike; secured within ` +
        `${worst(securedMs)} ms, ready again within ${worst(readyMs)} ms`,
    );
  },
};
