import type { RigMove, RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader, lab } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { strikeBecame, tap, untilSecured } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** From a button to the strike: its debounce of 20 ms and ours. */
const rexMsMax = 200;

export const scenario: Scenario = {
  name: "rex-and-contact",
  title: "REX opens from within, a leaf forced or held open is told, and a bounce is told once",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    await rig.controller.start();
    const faults = [...(await exit(rig)), ...(await force(rig)), ...(await hold(rig))];
    const kinds = (await rig.controller.events()).map(({ kind, door }) => `${kind} ${door ?? ""}`);
    const expected: readonly (readonly [string, number])[] = [
      ["rex_admitted front", 1],
      ["door_forced front", 0],
      ["door_forced lab", 1],
      ["door_held front", 1],
      ["door_held lab", 0],
      ["access_granted front", 1],
    ];
    for (const [told, count] of expected) {
      const found = kinds.filter((kind) => kind === told).length;
      if (found !== count) faults.push(`${told}: told ${found} times, expected ${count}`);
    }
    return verdict(faults, `exit, force and hold; ${kinds.length} events`);
  },
};

/** Out by the button: the strike follows it, and the leaf that opens then is no force. */
async function exit(rig: RigTarget): Promise<readonly string[]> {
  const [pressedAt] = await rig.play([
    { afterMs: 0, move: { kind: "rex", door: front, state: "pressed" } },
    { afterMs: 150, move: { kind: "rex", door: front, state: "idle" } },
    { afterMs: 250, move: { kind: "contact", door: front, leaf: "open" } },
    { afterMs: 600, move: { kind: "contact", door: front, leaf: "closed" } },
  ]);
  if (pressedAt === undefined) throw new Error("nothing was pressed");
  const released = await strikeBecame(rig, { door: front, state: "released", since: pressedAt });
  await untilSecured(rig, front);
  if (released === undefined) return ["REX moved nothing"];
  const ms = (released.at - pressedAt) / 1e6;
  rig.note(`REX to strike: ${ms} ms`);
  return ms > rexMsMax && rig.time === "exact" ? [`REX to strike took ${ms} ms`] : [];
}

/** A crowbar, with a contact that bounces. The strike stays as it is. */
async function force(rig: RigTarget): Promise<readonly string[]> {
  const leaf = (afterMs: number, state: "open" | "closed"): RigMove => ({
    afterMs,
    move: { kind: "contact", door: lab, leaf: state },
  });
  // The simulated board's moves are requests to a process: too late for a bounce.
  const bounce =
    rig.kind === "sim"
      ? []
      : [leaf(3, "closed"), leaf(5, "open"), leaf(7, "closed"), leaf(8, "open")];
  const [openedAt] = await rig.play([leaf(0, "open"), ...bounce, leaf(400, "closed")]);
  await rig.idle(500);
  const moves = (await rig.strikeChanges(openedAt)).filter(({ door }) => door === lab);
  return moves.length > 0 ? ["force moved the strike"] : [];
}

/** In by a card, and the leaf is left open for longer than the site allows. */
async function hold(rig: RigTarget): Promise<readonly string[]> {
  const slots = bitsOf(adaCard);
  const { released } = await tap(rig, { reader: frontReader, door: front, slots });
  if (released === undefined) return ["the card moved nothing"];
  await rig.play([{ afterMs: 10, move: { kind: "contact", door: front, leaf: "open" } }]);
  await rig.idle(3_000);
  await rig.play([{ afterMs: 0, move: { kind: "contact", door: front, leaf: "closed" } }]);
  await rig.idle(500);
  return [];
}
