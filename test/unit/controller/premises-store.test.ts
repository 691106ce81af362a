import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { PostureState } from "../../../src/core/posture.ts";
import type { AfterRestart, PremisesChange } from "../../../src/core/premises-memory.ts";
import { doorId, passId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { temporaryFolder } from "./journal-records.ts";
import { ada, bob, entered, front, lab, spent, TroubleList, visit } from "./premises-changes.ts";

import { fileIn, open, reopened } from "./premises-file.ts";

t.test("uses, people and lockdown outlast a restart", async (t) => {
  const file = join(temporaryFolder(t), "not", "made", "yet", "premises.log");
  const troubles = new TroubleList();
  const store = await open(file, { troubles });
  t.same(store.damages(), [], "a first start is no damage");
  const state = { override: { posture: "lockdown" } } as const;
  await store.commit([spent(1), entered(ada)]);
  await store.commit([spent(2), { kind: "posture", door: front, state, afterRestart: "remember" }]);
  await store.close();
  t.equal(statSync(file).mode & 0o777, 0o600);
  const again = await open(file, { troubles });
  t.equal(again.memory.spent(visit), 2);
  t.equal(again.memory.whereabouts(ada)?.area, lab);
  t.equal(again.memory.managerCount(lab), 1);
  t.same(again.memory.postureState(front), state);
  t.same(again.damages(), []);
  await again.commit([spent(3)]);
  await again.close();
  t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 3, "lines were added to it");
  t.same(troubles.said, []);
});

t.test(
  "a door's own rule says what of it outlasts a restart; uses and lockdown always do",
  async (t) => {
    const until = epochMs(Date.UTC(2026, 0, 5, 18));
    const permanent: PostureState = { override: { posture: "unlocked" } };
    const temporary: PostureState = { override: { posture: "unlocked", until } };
    const learnt: PostureState = { firstIn: { until }, toggledBy: visit };
    const lockdown: PostureState = { override: { posture: "lockdown" }, ...learnt };
    const cases: [PostureState, AfterRestart, PostureState][] = [
      [permanent, "forget", permanent],
      [temporary, "forget", {}],
      [learnt, "forget", {}],
      [lockdown, "forget", { override: { posture: "lockdown" } }],
      [permanent, "remember", permanent],
      [temporary, "remember", temporary],
      [learnt, "remember", learnt],
      [lockdown, "remember", lockdown],
    ];
    const file = fileIn(t);
    const store = await open(file);
    for (const [index, [state, afterRestart]] of cases.entries()) {
      store.keep([{ kind: "posture", door: doorId(`door-${index}`), state, afterRestart }]);
    }
    store.keep([entered(ada), entered(bob), entered(bob, { afterRestart: "forget" }), spent(1)]);
    await store.close();
    await reopened(file, ({ memory }) => {
      for (const [index, [state, afterRestart, kept]] of cases.entries()) {
        const told = `${afterRestart} ${JSON.stringify(state)}`;
        t.same(memory.postureState(doorId(`door-${index}`)), kept, told);
      }
      t.equal(memory.whereabouts(ada)?.area, lab);
      t.equal(memory.whereabouts(bob), undefined, "neither the last place nor the one before");
      t.equal(memory.spent(visit), 1);
    });
  },
);

const lockedDown = { posture: "lockdown" } as const;
const byToggle: PostureState = { toggledBy: visit };
const toggled = (door = front, afterRestart: AfterRestart = "remember"): PremisesChange => {
  return { kind: "posture", door, state: byToggle, afterRestart };
};
const side = doorId("side");

t.test("what a door's settings say now is what the next start finds", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  for (const door of [front, side]) store.refile(door, "remember");
  await store.commit([entered(ada), entered(bob, { door: side }), toggled(), toggled(side)]);
  await store.commit([spent(1)]);
  store.refile(front, "forget");
  t.same(store.memory.postureState(front), byToggle, "and nothing is different before");
  t.equal(store.memory.whereabouts(ada)?.area, lab);
  await store.close();
  await reopened(file, ({ memory }) => {
    t.same(memory.postureState(front), {});
    t.equal(memory.whereabouts(ada), undefined);
    t.same(memory.postureState(side), byToggle, "the other door is as it was");
    t.equal(memory.whereabouts(bob)?.area, lab);
    t.equal(memory.spent(visit), 1);
  });
});

t.test("a door that remembers from now on remembers what it has seen", async (t) => {
  const file = fileIn(t);
  const clock = new SimClock();
  const store = await open(file, { clock });
  store.refile(front, "forget");
  const at = clock.monotonic();
  await store.commit([entered(ada, { at, afterRestart: "forget" }), toggled(front, "forget")]);
  clock.advance(60_000);
  store.refile(front, "remember");
  await store.close();
  const again = await open(file, { clock });
  again.refile(front, "remember");
  t.same(again.memory.postureState(front), byToggle);
  t.match(again.memory.whereabouts(ada), { area: lab, since: at });
  await again.close();
});

