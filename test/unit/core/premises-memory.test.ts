import fc from "fast-check";
import t from "tap";
import type { Passage } from "../../../src/core/premises.ts";
import { type PremisesChange, PremisesMemory } from "../../../src/core/premises-memory.ts";
import { areaId, doorId, passId, readerId, userId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { checkProperty } from "./property.ts";

const [ada, bob, cleo] = [userId("ada"), userId("bob"), userId("cleo")];
const [lab, vault] = [areaId("lab"), areaId("vault")];
const [front, side] = [doorId("front"), doorId("side")];
const [visit, tour] = [passId("visit"), passId("tour")];
const at = monotonicMs(1_000);

const into = (user: Passage["user"], to?: Passage["to"], isManager = false): Passage => ({
  user,
  ...(to !== undefined && { to }),
  isManager,
});

const moved = (passage: Passage, when = at): PremisesChange => {
  return { kind: "moved", passage, door: front, at: when, afterRestart: "remember" };
};

t.test("before anybody came, nobody is anywhere and every door is shut", (t) => {
  const premises = new PremisesMemory();
  t.equal(premises.spent(visit), 0);
  t.equal(premises.whereabouts(ada), undefined);
  t.equal(premises.occupancy(lab), 0);
  t.equal(premises.managerCount(lab), 0);
  t.same(premises.postureState(front), {});
  t.equal(premises.isShut(front), true);
  t.equal(premises.isTampered(readerId("front")), false);
  t.end();
});

t.test(
  "whoever came through a door is where it leads, since then, and no longer elsewhere",
  (t) => {
    const premises = new PremisesMemory();
    premises.apply(moved(into(ada, lab, true)));
    premises.apply(moved(into(bob, lab)));
    t.same(premises.whereabouts(ada), { area: lab, since: at, isManager: true, door: front });
    t.equal(premises.occupancy(lab), 2);
    t.equal(premises.managerCount(lab), 1);
    premises.apply(moved(into(ada, vault, true), monotonicMs(2_000)));
    t.equal(premises.occupancy(lab), 1);
    t.equal(premises.managerCount(lab), 0);
    t.equal(premises.managerCount(vault), 1);
    premises.apply(moved(into(ada), monotonicMs(3_000)));
    t.match(premises.whereabouts(ada), { area: undefined, since: 3_000 }, "outside of every area");
    t.equal(premises.occupancy(vault), 0);
    t.end();
  },
);

t.test("entering twice, as soft anti-passback lets people, is still one person inside", (t) => {
  const premises = new PremisesMemory();
  premises.apply(moved(into(ada, lab)));
  premises.reserve(front, into(ada, lab));
  t.equal(premises.occupancy(lab), 1);
  premises.apply(moved(into(ada, lab)));
  t.equal(premises.occupancy(lab), 1);
  t.end();
});

t.test("whoever was granted and may still come in takes a place", (t) => {
  const premises = new PremisesMemory();
  premises.apply(moved(into(ada, lab)));
  premises.reserve(front, into(bob, lab));
  premises.reserve(side, into(bob, lab));
  premises.reserve(front, into(cleo, vault));
  t.equal(premises.occupancy(lab), 2, "granted at two doors, he comes in once");
  t.equal(premises.occupancy(vault), 1);
  t.equal(premises.whereabouts(bob), undefined, "he is not there yet");
  t.same(premises.settleReservations(front, "not_made", at, "remember"), []);
  t.equal(premises.occupancy(vault), 0);
  t.equal(premises.occupancy(lab), 2, "at the other door he may still come in");
  const changes = premises.settleReservations(side, "made", at, "forget");
  t.same(changes, [
    { kind: "moved", passage: into(bob, lab), door: side, at, afterRestart: "forget" },
  ]);
  for (const change of changes) premises.apply(change);
  t.equal(premises.occupancy(lab), 2);
  t.match(premises.whereabouts(bob), { area: lab, since: at });
  t.same(premises.settleReservations(side, "made", at, "remember"), [], "nobody comes twice");
  t.end();
});

t.test("whoever waits for a disk to count his use has his place, and is not inside yet", (t) => {
  const premises = new PremisesMemory();
  const end = premises.claim(front, [into(ada, lab)]);
  const other = premises.claim(front, []);
  premises.reserve(side, into(ada, lab));
  t.equal(premises.occupancy(lab), 1);
  premises.settleReservations(side, "not_made", at, "remember");
  t.equal(premises.occupancy(lab), 1);
  t.equal(premises.isShut(front), false);
  t.equal(premises.isShut(side), true);
  t.same(premises.settleReservations(front, "made", at, "remember"), [], "another came through");
  t.equal(premises.occupancy(lab), 1);
  end();
  end();
  t.equal(premises.occupancy(lab), 0);
  t.equal(premises.isShut(front), false, "of two, one still waits");
  other();
  t.equal(premises.isShut(front), true);
  t.end();
});

t.test("whoever comes in by another door is coming, and by this one alone is not", (t) => {
  const premises = new PremisesMemory();
  premises.reserve(front, into(ada, lab));
  t.equal(premises.isComing(ada, lab), true);
  t.equal(premises.isComing(ada, lab, front), false);
  t.equal(premises.isComing(ada, lab, side), true);
  const end = premises.claim(side, [into(ada, lab)]);
  t.equal(premises.isComing(ada, lab, front), true, "his use is being written there");
  t.equal(premises.isComing(ada, vault, front), false);
  end();
  premises.settleReservations(front, "not_made", at, "remember");
  t.equal(premises.isComing(ada, lab), false);
  t.end();
});

t.test("what was learnt at a door can be said again, and nothing of another door", (t) => {
  const premises = new PremisesMemory();
  const state = { toggledBy: visit };
  const changes: PremisesChange[] = [
    moved(into(ada, lab, true)),
    moved(into(bob)),
    { kind: "moved", passage: into(cleo, lab), door: side, at, afterRestart: "remember" },
    { kind: "posture", door: front, state, afterRestart: "remember" },
  ];
  for (const change of changes) premises.apply(change);
  const [first, second, , posture] = changes;
  t.same(premises.learntAt(front, "remember"), [first, second, posture]);
  premises.apply({ kind: "moved", passage: into(ada), door: side, at, afterRestart: "forget" });
  t.same(premises.learntAt(front, "remember"), [second, posture], "she has gone elsewhere since");
  t.end();
});

t.test("a door is shut when its contact and strike say so and nobody may still open it", (t) => {
  const premises = new PremisesMemory();
  premises.setDoorShut(front, false);
  t.equal(premises.isShut(front), false);
  t.equal(premises.isShut(side), true, "other doors are as they are");
  premises.setDoorShut(front, true);
  t.equal(premises.isShut(front), true);
  premises.reserve(front, undefined);
  t.equal(premises.isShut(front), false, "somebody was granted");
  t.same(premises.settleReservations(front, "made", at, "remember"), [], "who leads nowhere");
  t.equal(premises.isShut(front), true);
  premises.reserve(front, undefined);
  premises.reserve(front, into(ada, lab));
  t.equal(premises.settleReservations(front, "made", at, "remember").length, 1);
  t.equal(premises.isShut(front), true);
  t.end();
});

t.test("tampering with the enclosure is tampering with every reader", (t) => {
  const premises = new PremisesMemory();
  const [front, side] = [readerId("front"), readerId("side")];
  premises.setTampered(front, true);
  t.same([premises.isTampered(front), premises.isTampered(side)], [true, false]);
  t.equal(premises.isTampered(undefined), false);
  premises.setTampered(undefined, true);
  t.same([premises.isTampered(front), premises.isTampered(side)], [true, true]);
  t.equal(premises.isTampered(undefined), true);
  premises.setTampered(front, false);
  t.equal(premises.isTampered(front), true, "the enclosure is still open");
  premises.setTampered(undefined, false);
  t.equal(premises.isTampered(front), false);
  t.end();
});

t.test("who is forgiven may be anywhere; with nobody named, everybody is", (t) => {
  const premises = new PremisesMemory();
  for (const user of [ada, bob, cleo]) premises.apply(moved(into(user, lab, user === ada)));
  t.same(premises.apply({ kind: "forgiven", user: ada }), [ada]);
  t.equal(premises.whereabouts(ada), undefined);
  t.equal(premises.occupancy(lab), 2);
  t.equal(premises.managerCount(lab), 0);
  t.same(premises.apply({ kind: "forgiven" }), [bob, cleo]);
  t.equal(premises.whereabouts(bob), undefined);
  t.equal(premises.occupancy(lab), 0);
  t.end();
});

t.test("a pass that is taken out of the table and put back has not grown new uses", (t) => {
  const premises = new PremisesMemory();
  premises.apply({ kind: "spent", pass: visit, spent: 2 });
  t.same(
    premises.prune(() => false),
    [],
  );
  t.equal(premises.spent(visit), 2);
  t.end();
});

t.test("of passes that the table lacks, those spent longest ago are forgotten first", (t) => {
  const premises = new PremisesMemory({ absentSpentMax: 1 });
  const kept = passId("kept");
  for (const pass of [visit, kept, tour, visit]) premises.apply({ kind: "spent", pass, spent: 1 });
  t.same(
    premises.prune((pass) => pass === kept),
    [tour],
  );
  t.same(
    [visit, kept, tour].map((pass) => premises.spent(pass)),
    [1, 1, 0],
  );
  t.end();
});

t.test("with more people recorded than there is room for, the oldest record is forgotten", (t) => {
  const premises = new PremisesMemory({ recordedMax: 2 });
  premises.apply(moved(into(ada, lab, true)));
  premises.apply(moved(into(bob, lab)));
  premises.apply(moved(into(ada, lab, true)));
  t.same(premises.apply(moved(into(cleo, lab))), [bob]);
  t.equal(premises.whereabouts(bob), undefined);
  t.equal(premises.occupancy(lab), 2);
  t.equal(premises.managerCount(lab), 1);
  t.same([...premises.recordedUsers()], [ada, cleo]);
  t.end();
});

t.test("posture is as it was last set, door by door", (t) => {
  const premises = new PremisesMemory();
  const state = { override: { posture: "lockdown" } } as const;
  premises.apply({ kind: "posture", door: front, state, afterRestart: "forget" });
  t.same(premises.postureState(front), state);
  t.same(premises.postureState(side), {});
  premises.apply({ kind: "posture", door: front, state: {}, afterRestart: "forget" });
  t.same(premises.postureState(front), {});
  t.end();
});

const users = [ada, bob, cleo, userId("dan")];
const areas = [lab, vault, undefined];
const moveArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("moved"), fc.nat(3), fc.nat(2), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("forgiven"), fc.nat(4), fc.nat(2), fc.boolean()) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("reserve"), fc.nat(3), fc.nat(2), fc.boolean()) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("settle"), fc.nat(1), fc.nat(1), fc.boolean()) },
);

