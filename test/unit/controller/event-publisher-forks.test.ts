import t, { type Test } from "tap";
import { type EventAck, sealEventAck, shortHash } from "../../../src/protocols/sync/ack-message.ts";
import { openEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { committed, counts, readAll, record } from "./journal-records.ts";
import { openSettledStage, type SyncStage, scope } from "./sync-stage.ts";
import { topics } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

const elsewhere = "ab".repeat(16);

/** A controller with ten entries, at a broker where the site itself says nothing. */
async function startStage(t: Test): Promise<SyncStage> {
  const stage = await openSettledStage(t);
  stage.site.isAway = true;
  stage.up();
  for (let count = 1; count <= 10; count += 1) stage.journal.append(record(count));
  await committed(stage.journal, 10);
  await stage.quiet();
  return stage;
}

/** Short hashes of the entries, from number 1 on. */
async function hashesOf({ journal }: SyncStage): Promise<readonly string[]> {
  return (await readAll(journal)).map(({ hash }) => shortHash(hash));
}

async function deliver(stage: SyncStage, ack: EventAck): Promise<void> {
  stage.broker.deliver(topics.eventAck, sealEventAck(scope, ack));
  await stage.quiet();
}

const idOf = ({ journal }: SyncStage): string => journal.id() ?? "";

t.test("an acknowledgement of another entry under that number ends nothing", async (t) => {
  const stage = await startStage(t);
  const hashes = await hashesOf(stage);
  const journal = idOf(stage);
  for (const hash of [elsewhere, hashes[4], hashes[6]]) {
    await deliver(stage, { journal, number: 6, ...(hash !== undefined && { hash }) });
    t.equal(stage.journal.acknowledged(), 0);
  }
  t.equal(stage.client.refusedAckCount(), 3);
  await deliver(stage, { journal, number: 6, hash: hashes[5] ?? "" });
  t.equal(stage.journal.acknowledged(), 6);
  t.equal(idOf(stage), journal);
});

t.test(
  "what the site has otherwise goes out again, so that it sees where that begins",
  async (t) => {
    const stage = await startStage(t);
    const hashes = await hashesOf(stage);
    await deliver(stage, { journal: idOf(stage), number: 3, hash: hashes[2] ?? "" });
    stage.clock.advance(1_000);
    const sentBefore = stage.broker.to(topics.event).length;
    for (let time = 0; time < 20; time += 1) {
      await deliver(stage, { journal: idOf(stage), number: 9, hash: elsewhere });
    }
    const [batch, ...more] = stage.broker.to(topics.event).slice(sentBefore);
    t.same(more, [], "twenty hints cost one message");
    const opened = openEventBatch(scope, batch?.payload ?? new Uint8Array());
    t.match(opened, { ok: true, value: { entries: [{ number: 4 }] } });
  },
);

t.test("from a fork on, what the site does not have goes out as another journal", async (t) => {
  const stage = await startStage(t);
  const [hash1 = ""] = await hashesOf(stage);
  const before = idOf(stage);
  const fork = { journal: before, forkedAt: 2, previous: hash1, hash: elsewhere };
  await deliver(stage, fork);
  await stage.until(() => idOf(stage) !== before);
  await committed(stage.journal, 9);
  const after = idOf(stage);
  t.same(counts(await readAll(stage.journal)), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.equal(stage.journal.acknowledged(), 0);
  t.same(stage.journal.status().troubles, ["journal_forked"]);
  for (let time = 0; time < 5; time += 1) {
    stage.clock.advance(61_000);
    await deliver(stage, fork);
  }
  t.equal(idOf(stage), after, "said again, it is of a journal that is no more");
  stage.site.isAway = false;
  await stage.until(() => stage.site.entries.length >= 9);
  t.same(stage.site.faults, []);
  t.same(counts(stage.site.entries), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.ok(stage.site.entries.every(({ journal }) => journal === after));
});

t.test("a fork that our own hashes do not show begins nothing", async (t) => {
  const stage = await startStage(t);
  const hashes = await hashesOf(stage);
  const journal = idOf(stage);
  const [one = "", two = "", three = ""] = hashes;
  const forks: readonly EventAck[] = [
    // What is before is not what the site has: from there on alone, something would be lost.
    { journal, forkedAt: 3, previous: elsewhere, hash: elsewhere },
    { journal, forkedAt: 3, previous: one, hash: elsewhere },
    // The site has it as it is here: twice, it would be two entries.
    { journal, forkedAt: 3, previous: two, hash: three },
    { journal, forkedAt: 3, previous: two },
    { journal, forkedAt: 3 },
    { journal, forkedAt: 11, previous: hashes[9] ?? "", hash: elsewhere },
    { journal, forkedAt: 900, hash: elsewhere },
    { journal: elsewhere, forkedAt: 3, previous: two, hash: elsewhere },
  ];
  for (const fork of forks) await deliver(stage, fork);
  t.equal(idOf(stage), journal);
  t.equal(stage.client.refusedAckCount(), forks.length);
  await deliver(stage, { journal, forkedAt: 3, previous: two, hash: elsewhere });
  await stage.until(() => idOf(stage) !== journal);
  t.same(counts(await readAll(stage.journal)).slice(0, 8), [3, 4, 5, 6, 7, 8, 9, 10]);
});

t.test("a journal is begun anew once a minute at most", async (t) => {
  const stage = await startStage(t);
  const first = idOf(stage);
  const start = "0".repeat(32);
  await deliver(stage, { journal: first, forkedAt: 1, previous: start, hash: elsewhere });
  await stage.until(() => idOf(stage) !== first);
  const second = idOf(stage);
  stage.clock.advance(1_000);
  const fork = { journal: second, forkedAt: 1, previous: start, hash: elsewhere };
  await deliver(stage, fork);
  t.equal(idOf(stage), second);
  stage.clock.advance(60_000);
  await deliver(stage, fork);
  await stage.until(() => idOf(stage) !== second);
  t.same(counts(await readAll(stage.journal)).slice(0, 10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
