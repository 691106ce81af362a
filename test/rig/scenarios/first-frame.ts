import type { Presentation } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap, untilSecured } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** At some seven cards a second: far longer than a start takes. */
const cardsWhileStarting = { smoke: 60, full: 200 };

/**
 * From a card's last bit to a strike that it released, at most: the next one begins after 110 ms. The
 * first decision of a process takes longest, and here the start still goes on beside it.
 */
const causeMsMax = 105;

export const scenario: Scenario = {
  name: "first-frame",
  title:
    "The first card after the start opens, and one that the start cuts in two is no other card",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    const faults: string[] = [];
    const slots = bitsOf(adaCard);
    await rig.controller.start();
    const first = await tap(rig, { reader: frontReader, door: front, slots });
    if (first.released === undefined) faults.push("the first card after the start moved nothing");
    await rig.controller.stop();
    // A simulated board is there when its controller is.
    if (rig.kind === "sim") return verdict(faults, `first card after ${first.latencyUs} us`);

    const count = cardsWhileStarting[rig.isSmoke ? "smoke" : "full"];
    const before = (await rig.strikeChanges()).at(-1)?.at;
    const presentations = Array.from({ length: count }, (): Presentation => {
      return { reader: frontReader, slots };
    });
    const [started, presented] = await Promise.all([
      rig.controller.start(),
      rig.present({ presentations }),
    ]);
    const releases = (await rig.strikeChanges(before)).filter(
      ({ at, state }) => state === "released" && at > (before ?? 0),
    );
    const latencies = releases.map(({ at }) => {
      const last = presented.findLast(({ lastPulseAt }) => lastPulseAt < at)?.lastPulseAt ?? 0;
      return (at - last) / 1e6;
    });
    if (latencies.some((ms) => ms > causeMsMax)) {
      faults.push("the strike was released by what was no whole card");
    }
    await untilSecured(rig, front);
    const afterwards = await tap(rig, { reader: frontReader, door: front, slots });
    if (afterwards.released === undefined) faults.push("a card after all that moved nothing");
    const denied = (await rig.controller.events()).filter(({ kind }) => kind === "access_denied");
    if (denied.length > 0) faults.push(`${denied.length} cards were taken for another card`);
    const missed = presented.filter(({ lastPulseAt }) => lastPulseAt < started.readyAt).length;
    return verdict(
      faults,
      `${count} cards from the start on, ${missed} of them before it was ready, ` +
        `${releases.length} releases, at most ${Math.max(...latencies).toFixed(1)} ms after a card`,
    );
  },
};