t.test("after any comings and goings, as many are inside as one counts by hand", (t) => {
  const property = fc.property(fc.array(moveArbitrary, { maxLength: 40 }), (moves) => {
    const premises = new PremisesMemory();
    const inside = new Map<string, { area: string | undefined; isManager: boolean }>();
    const coming: { user: string; door: string; area: string | undefined; isManager: boolean }[] =
      [];
    const move = (passage: Passage) => {
      premises.apply(moved(passage));
      inside.set(passage.user, { area: passage.to, isManager: passage.isManager });
    };
    for (const [what, who, where, flag] of moves) {
      const passage = into(users[who] ?? ada, areas[where], flag);
      const door = flag ? front : side;
      if (what === "moved") move(passage);
      if (what === "forgiven") {
        const user = users[who];
        premises.apply({ kind: "forgiven", ...(user !== undefined && { user }) });
        if (user === undefined) inside.clear();
        else inside.delete(user);
      }
      if (what === "reserve") {
        premises.reserve(door, passage);
        const known = coming.findIndex((one) => one.user === passage.user && one.door === door);
        if (known !== -1) coming.splice(known, 1);
        coming.push({ user: passage.user, door, area: passage.to, isManager: flag });
      }
      if (what === "settle") {
        const outcome = where === 0 ? "made" : "not_made";
        for (const change of premises.settleReservations(door, outcome, at, "remember")) {
          if (change.kind === "moved") move(change.passage);
        }
        for (let place = coming.length - 1; place >= 0; place -= 1) {
          if (coming[place]?.door === door) coming.splice(place, 1);
        }
      }
      for (const area of [lab, vault]) {
        const there = [...inside].filter(([, record]) => record.area === area);
        const people = new Set([
          ...there.map(([user]) => user),
          ...coming.filter((one) => one.area === area).map(({ user }) => user),
        ]);
        if (premises.occupancy(area) !== people.size) return false;
        const managers = there.filter(([, record]) => record.isManager);
        if (premises.managerCount(area) !== managers.length) return false;
      }
    }
    return true;
  });
  checkProperty(t, 1_000, property);
  t.end();
});
