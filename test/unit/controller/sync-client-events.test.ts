import { randomBytes } from "node:crypto";
import t from "tap";
import { sealEventAck } from "../../../src/protocols/sync/ack-message.ts";
import { openEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { committed, countOf, record, temporaryFolder } from "./journal-records.ts";
import { openSettledStage, type SyncStage, scope } from "./sync-stage.ts";
import { SignedTables, topics } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(300_000);

async function append(stage: SyncStage, first: number, last: number): Promise<void> {
  for (let count = first; count <= last; count += 1) stage.journal.append(record(count));
  await committed(stage.journal, last);
}

/** The numbers of each batch sent, in the order of sending. */
function batches(stage: SyncStage): readonly (readonly [number, number])[] {
  return stage.broker.to(topics.event).map(({ payload }) => {
    const batch = openEventBatch(scope, payload);
    if (!batch.ok) throw new Error(batch.fault.detail);
    const { entries } = batch.value;
    return [entries.at(0)?.number ?? 0, entries.at(-1)?.number ?? 0];
  });
}

const siteHas = (stage: SyncStage, count: number) => () => stage.site.entries.length >= count;

t.test("what happened offline reaches the site later, in order and once", async (t) => {
  const stage = await openSettledStage(t);
  await append(stage, 1, 1_000);
  t.same(stage.broker.published, []);
  stage.up();
  await stage.until(() => stage.journal.acknowledged() === 1_000);
  t.same(
    stage.site.entries.map(countOf),
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
  t.same(
    batches(stage),
    [1, 201, 401, 601, 801].map((first) => [first, first + 199]),
  );
  await stage.quiet();
  t.equal(stage.clock.alarmCount, 0, "nothing is timed once all is acknowledged");
  await append(stage, 1_001, 1_001);
  await stage.until(() => stage.journal.acknowledged() === 1_001);
  t.same(stage.site.faults, []);
});

t.test("a broker's word ends nothing: unacknowledged entries stay and go out again", async (t) => {
  const stage = await openSettledStage(t);
  stage.site.isAway = true;
  stage.up();
  await append(stage, 1, 3);
  await stage.quiet();
  t.same(batches(stage), [[1, 3]]);
  t.equal(stage.journal.acknowledged(), 0);
  t.equal(stage.clock.alarmCount, 1);
  stage.clock.advance(2_999);
  await stage.quiet();
  t.equal(batches(stage).length, 1);
  stage.clock.advance(1);
  await stage.quiet();
  t.same(stage.troubles.active(), ["site_silent"]);
  t.equal(batches(stage).length >= 2, true);
  await stage.pass(3_600_000);
  t.ok(batches(stage).length < 40, `an hour of silence costs ${batches(stage).length} messages`);
  stage.site.isAway = false;
  await stage.until(() => stage.journal.acknowledged() === stage.journal.highest());
  await stage.until(() => stage.troubles.active().length === 0);
});

t.test("after a lost link it goes on from what the site acknowledged last", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await append(stage, 1, 5);
  await stage.until(() => stage.journal.acknowledged() === 5);
  stage.site.isAway = true;
  await append(stage, 6, 9);
  await stage.quiet();
  stage.broker.down();
  t.equal(stage.clock.alarmCount, 0, "nothing is timed while there is nobody to talk to");
  await append(stage, 10, 12);
  stage.site.isAway = false;
  stage.up();
  await stage.until(siteHas(stage, 12));
  t.same(batches(stage).at(-1), [6, 12]);
  t.same(stage.site.faults, []);
});

t.test("after a restart it goes on from what the site acknowledged last", async (t) => {
  const folder = temporaryFolder(t);
  const tables = new SignedTables();
  await t.test("before", async (t) => {
    const stage = await openSettledStage(t, { folder, tables });
    stage.up();
    await append(stage, 1, 5);
    await stage.until(() => stage.journal.acknowledged() === 5);
    stage.broker.down();
    await append(stage, 6, 9);
  });
  const stage = await openSettledStage(t, { folder, tables });
  stage.up();
  await stage.quiet();
  t.same(batches(stage)[0], [6, 9]);
});

t.test("only so many entries are on their way at once", async (t) => {
  const stage = await openSettledStage(t);
  stage.site.isAway = true;
  await append(stage, 1, 5_000);
  stage.up();
  await stage.quiet();
  for (let turns = 0; turns < 10; turns += 1) await stage.quiet();
  t.same(batches(stage).at(-1), [1_801, 2_000]);
  stage.site.isAway = false;
  await stage.until(siteHas(stage, 5_000));
});

t.test(
  "acknowledgements that are not the site's, or not of this journal, end nothing",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.site.isAway = true;
    stage.up();
    await append(stage, 1, 5);
    await stage.quiet();
    const journal = stage.journal.id() ?? "";
    const good = sealEventAck(scope, { journal, number: 5 });
    const bad = [
      new Uint8Array(),
      Buffer.from("5"),
      randomBytes(100),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.of(0)]),
      ...Array.from(good, (byte, at) => {
        const flipped = Buffer.from(good);
        flipped.writeUInt8(byte ^ 0x10, at);
        return flipped;
      }),
      sealEventAck(scope, { journal: "ab".repeat(16), number: 5 }),
      sealEventAck(scope, { journal, number: 6 }),
    ];
    for (const payload of bad) stage.broker.deliver(topics.eventAck, payload);
    t.equal(stage.journal.acknowledged(), 0);
    t.equal(stage.client.refusedAckCount(), bad.length);
    stage.broker.deliver(topics.eventAck, good);
    t.equal(stage.journal.acknowledged(), 5);
  },
);

