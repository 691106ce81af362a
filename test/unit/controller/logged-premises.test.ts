import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { LoggedPremises } from "../../../src/controller/logged-premises.ts";
import type { PremisesLog } from "../../../src/controller/premises-log.ts";
import type { PremisesRecord } from "../../../src/controller/premises-records.ts";
import type { PostureState } from "../../../src/core/posture.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import {
  ada,
  bob,
  entered,
  front,
  lab,
  nothingFound,
  spent,
  TroubleList,
  visit,
} from "./premises-changes.ts";

/** A disk that answers when the test says so; what it called durable it has. */
class PaperLog implements PremisesLog {
  readonly durable = new Map<string, string>();
  readonly writes: (readonly PremisesRecord[])[] = [];
  isClosed = false;
  #answer: ((error: Error | undefined) => void) | undefined;

  write(changed: readonly PremisesRecord[]): Promise<void> {
    if (this.#answer !== undefined) throw new Error("written to while it writes");
    this.writes.push(changed);
    return new Promise((resolve, reject) => {
      this.#answer = (error) => {
        if (error !== undefined) return reject(error);
        for (const { key, json } of changed) {
          if (json === undefined) this.durable.delete(key);
          else this.durable.set(key, json);
        }
        resolve();
      };
    });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  get isAsked(): boolean {
    return this.#answer !== undefined;
  }

  async answer(error?: Error): Promise<void> {
    const answer = this.#answer;
    if (answer === undefined) throw new Error("nothing was asked of the disk");
    this.#answer = undefined;
    answer(error);
    await turn();
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });

function stage() {
  const log = new PaperLog();
  const clock = new SimClock();
  const troubles = new TroubleList();
  const store = new LoggedPremises({ log, found: nothingFound, clock, troubles });
  return { log, clock, troubles, store };
}

/** What became of a commit so far. */
function outcomeOf(commit: Promise<void>): { now: string } {
  const outcome = { now: "waiting" };
  commit.then(
    () => {
      outcome.now = "durable";
    },
    (error: unknown) => {
      outcome.now = error instanceof HalError ? `refused ${error.kind}` : String(error);
    },
  );
  return outcome;
}

t.test("a use is in force at once, and durable when its commit resolves", async (t) => {
  const { log, store, troubles } = stage();
  const commit = outcomeOf(store.commit([spent(1)]));
  t.equal(store.memory.spent(visit), 1, "another door counts it already");
  await turn();
  t.equal(commit.now, "waiting");
  await log.answer();
  t.equal(commit.now, "durable");
  t.equal(log.durable.get("spent/visit"), "1");
  t.same(troubles.said, []);
});

t.test("what queued while the disk was busy goes to it together", async (t) => {
  const { log, store } = stage();
  const first = outcomeOf(store.commit([spent(1)]));
  await turn();
  const others = [2, 3, 4].map((count) => outcomeOf(store.commit([spent(count)])));
  const another = outcomeOf(store.commit([spent(1, passId("tour"))]));
  await log.answer();
  t.equal(first.now, "durable");
  t.ok(others.every(({ now }) => now === "waiting"));
  await log.answer();
  t.ok([...others, another].every(({ now }) => now === "durable"));
  t.equal(log.writes.length, 2);
  t.same(
    [...log.durable],
    [
      ["spent/visit", "4"],
      ["spent/tour", "1"],
    ],
  );
});

t.test("what nobody has to remember costs the disk nothing", async (t) => {
  const { log, store } = stage();
  await store.commit([entered(ada, { afterRestart: "forget" })]);
  await store.commit([{ kind: "forgiven" }]);
  await store.commit([
    { kind: "posture", door: front, state: { toggledBy: visit }, afterRestart: "forget" },
  ]);
  t.same(store.memory.postureState(front), { toggledBy: visit });
  await turn();
  t.equal(log.writes.length, 0);
});

t.test("a disk that refuses denies the use, raises a trouble and is tried again", async (t) => {
  const { log, clock, store, troubles } = stage();
  const commit = outcomeOf(store.commit([spent(1)]));
  await turn();
  await log.answer(full);
  t.equal(commit.now, "refused io");
  t.equal(store.memory.spent(visit), 1, "until it is taken back");
  t.same(troubles.said, ["raised premises_failing"]);
  store.takeBack(visit);
  t.equal(store.memory.spent(visit), 0);
  await turn();
  await log.answer(full);
  for (const ms of [199, 399, 799, 1_599]) {
    clock.advance(ms);
    t.equal(log.isAsked, false);
    clock.advance(1);
    t.equal(log.isAsked, true, `${ms + 1} ms later`);
    await log.answer(full);
  }
  t.same(troubles.said, ["raised premises_failing"], "once");
  clock.advance(30_000);
  await log.answer();
  t.equal(log.durable.get("spent/visit"), "0");
  t.same(troubles.said, ["raised premises_failing", "cleared premises_failing"]);
  t.equal(clock.alarmCount, 0);
});

t.test("the next use does not wait for the retry, and takes along what was refused", async (t) => {
  const { log, store } = stage();
  const first = outcomeOf(store.commit([spent(1, passId("tour"))]));
  await turn();
  await log.answer(full);
  const second = outcomeOf(store.commit([spent(1)]));
  await turn();
  await log.answer();
  t.same([first.now, second.now], ["refused io", "durable"]);
  t.equal(log.durable.get("spent/tour"), "1");
});

t.test("a use that came while the disk was refusing another gets its own attempt", async (t) => {
  const { log, store } = stage();
  const first = outcomeOf(store.commit([spent(1)]));
  await turn();
  const second = outcomeOf(store.commit([spent(2)]));
  await log.answer(full);
  t.same([first.now, second.now], ["refused io", "waiting"]);
  await log.answer();
  t.equal(second.now, "durable");
  t.equal(log.durable.get("spent/visit"), "2");
});

t.test("uses are numbered as they are granted, whichever of them the disk refused", async (t) => {
  const { log, store } = stage();
  const granted: number[] = [];
  const use = () => {
    const spentNow = store.memory.spent(visit) + 1;
    store.commit([spent(spentNow)]).then(
      () => granted.push(store.grantUse(visit)),
      () => store.takeBack(visit),
    );
  };
  use();
  await turn();
  use();
  await log.answer(full);
  use();
  await log.answer();
  t.same(granted, [1], "the first was refused, and the third still waits");
  t.equal(log.durable.get("spent/visit"), "2");
  await log.answer();
  t.same(granted, [1, 2]);
  t.equal(store.memory.spent(visit), 2);
  use();
  await turn();
  await log.answer();
  t.same(granted, [1, 2, 3]);
  t.equal(log.durable.get("spent/visit"), "3");
});

t.test("a use that is taken back after the disk had it takes no number with it", async (t) => {
  const { log, store } = stage();
  const told: string[] = [];
  store.commit([spent(1)]).then(
    () => store.takeBack(visit),
    () => told.push("refused"),
  );
  store.commit([spent(2), spent(1, passId("tour"))]).then(
    () => told.push(`use ${store.grantUse(visit)}`, `tour ${store.grantUse(passId("tour"))}`),
    () => told.push("refused"),
  );
  await turn();
  await log.answer();
  t.same(told, ["use 1", "tour 1"]);
  await log.answer();
  t.equal(log.durable.get("spent/visit"), "1");
});

t.test("the count of a use that is being written is kept, whatever table comes", async (t) => {
  const { log, store } = stage();
  const others = Array.from({ length: 10_000 }, (_, index) => passId(`p${index}`));
  const commit = outcomeOf(store.commit([spent(1)]));
  store.keep(others.map((pass) => spent(1, pass)));
  store.prune(() => false);
  await turn();
  await log.answer();
  t.equal(commit.now, "durable");
  t.equal(store.grantUse(visit), 1);
  store.keep([spent(1, passId("one-more"))]);
  store.prune(() => false);
  t.equal(store.memory.spent(visit), 0, "and is like any other afterwards");
});

t.test("a disk that hangs hangs no door: two seconds, then at once", async (t) => {
  const { log, clock, store, troubles } = stage();
  const first = outcomeOf(store.commit([spent(1)]));
  await turn();
  clock.advance(1_500);
  const second = outcomeOf(store.commit([spent(2)]));
  clock.advance(499);
  await turn();
  t.equal(first.now, "waiting");
  clock.advance(1);
  await turn();
  t.same([first.now, second.now], ["refused io", "waiting"]);
  t.same(troubles.said, ["raised premises_failing"]);
  const third = outcomeOf(store.commit([spent(3)]));
  await turn();
  t.equal(third.now, "refused io", "nobody waits for a disk that is known to hang");
  clock.advance(1_500);
  await turn();
  t.equal(second.now, "refused io");
  for (let count = 0; count < 3; count += 1) store.takeBack(visit);
  await log.answer();
  t.equal(log.durable.get("spent/visit"), "1", "the hanging write was carried out after all");
  await log.answer();
  t.equal(log.durable.get("spent/visit"), "0");
  t.same(troubles.said, ["raised premises_failing", "cleared premises_failing"]);
  const healed = outcomeOf(store.commit([spent(1)]));
  await turn();
  await log.answer();
  t.equal(healed.now, "durable");
  t.equal(clock.alarmCount, 0);
});

t.test("a lockdown that does not get onto a hanging disk is a trouble, too", async (t) => {
  const { clock, store, troubles } = stage();
  const state = { override: { posture: "lockdown" } } as const;
  store.keep([{ kind: "posture", door: front, state, afterRestart: "forget" }]);
  await turn();
  clock.advance(2_000);
  t.same(troubles.said, ["raised premises_failing"]);
  t.same(store.memory.postureState(front), state, "in force all the same");
  t.equal(clock.alarmCount, 0, "and nothing ticks meanwhile");
});

t.test("a lockdown that was lifted is not called lifted before the disk has it", async (t) => {
  const { log, store } = stage();
  const order = (state: PostureState) =>
    store.commit([{ kind: "posture", door: front, state, afterRestart: "forget" }]);
  const ordered = outcomeOf(order({ override: { posture: "lockdown" } }));
  await turn();
  const lifted = outcomeOf(order({}));
  const again = outcomeOf(order({}));
  await turn();
  t.same([ordered.now, lifted.now, again.now], ["waiting", "waiting", "waiting"]);
  await log.answer();
  const whileItWrites = outcomeOf(order({}));
  await turn();
  t.same([ordered.now, again.now, whileItWrites.now], ["durable", "waiting", "waiting"]);
  await log.answer();
  await log.answer();
  t.same([lifted.now, again.now, whileItWrites.now], ["durable", "durable", "durable"]);
  t.equal(log.durable.size, 0);
});

t.test("while the disk hangs, waiting takes no more room than the premises", async (t) => {
  const { log, store } = stage();
  store.keep([spent(1)]);
  await turn();
  for (let count = 2; count <= 5_000; count += 1) store.keep([spent(count)]);
  const waiting = Array.from({ length: 1_001 }, () => outcomeOf(store.commit([spent(6_000)])));
  await turn();
  t.equal(waiting.filter(({ now }) => now === "refused io").length, 1, "the one too many");
  await log.answer();
  await log.answer();
  t.equal(log.writes[1]?.length, 1);
  t.equal(log.durable.get("spent/visit"), "6000");
});

t.test("who is forgiven, or forgotten, is forgotten on disk", async (t) => {
  const { log, store } = stage();
  store.keep([entered(ada), entered(bob), spent(1)]);
  await turn();
  await log.answer();
  t.same([...log.durable.keys()], ["user/ada", "user/bob", "spent/visit"]);
  store.pruneUsers((user) => user === bob);
  await turn();
  await log.answer();
  t.same([...log.durable.keys()], ["user/bob", "spent/visit"], "a user the table lacks");
  t.equal(store.memory.occupancy(lab), 1);
  store.keep([entered(bob, { afterRestart: "forget" })]);
  await turn();
  await log.answer();
  t.same([...log.durable.keys()], ["spent/visit"], "no place that he has left since");
  store.keep([entered(ada), entered(userId("cleo"))]);
  store.keep([{ kind: "forgiven" }]);
  await turn();
  await log.answer();
  t.same([...log.durable.keys()], ["spent/visit"]);
});

t.test("at a stop what is in memory goes to disk, and nothing after it", async (t) => {
  const { log, clock, store } = stage();
  store.keep([spent(1)]);
  const closed = outcomeOf(store.close());
  await turn();
  t.equal(closed.now, "waiting");
  await log.answer();
  t.equal(closed.now, "durable");
  t.ok(log.isClosed);
  t.equal(log.durable.get("spent/visit"), "1");
  t.equal(outcomeOf(store.close()).now, "waiting");
  const late = outcomeOf(store.commit([spent(2)]));
  await turn();
  t.equal(late.now, "refused io");
  t.equal(log.writes.length, 1);
  t.equal(clock.alarmCount, 0);
});

t.test("a stop waits five seconds for a disk that hangs, and no longer", async (t) => {
  const { log, clock, store } = stage();
  store.keep([spent(1)]);
  await turn();
  const closed = outcomeOf(store.close());
  clock.advance(4_999);
  await turn();
  t.equal(closed.now, "waiting");
  clock.advance(1);
  await turn();
  t.equal(closed.now, "durable");
  t.equal(clock.alarmCount, 0);
  store.keep([spent(2)]);
  await log.answer();
  t.equal(log.writes.length, 1, "a disk that wakes too late is left alone");
});

t.test("a stop does not wait for a disk that refuses", async (t) => {
  const { log, clock, store } = stage();
  store.keep([spent(1)]);
  const closed = outcomeOf(store.close());
  await turn();
  await log.answer(full);
  t.equal(closed.now, "durable");
  t.equal(clock.alarmCount, 0);
});
