import { randomBytes } from "node:crypto";
import t from "tap";
import { openSettledStage } from "./sync-stage.ts";
import { keyTopic } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

t.test("after a hand-over the new key is believed, and the old one no more", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  const old = stage.tables.sealer;
  stage.say(stage.tables.rotate());
  stage.say(stage.tables.change());
  await stage.untilThere();
  t.same(stage.ofKind("table_refused"), []);
  const { signingKey } = stage.tables.sealer;
  const before = stage.tables.mark;
  stage.tables.signWith(old.signingKey);
  stage.say(stage.tables.change());
  await stage.quiet();
  t.match(stage.ofKind("table_refused"), [{ reason: "altered" }]);
  t.same(stage.store.table()?.mark, before);
  stage.tables.signWith(signingKey);
  stage.say(stage.tables.head());
  await stage.quiet();
  t.same(stage.store.table()?.mark, before, "what the old key signed is not even fetched");
});

t.test(
  "a message by a key that is not known yet costs one question, and is not lost",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    const handOver = stage.tables.rotate();
    for (let count = 0; count < 50; count += 1) stage.say(stage.tables.change());
    await stage.quiet();
    t.notOk(stage.isThere());
    t.same(
      stage.gets().map(({ want }) => want),
      ["head"],
    );
    t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "altered" });
    stage.clock.advance(60_000);
    stage.say(handOver);
    await stage.untilThere();
    t.same(stage.faults, []);
  },
);

t.test("hand-overs that lead nowhere are refused, a few a minute looked at", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await stage.quiet();
  for (let count = 0; count < 1_000; count += 1) {
    stage.say({ topic: keyTopic, message: randomBytes(100) });
  }
  await stage.quiet();
  t.equal(stage.ofKind("table_refused").length, 10);
  const refused = stage.tableAcks().filter((ack) => ack?.outcome === "refused");
  t.equal(refused.length, 20);
});
