import t from "tap";
import { backMs, movesOf, openExpanderRig, place, pollMs } from "./expander-rig.ts";
import { halErrorOf } from "./sim-rig.ts";

const kindOf = (action: () => unknown) => halErrorOf(action)?.kind;

t.test("a poll finds out that a chip is gone, where nothing is driven", async (t) => {
  const { clock, i2c, expander, listen, troubles } = openExpanderRig();
  const inputs = listen(["A0"]);
  i2c.setConnection(place, "disconnected");
  await clock.elapse(pollMs);
  t.same(troubles, ["raised"]);
  t.equal(expander.isPresent(), false);
  t.equal(
    kindOf(() => inputs.read(0)),
    "disconnected",
  );
});

t.test("a press that was over before the poll is told, both edges of it", async (t) => {
  for (const hasInterrupt of [false, true]) {
    const { clock, chip, edges, listen } = openExpanderRig({ hasInterrupt });
    listen(["A0", "B4"]);
    chip.pull(12, 0);
    chip.pull(12, undefined);
    await clock.elapse(pollMs);
    t.same(movesOf(edges), [
      [1, 0],
      [1, 1],
    ]);
  }
});

t.test("an interrupt's edge carries its time, however late the chip is read", async (t) => {
  const { clock, i2c, chip, edges, listen } = openExpanderRig({ hasInterrupt: true });
  listen(["A0"]);
  await clock.elapse(100);
  i2c.hold();
  const pulledAt = clock.monotonic() * 1e6;
  chip.pull(0, 0);
  await clock.elapse(250);
  i2c.letGo();
  await clock.elapse(0);
  t.same(
    edges.map(({ level, at, sequence }) => ({ level, at, sequence })),
    [{ level: 0, at: pulledAt, sequence: 1 }],
  );
});

t.test("what moves while the chip is read is told after it", async (t) => {
  const { clock, i2c, chip, edges, listen } = openExpanderRig({ hasInterrupt: true });
  listen(["A0"]);
  await clock.elapse(100);
  i2c.hold();
  chip.pull(0, 0);
  await clock.elapse(1);
  chip.pull(0, 1);
  await clock.elapse(1);
  i2c.letGo();
  await clock.elapse(1);
  t.same(movesOf(edges), [
    [0, 0],
    [0, 1],
  ]);
});

t.test("a lost interrupt is made up for by the next poll", async (t) => {
  const { clock, chip, edges, listen } = openExpanderRig({ hasInterrupt: true });
  listen(["A0"]);
  chip.watchInterrupt(() => undefined);
  chip.pull(0, 0);
  await clock.elapse(800);
  t.same(edges, []);
  await clock.elapse(200);
  t.same(movesOf(edges), [[0, 0]]);
});

t.test("an answer from before a read makes no edge that never was", async (t) => {
  const { clock, i2c, chip, edges, listen } = openExpanderRig();
  const inputs = listen(["A0"]);
  await clock.elapse(pollMs * 3);
  i2c.hold();
  await clock.elapse(pollMs);
  // Fetched while the line was high; the line has been read as low since.
  chip.pull(0, 0);
  t.equal(inputs.read(0), 0);
  i2c.letGo();
  await clock.elapse(pollMs * 3);
  t.same(movesOf(edges), [[0, 0]]);
});

t.test("edges are told after a read and not from within it", async (t) => {
  const { clock, chip, edges, listen } = openExpanderRig({ hasInterrupt: true });
  const inputs = listen(["A0"]);
  chip.watchInterrupt(() => undefined);
  chip.pull(0, 0);
  t.equal(inputs.read(0), 0);
  t.same(edges, []);
  await clock.elapse(0);
  t.same(movesOf(edges), [[0, 0]]);
});

t.test("inputs are lost with their chip, and each is told when it is back", async (t) => {
  const { clock, i2c, chip, edges, listen } = openExpanderRig();
  const lostAt: number[] = [];
  listen(["A0", "A1"]).watchLoss?.((at) => lostAt.push(at / 1e6));
  await clock.elapse(100);
  i2c.setConnection(place, "disconnected");
  await clock.elapse(100);
  chip.pull(1, 0);
  chip.losePower();
  t.equal(lostAt.length, 1);
  t.ok(clock.monotonic() - (lostAt[0] ?? 0) <= 100, "when it was found out");
  i2c.setConnection(place, "connected");
  await clock.elapse(backMs);
  t.same(movesOf(edges), [
    [0, 1],
    [1, 0],
  ]);
  t.equal(lostAt.length, 1, "and is lost once");
});

t.test("a loss is told after what found it out, and not from within it", async (t) => {
  const { clock, i2c, expander, listen } = openExpanderRig({ hasInterrupt: true });
  const output = expander.openOutput({ line: "B0", initial: 0 });
  let isLost = false;
  listen(["A0"]).watchLoss?.(() => {
    isLost = true;
  });
  i2c.setConnection(place, "disconnected");
  t.equal(
    kindOf(() => output.drive(1)),
    "disconnected",
  );
  t.notOk(isLost, "whoever drives a strike is in the middle of something");
  await clock.elapse(0);
  t.ok(isLost);
});

t.test("they are told with the word that it is back, and not by some later poll", async (t) => {
  const { clock, i2c, chip, edges, listen, troubles } = openExpanderRig({ hasInterrupt: true });
  listen(["A0"]);
  i2c.setConnection(place, "disconnected");
  await clock.elapse(1_000);
  chip.pull(0, 0);
  i2c.setConnection(place, "connected");
  for (let passed = 0; passed < backMs && troubles.length < 2; passed += 1) await clock.elapse(1);
  t.same(troubles, ["raised", "cleared"]);
  t.same(movesOf(edges), [[0, 0]]);
});

t.test("a request carries all levels of one moment in one transaction", async (t) => {
  const { i2c, chip, listen } = openExpanderRig();
  const inputs = listen(["B7", "A0", "A1"]);
  chip.pull(0, 0);
  const before = i2c.transactionCount;
  t.same(inputs.readAll?.(), [1, 0, 1]);
  t.equal(i2c.transactionCount, before + 1);
});

t.test("a poll in which nothing moved is one transaction, and holds nobody up", async (t) => {
  const { clock, i2c, listen, edges } = openExpanderRig();
  listen(["A0", "B1"]);
  listen(["A2"]);
  await clock.elapse(100);
  const [all, blocking] = [i2c.transactionCount, i2c.blockingCount];
  await clock.elapse(pollMs * 500);
  const count = i2c.transactionCount - all;
  t.ok(count >= 480 && count <= 500, `${count} in 500 polls`);
  t.equal(i2c.blockingCount, blocking);
  t.same(edges, []);
});

t.test("a line that was opened later tells nothing when another one moves", async (t) => {
  const { clock, chip, edges, listen } = openExpanderRig();
  for (const pin of [0, 1, 13]) chip.pull(pin, 1);
  listen(["A0"]);
  await clock.elapse(100);
  listen(["A1", "B5"]);
  await clock.elapse(100);
  chip.pull(0, 0);
  await clock.elapse(pollMs);
  t.same(movesOf(edges), [[0, 0]]);
});

t.test("an expander that interrupts is asked in vain four times a second at most", async (t) => {
  const { clock, i2c, listen } = openExpanderRig({ hasInterrupt: true, interruptPollMs: 20 });
  listen(["A0"]);
  const before = i2c.transactionCount;
  await clock.elapse(10_000);
  const count = i2c.transactionCount - before;
  t.ok(count >= 10 && count <= 41, `${count} in ten seconds`);
});
