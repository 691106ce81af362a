import type { RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

export const scenario: Scenario = {
  name: "both-lines-low",
  title: "What pulls both lines low at once is told as that and is no card; the next one is read",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    await rig.controller.start();
    const good = bitsOf(adaCard);
    const noise = [
      ["one bit of a card that should open", `${good.slice(0, 12)}b${good.slice(13)}`],
      ["every bit of a card", "b".repeat(good.length)],
      ["the first bit of a card", `b${good.slice(1)}`],
      ["the last bit of a card", `${good.slice(0, -1)}b`],
      ["a lone pulse", "b"],
      // As many pulses as the card has, and in its order: who only counts them lets Ada in.
      ["two bits of the card at once", good.replace("01", "b")],
    ] as const;
    const faults: string[] = [];
    for (const [what, slots] of noise) {
      const [presented] = await rig.present({ presentations: [{ reader: frontReader, slots }] });
      if (presented === undefined) throw new Error("nothing was presented");
      await rig.idle(200);
      const since = presented.lastPulseAt;
      const wrong = await strikeBecame(rig, { door: front, state: "released", since, withinMs: 1 });
      if (wrong !== undefined) faults.push(`both lines low in ${what}: released`);
    }
    const after = await tap(rig, { reader: frontReader, door: front, slots: good });
    if (after.released === undefined) faults.push("the card after it moved nothing");
    const events = await rig.controller.events();
    const granted = events.filter(({ kind }) => kind === "access_granted").length;
    const denied = events.filter(({ kind }) => kind === "access_denied").length;
    if (granted !== 1) faults.push(`${granted} grants are in the journal`);
    // Noise that passes for a card that nobody issued would pass for one that somebody did.
    if (denied !== 0) faults.push(`${denied} times noise was taken for a card`);
    if (events.every(({ kind }) => kind !== "reader_misread")) {
      faults.push("no misread is in the journal");
    }
    // Its spacing alone would give most of it away, but not tell anybody to look for a short.
    const misreads = await misreadCounts(rig);
    const told = Object.entries(misreads).map(([why, count]) => `${count} ${why}`);
    if (misreads["both_low"] !== noise.length) faults.push(`misreads: ${told.join(", ")}`);
    return verdict(faults, `${noise.length} kinds of noise: ${told.join(", ")}`);
  },
};

/** Of the front door's reader, by what was wrong with a frame. */
async function misreadCounts(rig: RigTarget): Promise<Readonly<Record<string, number>>> {
  const { code, stdout, stderr } = await rig.controller.postern(["status", "--json"]);
  if (code !== 0) throw new Error(`postern status: ${stderr}`);
  const { readers } = JSON.parse(stdout) as {
    readonly readers: readonly {
      readonly id: string;
      readonly misreadCounts: Readonly<Record<string, number>>;
    }[];
  };
  const own = readers.find(({ id }) => id === frontReader);
  if (own === undefined) throw new Error(`postern status: no reader ${frontReader}`);
  return own.misreadCounts;
}
