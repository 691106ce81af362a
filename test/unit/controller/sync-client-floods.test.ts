import { randomBytes } from "node:crypto";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import { sealSecretly } from "../../../src/protocols/sync/site-seal.ts";
import { encodeCbor } from "../../../src/protocols/sync/strict-cbor.ts";
import { openSettledStage } from "./sync-stage.ts";
import { topics } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

/** Looking at it takes time, as everything does. */
class BusyClock extends SimClock {
  lookMs = 0;
  #spentMs = 0;

  override monotonic(): MonotonicMs {
    this.#spentMs += this.lookMs;
    return monotonicMs(super.monotonic() + this.#spentMs);
  }
}

t.test(
  "a broker that floods a table's topic with rubbish costs a dozen entries in an hour",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await stage.quiet();
    for (let count = 0; count < 5_000; count += 1) {
      stage.say({ topic: topics.tableHead, message: randomBytes(40) });
    }
    await stage.quiet();
    t.equal(stage.ofKind("table_refused").length, 10);
    t.equal(stage.tableAcks().length, 60);
    t.ok(stage.gets().length <= 1);
    stage.clock.advance(3_600_000);
    const last = stage.ofKind("table_refused").at(-1);
    t.match(last, { detail: "the last of 4990 more that were refused" });
    t.equal(stage.ofKind("table_refused").length, 11);
    stage.say(stage.tables.change());
    await stage.untilThere();
    await stage.until(() => stage.site.entries.length >= 11);
    t.equal(stage.clock.alarmCount, 0);
  },
);

t.test("a flood of rubbish takes no room from what has the site overtake us", async (t) => {
  const stage = await openSettledStage(t);
  const copy = stage.tables.copy();
  stage.up();
  stage.say(stage.tables.change());
  await stage.untilThere();
  const inForce = stage.tables.mark;
  stage.tables.restore(copy);
  for (let count = 0; count < 1_000; count += 1) {
    stage.say({ topic: topics.tableHead, message: randomBytes(40) });
  }
  stage.say(stage.tables.head());
  await stage.quiet();
  t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "older", table: inForce });
});

t.test("what a known delta changes is not even read", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.say(stage.tables.change());
  await stage.untilThere();
  const { epoch, version } = stage.tables.mark;
  const deltaAfter = (after: number) => {
    const values = [[epoch, after, 0, 0], "no changes"].map((value) => encodeCbor(value));
    return sealSecretly(stage.tables.sealer, "table/delta", Buffer.concat(values));
  };
  stage.say({ topic: topics.tableDelta, message: deltaAfter(version - 1) });
  t.same(stage.ofKind("table_refused"), []);
  stage.say({ topic: topics.tableDelta, message: deltaAfter(version + 1) });
  t.match(stage.ofKind("table_refused"), [{ reason: "invalid_content" }], "one for later is");
});

t.test("a flood gets a quarter of a second's time, and what it drowned is fetched", async (t) => {
  const clock = new BusyClock();
  const stage = await openSettledStage(t, { clock });
  stage.up();
  await stage.quiet();
  clock.lookMs = 1;
  const before = clock.monotonic();
  for (let count = 0; count < 400; count += 1) {
    stage.say({ topic: topics.tableHead, message: randomBytes(40) });
  }
  t.ok(clock.monotonic() - before > 250);
  const refusedCount = stage.tableAcks().length;
  stage.say(stage.tables.change());
  clock.lookMs = 0;
  await stage.quiet();
  t.notOk(stage.isThere(), "it was dropped");
  t.equal(stage.tableAcks().length, refusedCount);
  await stage.untilThere();
  t.ok(clock.monotonic() - before < 10_000, "within seconds");
  t.same(stage.faults, []);
});
