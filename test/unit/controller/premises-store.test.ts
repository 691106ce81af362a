import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import {
  openPremisesStore,
  type PremisesStoreOptions,
} from "../../../src/controller/open-premises-store.ts";
import { headerLine, lineOf, parsePremisesLines } from "../../../src/controller/premises-lines.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { PostureState } from "../../../src/core/posture.ts";
import type { AfterRestart, PremisesChange } from "../../../src/core/premises-memory.ts";
import { doorId, passId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { temporaryFolder } from "./journal-records.ts";
import { ada, bob, entered, front, lab, spent, TroubleList, visit } from "./premises-changes.ts";

function fileIn(t: Parameters<typeof temporaryFolder>[0]): string {
  return join(temporaryFolder(t), "premises.log");
}

function open(file: string, options: Partial<PremisesStoreOptions> = {}) {
  const { clock = new SimClock(), troubles = new TroubleList(), isFirstStart = true } = options;
  return openPremisesStore({ file, clock, troubles, isFirstStart });
}

/** What a fresh process finds. */
async function reopened<T>(file: string, look: (store: PremisesStore) => T): Promise<T> {
  const store = await open(file, { isFirstStart: false });
  const seen = look(store);
  await store.close();
  return seen;
}

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

t.test("a file cut at any byte has each whole change before the cut, and no trouble", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  await store.commit([spent(1)]);
  const began = statSync(file).size;
  await store.commit([spent(2), entered(ada)]);
  const between = statSync(file).size;
  await store.commit([spent(3), entered(bob)]);
  await store.close();
  const whole = readFileSync(file);
  for (let length = began; length < whole.length; length += 1) {
    writeFileSync(file, whole.subarray(0, length));
    const again = await open(file);
    const isAll = length >= between;
    const { memory } = again;
    const seen = [memory.spent(visit), memory.occupancy(lab), again.damages().length];
    if (String(seen) !== String(isAll ? [2, 1, 0] : [1, 0, 0])) {
      t.fail(`cut at ${length}: ${String(seen)}`);
    }
    await again.close();
  }
  truncateSync(file, whole.length - 1);
  const torn = await open(file);
  await torn.commit([spent(4)]);
  await torn.close();
  t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 4, "and goes on from there");
  t.equal(existsSync(`${file}.set-aside`), false);
});

t.test("zeros behind the last change are a power cut's, and no trouble", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  await store.commit([spent(1)]);
  await store.close();
  appendFileSync(file, Buffer.alloc(4_096));
  await reopened(file, (store) => {
    t.equal(store.memory.spent(visit), 1);
    t.same(store.damages(), []);
  });
});

t.test("any flipped bit is seen, and every other change is still in force", async (t) => {
  const records = (count: number) => [{ key: `spent/p${count}`, json: String(count) }];
  const lines = [headerLine, ...[1, 2, 3].map((number) => lineOf(number, records(number)))];
  const whole = Buffer.concat(lines);
  const last = whole.length - 1;
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const bytes = Buffer.from(whole);
    const place = bit >> 3;
    bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit & 7));
    const found = parsePremisesLines(bytes);
    // Without the end of its last line a file looks like one that a power cut tore.
    // The end of a line lost, it takes the next line along.
    const leftMin = whole[place] === 0x0a ? 1 : 2;
    const isSeen = found.state === "damaged" || (place === last && found.state === "torn");
    const wrong = [...found.values].filter(([key, value]) => key !== `spent/p${String(value)}`);
    if (!isSeen || wrong.length > 0 || found.values.size < leftMin)
      t.fail(`bit ${bit} of ${whole.length * 8}`);
  }
  t.equal(parsePremisesLines(whole).state, "whole");
  const without = Buffer.concat([headerLine, ...lines.slice(2)]);
  t.equal(parsePremisesLines(without).state, "damaged", "a line that is missing is missed");
  t.equal(parsePremisesLines(Buffer.concat(lines.slice(1))).state, "damaged");
  t.equal(parsePremisesLines(Buffer.alloc(0)).state, "damaged");
});

