import t from "tap";
import type { TableContent } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { areaId, doorId, readerId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { cardPass } from "../core/sample-table.ts";
import { bobBits, site } from "./door-people.ts";
import { adaBits, front, lab, open } from "./door-rig.ts";

const hall = areaId("hall");
const mantrap = {
  front: { inside: hall, interlock: [doorId("lab")] },
  lab: { outside: hall, interlock: [doorId("front")] },
};
const areas = (part: Partial<TableContent["areas"][number]>): Partial<TableContent> => ({
  areas: [{ id: hall, passback: "none", managerIn: "not_required", ...part }],
});

/** Through the door that was just opened. */
async function walkThrough(world: ReturnType<typeof open>, through: typeof front): Promise<void> {
  world.sim.setLeaf(through.door, "open");
  await world.clock.elapse(1_000);
  world.sim.setLeaf(through.door, "closed");
  await world.clock.elapse(10_000);
}

t.test("hard anti-passback denies who is inside already, once he went in", async (t) => {
  const world = open(site({ front: { inside: hall } }, areas({ passback: "hard" })));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(10_000);
  t.equal(world.kinds().includes("door_not_entered"), true);
  await world.tap(front.reader, adaBits);
  await walkThrough(world, front);
  t.equal(world.kinds().filter((kind) => kind === "access_granted").length, 2);
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "passback", user: "ada" });
  world.controller.forgive(userId("ada"));
  t.match(world.events.at(-1), { kind: "passback_forgiven", user: "ada" });
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_granted" });
});

t.test("explain of a later moment knows what is forgiven by then, and when next", async (t) => {
  const rules = areas({ passback: "timed", passbackMs: 3_600_000 });
  const world = open(site({ front: { inside: hall } }, rules));
  await world.tap(front.reader, adaBits);
  await walkThrough(world, front);
  const card = rawFromBits(adaBits);
  const now = world.clock.wall();
  const explained = world.controller.explain(front.door, { card });
  t.match(explained.decision, { kind: "denied", reason: "passback_timed" });
  t.match(explained.next, { kind: "at" });
  const later = { ...now, at: epochMs(now.at + 3_600_000) };
  const then = world.controller.explain(front.door, { card }, later);
  t.match(then.decision, { kind: "granted" });
});

t.test("where people are outlasts a restart where the door remembers", async (t) => {
  for (const [afterRestart, kind] of [
    ["remember", "access_denied"],
    ["forget", "access_granted"],
  ] as const) {
    const table = site({ front: { inside: hall, afterRestart } }, areas({ passback: "hard" }));
    const before = open(table);
    await before.tap(front.reader, adaBits);
    await walkThrough(before, front);
    before.close();
    const world = open(table, before);
    await world.tap(front.reader, adaBits);
    t.match(world.events.at(-1), { kind }, afterRestart);
  }
});

t.test("an exit reader leads out, and who left may come in again", async (t) => {
  const table = site(
    { front: { inside: hall }, lab: { inside: hall, exitReaders: [readerId("lab")] } },
    areas({ passback: "hard" }),
  );
  const world = open(table);
  await world.tap(front.reader, adaBits);
  await walkThrough(world, front);
  await world.tap(lab.reader, adaBits);
  await walkThrough(world, lab);
  await world.tap(front.reader, adaBits);
  t.match(
    world.kinds().filter((kind) => kind.startsWith("access_")),
    ["access_granted", "access_granted", "access_granted"],
  );
});

t.test("soft anti-passback tells and never denies", async (t) => {
  const world = open(site({ front: { inside: hall } }, areas({ passback: "soft" })));
  await world.tap(front.reader, adaBits);
  await walkThrough(world, front);
  await world.tap(front.reader, adaBits);
  t.match(world.events.slice(-2), [
    { kind: "access_granted", user: "ada" },
    { kind: "passback_violation", user: "ada", area: "hall" },
  ]);
});

t.test("an area holds as many as it may, who is on his way in included", async (t) => {
  const world = open(site({ front: { inside: hall } }, areas({ occupancyMax: 1 })));
  await world.tap(front.reader, adaBits);
  await world.tap(front.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "area_full", user: "bob" });
  await world.clock.elapse(10_000);
  await world.tap(front.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_granted" }, "Ada did not go in after all");
});

t.test("a card that is read twice has one place in its area, not two", async (t) => {
  const world = open(site({ front: { inside: hall } }, areas({ occupancyMax: 1 })));
  await world.tap(front.reader, adaBits);
  await world.tap(front.reader, adaBits);
  t.match(world.events, [
    { kind: "access_granted", reason: "granted", user: "ada" },
    { kind: "access_granted", reason: "granted_already_unlocked", user: "ada" },
  ]);
});

t.test("the last place goes to one of two whose uses are being written", async (t) => {
  const counted = (id: string, bits: string) =>
    cardPass(`${id}-card`, id, rawFromBits(bits), { usesMax: 9 });
  const passes = [counted("ada", adaBits), counted("bob", bobBits)];
  const doors = { front: { inside: hall }, lab: { inside: hall } };
  const world = open(site(doors, { ...areas({ occupancyMax: 1 }), passes }));
  world.disk.state = "hangs";
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, bobBits);
  t.match(world.events, [{ kind: "access_denied", reason: "area_full", user: "bob" }]);
  world.disk.works();
  await world.clock.elapse(100);
  t.same(world.strikes(), ["released", "secured"]);
});

t.test("of a mantrap's doors one opens at a time", async (t) => {
  const world = open(site(mantrap, areas({})));
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "interlock", user: "bob" });
  world.sim.setLeaf(front.door, "open");
  await world.clock.elapse(10_000);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { reason: "interlock" }, "the leaf still stands open");
  world.sim.setLeaf(front.door, "closed");
  await world.clock.elapse(1_000);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_granted", user: "bob" });
});