t.test("a power cut between the table and the records lets nothing back in", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  const state = { ...byToggle, override: lockedDown };
  await store.commit([entered(ada), entered(bob, { door: side }), toggled(side)]);
  await store.commit([{ kind: "posture", door: front, state, afterRestart: "remember" }]);
  await store.close();
  // The table that says so was found at the start; these records never heard of it.
  const again = await open(file);
  again.refile(front, "forget");
  again.refile(side, "remember");
  const look = ({ memory }: PremisesStore) => {
    t.same(memory.postureState(front), { override: lockedDown }, "a lockdown always stays");
    t.equal(memory.whereabouts(ada), undefined);
    t.equal(memory.occupancy(lab), 1);
    t.same(memory.postureState(side), byToggle);
  };
  look(again);
  await again.commit([{ kind: "posture", door: front, state, afterRestart: "forget" }]);
  again.refile(front, "forget");
  t.same(again.memory.postureState(front), state, "the next table forgets nothing of this life");
  await again.close();
  await reopened(file, look);
});

t.test("a file that is gone is a damage, but for a controller that never ran", async (t) => {
  const file = fileIn(t);
  const troubles = new TroubleList();
  const first = await open(file, { troubles, isFirstStart: true });
  t.same(troubles.said, []);
  await first.close();
  t.ok(existsSync(file), "there from the first start on, whether anybody came or not");
  await reopened(file, (store) => t.same(store.damages(), []));
  rmSync(file);
  const again = await open(file, { troubles, isFirstStart: false });
  t.same(troubles.said, ["raised premises_damaged"]);
  t.match(again.damages(), [/^premises\.log is missing: uses that were spent, /]);
  await again.close();
  await reopened(file, (store) => t.same(store.damages(), [], "it is told once"));
});

t.test("an override that was cleared stays cleared", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  const state = { override: { posture: "lockdown" } } as const;
  await store.commit([{ kind: "posture", door: front, state, afterRestart: "forget" }]);
  await store.commit([{ kind: "posture", door: front, state: {}, afterRestart: "forget" }]);
  await store.close();
  t.same(await reopened(file, ({ memory }) => memory.postureState(front)), {});
});

t.test("who came in an hour ago came in an hour ago after a restart, too", async (t) => {
  const began = Date.UTC(2026, 0, 5, 12);
  const hour = 3_600_000;
  const cases = [
    { before: "trusted", after: "holdover", passedMs: hour, sinceMs: hour },
    { before: "unknown", after: "trusted", passedMs: hour, sinceMs: 0 },
    { before: "trusted", after: "unknown", passedMs: hour, sinceMs: 0 },
    { before: "trusted", after: "trusted", passedMs: -hour, sinceMs: 0 },
  ] as const;
  for (const { before, after, passedMs, sinceMs } of cases) {
    const file = fileIn(t);
    const first = await open(file, { clock: new SimClock({ wallAt: began, quality: before }) });
    // Entered five seconds before it came to be written.
    const clock = new SimClock({ wallAt: began });
    clock.advance(-5_000);
    await first.commit([entered(ada, { at: clock.monotonic() })]);
    await first.close();
    const options = { monotonicAt: 77_000, wallAt: began + passedMs, quality: after };
    const store = await open(file, { clock: new SimClock(options) });
    const known = sinceMs === 0 ? 0 : sinceMs + 5_000;
    const told = `${before}, then ${after}, ${passedMs} ms later`;
    t.equal(store.memory.whereabouts(ada)?.since, 77_000 - known, told);
    await store.close();
  }
});

t.test("the file grows no further than a few times what is in it", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  let biggest = 0;
  let smallest = Infinity;
  const batch = Array.from({ length: 200 }, (_, index) => userId(`user-${index}`));
  for (let count = 1; count <= 120; count += 1) {
    await store.commit([spent(count), ...batch.map((user) => entered(user))]);
    const { size } = statSync(file);
    biggest = Math.max(biggest, size);
    if (count > 40) smallest = Math.min(smallest, size);
  }
  await store.close();
  t.ok(biggest < 300_000, `${biggest} bytes`);
  t.ok(smallest < 50_000, `${smallest} bytes`);
  t.same(readdirSync(join(file, "..")), ["premises.log"]);
  await reopened(file, ({ memory }) => {
    t.equal(memory.spent(visit), 120);
    t.equal(memory.occupancy(lab), 200);
  });
});

t.test("use counts that a table's passes no longer need leave the disk", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  const passes = Array.from({ length: 10_002 }, (_, index) => passId(`p${index}`));
  store.keep(passes.map((pass) => spent(1, pass)));
  store.prune((pass) => pass === "p0");
  await store.close();
  await reopened(file, ({ memory }) => {
    t.same(
      passes.slice(0, 3).map((pass) => memory.spent(pass)),
      [1, 0, 1],
    );
  });
});
