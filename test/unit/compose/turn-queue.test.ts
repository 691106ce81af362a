import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { TurnQueue } from "../../../src/compose/turn-queue.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

t.test("what takes long to look at leaves every turn to others", async (t) => {
  let now = 0;
  const taken: number[] = [];
  const clock = { monotonic: () => monotonicMs(now) };
  const queue = new TurnQueue<number>(clock, (item) => {
    taken.push(item);
    now += 5;
  });
  const emptied = new Promise<void>((resolve) => queue.onEmptied(resolve));
  for (let item = 0; item < 20; item += 1) queue.push(item);
  t.equal(taken.length, 0, "whoever pushes is not kept");
  let turns = 0;
  while (taken.length < 20) {
    const before = taken.length;
    await nextTurn();
    turns += 1;
    t.ok(taken.length - before <= 1, "one that takes longer than a turn may is alone in it");
  }
  await emptied;
  t.same(
    taken,
    Array.from({ length: 20 }, (_, item) => item),
    "in order",
  );
  t.ok(turns >= 20);
});

t.test("what is quick is taken together, and what comes meanwhile after it", async (t) => {
  const taken: string[] = [];
  const queue = new TurnQueue<string>({ monotonic: () => monotonicMs(0) }, (item) => {
    taken.push(item);
    if (item === "a") queue.push("c");
  });
  const emptied = new Promise<void>((resolve) => queue.onEmptied(resolve));
  queue.push("a");
  queue.push("b");
  await emptied;
  t.same(taken, ["a", "b", "c"]);
  t.equal(queue.count, 0);
});

t.test("what waits can be forgotten", async (t) => {
  const queue = new TurnQueue<string>({ monotonic: () => monotonicMs(0) }, (item) => t.fail(item));
  const emptied = new Promise<void>((resolve) => queue.onEmptied(resolve));
  queue.push("a");
  queue.clear();
  await emptied;
  t.equal(queue.count, 0);
});