t.test(
  "a gap at the site is filled at once, and a replayed hint of one is not believed for long",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    stage.site.isAway = true;
    await append(stage, 1, 3);
    await stage.quiet();
    stage.site.isAway = false;
    await append(stage, 4, 6);
    await stage.until(siteHas(stage, 6));
    t.ok(
      stage.clock.monotonic() - new Date(0).getTime() < 1_000_000 + 3_000,
      "before any deadline",
    );
    stage.site.isAway = true;
    await append(stage, 7, 8);
    await stage.quiet();
    const sentBefore = batches(stage).length;
    const replayed = stage.site.ack(stage.journal.id() ?? "", 6);
    for (let count = 0; count < 500; count += 1) stage.broker.deliver(topics.eventAck, replayed);
    await stage.quiet();
    t.ok(batches(stage).length <= sentBefore + 1, "500 replays cost one message at most");
  },
);

t.test(
  "a site that was restored from an older copy gets again what the journal still has",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await append(stage, 1, 10);
    await stage.until(() => stage.journal.acknowledged() === 10);
    stage.site.entries.length = 4;
    await append(stage, 11, 11);
    await stage.until(siteHas(stage, 11));
    t.same(
      stage.site.entries.map(({ number }) => number),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    t.same(stage.site.faults, []);
  },
);

t.test(
  "a site that comes back shows it by its table, and gets what it missed without delay",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await append(stage, 1, 1);
    await stage.until(() => stage.journal.acknowledged() === 1);
    stage.site.isAway = true;
    await append(stage, 2, 4);
    await stage.quiet();
    stage.site.isAway = false;
    stage.say(stage.tables.head());
    await stage.quiet();
    t.equal(stage.site.entries.length, 4);
  },
);

t.test("a batch that the broker did not take is the next to be sent", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.broker.refuseNext();
  await append(stage, 1, 3);
  await stage.quiet();
  t.same(batches(stage), []);
  await append(stage, 4, 4);
  await stage.quiet();
  t.same(batches(stage), [[1, 4]]);
  t.equal(stage.journal.acknowledged(), 4);
});

t.test("who asks for older entries while newer ones are read gets the older ones", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await append(stage, 1, 10);
  await stage.until(() => stage.journal.acknowledged() === 10);
  const sentBefore = batches(stage).length;
  stage.site.entries.length = 4;
  await append(stage, 11, 11);
  // The entry is durable and is being read at this moment.
  stage.broker.deliver(topics.eventAck, stage.site.ack(stage.journal.id() ?? ""));
  await stage.quiet();
  t.same(batches(stage).slice(sentBefore), [[5, 11]]);
});