t.test(
  "a damaged file is reported, kept aside and healed; what is readable is in force",
  async (t) => {
    const file = fileIn(t);
    const store = await open(file);
    for (const pass of ["p1", "p2", "p3"]) await store.commit([spent(1, passId(pass))]);
    await store.close();
    const text = readFileSync(file, "utf8");
    const damaged = text.replace("p2", "p9");
    writeFileSync(file, damaged);
    const troubles = new TroubleList();
    const again = await open(file, { troubles });
    t.same(troubles.said, ["raised premises_damaged"]);
    t.same(again.damages(), ["line 3 cannot be read"]);
    const counts = ["p1", "p2", "p3", "p9"].map((pass) => again.memory.spent(passId(pass)));
    t.same(counts, [1, 0, 1, 0]);
    await again.close();
    t.equal(readFileSync(`${file}.set-aside`, "utf8"), damaged);
    await reopened(file, (healed) => {
      t.same(healed.damages(), []);
      t.equal(healed.memory.spent(passId("p3")), 1);
    });
  },
);

t.test("a record that is not one of ours is reported and moves no door", async (t) => {
  const bad: [string, string][] = [
    ["spent/p1", "-1"],
    ["spent/p2", "1.5"],
    ["spent/p3", '"7"'],
    ["spent/p/4", "1"],
    ["spent/", "1"],
    ["user/u1", '{"area":"#","door":"front"}'],
    ["user/u2", "{}"],
    ["door/d1", '{"override":{"posture":"open"}}'],
    ["door/d2", '{"override":{"posture":"unlocked","until":"soon"}}'],
    ["door/d3", '{"opened":true}'],
    ["else/e", "1"],
  ];
  for (const [key, json] of bad) {
    const file = fileIn(t);
    const good = { key: "spent/good", json: "2" };
    writeFileSync(file, Buffer.concat([headerLine, lineOf(1, [{ key, json }, good])]));
    const troubles = new TroubleList();
    const store = await open(file, { troubles });
    t.same(store.damages(), [`${key} is not a record of ours`]);
    t.same(troubles.said, ["raised premises_damaged"]);
    t.equal(store.memory.spent(passId("good")), 2);
    await store.close();
    t.same(await reopened(file, (healed) => healed.damages()), [], key);
  }
});

t.test("a file that is no file at all stops no door and says so", async (t) => {
  const folder = temporaryFolder(t);
  const troubles = new TroubleList();
  const store = await open(folder, { troubles });
  t.match(store.damages(), [/EISDIR/]);
  await t.rejects(store.commit([spent(1)]), { name: "HalError", kind: "io" });
  t.equal(store.memory.spent(visit), 1);
  t.same(troubles.said, ["raised premises_damaged", "raised premises_failing"]);
  await store.close();
});

t.test(
  "a folder that takes nothing denies the use; once it does, all of it is there",
  async (t) => {
    const folder = join(temporaryFolder(t), "state");
    writeFileSync(folder, "in the way");
    const file = join(folder, "premises.log");
    const store = await open(file);
    await t.rejects(store.commit([spent(1)]), { name: "HalError", kind: "io" });
    rmSync(folder);
    await store.commit([entered(ada)]);
    await store.close();
    t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 1);
  },
);

t.test(
  "with room for a line and not for a second file, uses still get onto the disk",
  async (t) => {
    const file = fileIn(t);
    const store = await open(file);
    await store.commit([spent(1)]);
    mkdirSync(`${file}.new`);
    const users = Array.from({ length: 200 }, (_, index) => userId(`user-${index}`));
    for (let count = 2; count <= 40; count += 1) {
      await store.commit([spent(count), ...users.map((user) => entered(user))]);
    }
    t.ok(statSync(file).size > 300_000, "it would have been written anew by now");
    t.equal(parsePremisesLines(readFileSync(file)).values.get("spent/visit"), 40);
    rmdirSync(`${file}.new`);
    await store.close();
    t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 40);
  },
);

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