t.test(
  "a site restored from an older copy is told what it lost though nothing happens",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await append(stage, 1, 10);
    await stage.until(() => stage.journal.acknowledged() === 10);
    for (const left of [4, 7, 2]) {
      stage.site.entries.length = left;
      stage.say(stage.tables.head());
      await stage.pass(60_000);
      await stage.until(siteHas(stage, 10));
    }
    t.same(stage.site.faults, []);
    await stage.quiet();
    t.equal(stage.clock.alarmCount, 0, "nothing is timed once all is acknowledged");
  },
);

const questionLosses: Readonly<Record<string, (stage: SyncStage) => void>> = {
  "that the broker did not take": (stage) => stage.broker.refuseNext(),
  "that the site went away from": (stage) => {
    stage.site.isAway = true;
  },
  // Whatever it reads is not there in time.
  "for which the disk gave nothing": (stage) => stage.clock.advance(5_000),
};

for (const [what, lose] of Object.entries(questionLosses)) {
  t.test(`a question what the site has ${what} is asked again`, async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await append(stage, 1, 10);
    await stage.until(() => stage.journal.acknowledged() === 10);
    stage.site.entries.length = 4;
    stage.say(stage.tables.head());
    lose(stage);
    await stage.quiet();
    t.equal(stage.site.entries.length, 4, "it was lost");
    stage.site.isAway = false;
    await stage.until(siteHas(stage, 10));
    t.same(stage.site.faults, []);
    await stage.quiet();
    t.equal(stage.clock.alarmCount, 0, "nothing is timed once all is acknowledged");
  });
}

t.test("a site that shows itself once more is asked once more, whatever it answers", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await append(stage, 1, 10);
  await stage.until(() => stage.journal.acknowledged() === 10);
  stage.say(stage.tables.head());
  // What it answers to the first question is of before.
  stage.say(stage.tables.head());
  await stage.quiet();
  stage.site.entries.length = 4;
  await stage.until(siteHas(stage, 10));
});

t.test(
  "what a site lost goes out again soon also where a hint of it came just before",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    stage.site.isAway = true;
    await append(stage, 1, 10);
    await stage.quiet();
    stage.say(stage.tables.head());
    stage.site.isAway = false;
    await stage.until(() => stage.journal.acknowledged() === 10);
    stage.site.isAway = true;
    stage.say(stage.tables.head());
    await stage.quiet();
    // The answer to the question, after the broker had taken that.
    stage.site.isAway = false;
    stage.site.entries.length = 4;
    stage.broker.deliver(topics.eventAck, stage.site.ack(stage.journal.id() ?? ""));
    await stage.quiet();
    t.equal(stage.site.entries.length, 4, "not twice at once");
    await stage.pass(3_000);
    await stage.until(siteHas(stage, 10));
    t.same(stage.site.faults, []);
  },
);

t.test("a site that shows itself all the time is asked once a minute what it has", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await append(stage, 1, 10);
  await stage.until(() => stage.journal.acknowledged() === 10);
  const sentBefore = batches(stage).length;
  for (let second = 0; second < 180; second += 1) {
    stage.say(stage.tables.head());
    await stage.pass(1_000);
  }
  const asked = batches(stage).slice(sentBefore);
  t.ok(asked.length >= 2 && asked.length <= 4, `${asked.length} questions in three minutes`);
  for (const batch of asked) t.same(batch, [10, 10]);
});

t.test("each batch says from which number on the journal still has its entries", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await append(stage, 1, 3);
  await stage.until(() => stage.journal.acknowledged() === 3);
  const [first] = stage.broker.to(topics.event);
  const batch = openEventBatch(scope, first?.payload ?? new Uint8Array());
  t.match(batch, { ok: true, value: { oldest: 1 } });
});
