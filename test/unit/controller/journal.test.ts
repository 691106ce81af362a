import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import { parseJournalEntry } from "../../../src/protocols/sync/journal-entry-schema.ts";
import {
  alarm,
  committed,
  controller,
  counts,
  denial,
  limits,
  range,
  readAll,
  record,
  systemClock,
  temporaryFolder,
} from "./journal-records.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

t.test(
  "entries are numbered in the order of the calls, chained, and survive a restart",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const first = await openJournal({ file, controller, clock: systemClock });
    for (const count of range(1, 1_200)) first.append(record(count));
    await first.close();
    const second = await openJournal({ file, controller, clock: systemClock });
    t.equal(second.highest(), 1_200);
    t.equal(second.id(), first.id());
    second.append(record(1_201));
    await committed(second, 1_201);
    const entries = await readAll(second);
    t.same(counts(entries), range(1, 1_201));
    const journal = second.id() ?? "";
    t.ok(verifyChain(entries, { journal, number: 0, hash: chainStart }).ok);
    t.ok(
      entries.every((entry) => parseJournalEntry(entry).ok),
      "the site would take each",
    );
    t.same(await second.read({ after: 1_195, limit: 2 }), entries.slice(1_195, 1_197));
    t.equal(statSync(file).mode & 0o777, 0o600, "nobody else may read who came when");
    await second.close();
  },
);

t.test("an append returns before anything is on disk, and taps share a commit", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const journal = await openJournal({ file, controller, clock: systemClock });
  const commits: number[] = [];
  journal.onCommitted((highest) => commits.push(highest));
  for (const count of range(1, 300)) journal.append(record(count));
  t.equal(journal.highest(), 0);
  t.equal(journal.status().queuedCount, 300);
  await committed(journal, 300);
  t.same(commits, [300], "one commit for all of one turn");
  await journal.close();
});

t.test("a value that JSON bends is no damage when it is read back", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const journal = await openJournal({ file, controller, clock: systemClock });
  journal.append({ ...record(1), tableAgeMs: Number.NaN });
  journal.append({ ...record(2), tableAgeMs: -0 });
  await committed(journal, 2);
  t.equal((await readAll(journal)).length, 2);
  await journal.close();
});

t.test("what the site acknowledged is forgotten once it is old; the rest never is", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const small = limits({
    keptMax: 20,
    prunedPerWriteMin: 1,
    prunedPerWriteMax: 1_000,
    batchMax: 10,
  });
  const options = { file, controller, clock: systemClock, limits: small };
  const first = await openJournal(options);
  for (const count of range(1, 100)) first.append(record(count));
  await committed(first, 100);
  first.acknowledge(101);
  t.equal(first.acknowledged(), 0, "not beyond what was written");
  first.acknowledge(50);
  first.acknowledge(40);
  t.equal(first.acknowledged(), 50, "and not back");
  first.append(record(101));
  await committed(first, 101);
  t.same(counts(await readAll(first)), range(51, 101), "unacknowledged entries stay");
  first.acknowledge(101);
  first.append(record(102));
  await committed(first, 102);
  t.same(counts(await readAll(first)), range(83, 102), "the newest 20 stay");
  t.equal(first.oldest(), 83);
  first.acknowledge(102);
  await first.close();
  const second = await openJournal(options);
  t.equal(second.acknowledged(), 102, "an orderly stop remembers the acknowledgement");
  t.same(counts(await readAll(second)), range(83, 102));
  t.equal(second.oldest(), 83);
  await second.close();
});

t.test("a long backlog's acknowledgement reaches the disk without a further event", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const small = limits({ acknowledgeLagMax: 10 });
  const journal = await openJournal({
    file,
    controller,
    // A thread that is ended is not started again, and cannot be in the way of the next journal.
    clock: new SimClock(),
    limits: small,
  });
  for (const count of range(1, 10)) journal.append(record(count));
  await committed(journal, 10);
  journal.acknowledge(10);
  await journal.read({ after: 10, limit: 1 });
  const [worker] = workers.slice(-1);
  await worker?.terminate();
  const again = await openJournal({
    file,
    controller,
    clock: systemClock,
    limits: small,
  });
  t.equal(again.acknowledged(), 10);
  await again.close();
  await journal.close();
});

t.test(
  "with nothing acknowledged and no room left, records wait until the site answers",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const small = limits({
      unacknowledgedMax: 10,
      alarmsReservedMax: 0,
      queuedMax: 5,
      keptMax: 3,
    });
    const clock = new SimClock();
    const journal = await openJournal({
      file,
      controller,
      clock,
      limits: small,
    });
    const troubles: string[] = [];
    const full = new Promise<void>((resolve) => {
      journal.reportTroubles({
        raise: (trouble) => {
          troubles.push(`+${trouble}`);
          if (trouble === "journal_full") resolve();
        },
        clear: (trouble) => troubles.push(`-${trouble}`),
      });
    });
    for (const count of range(1, 5)) journal.append(record(count));
    await committed(journal, 5);
    for (const count of range(6, 10)) journal.append(record(count));
    await committed(journal, 10);
    journal.append(record(11));
    await full;
    for (const count of range(12, 15)) journal.append(record(count));
    for (const lost of [denial, denial, alarm, record(16)]) journal.append(lost);
    t.same(journal.status(), {
      journal: journal.id(),
      highest: 10,
      acknowledged: 0,
      queuedCount: 5,
      lostCount: 4,
      troubles: ["journal_full", "journal_overflow"],
      failure: undefined,
    });
    await Promise.resolve();
    t.equal(clock.alarmCount, 1, "it waits for the site; a timer counts what waits");
    journal.acknowledge(10);
    await committed(journal, 16);
    const entries = await readAll(journal);
    t.same(counts(entries).slice(-5), range(11, 15));
    t.same(entries.at(-1)?.event, {
      kind: "journal_overflow",
      lostCount: 4,
      lostDenialCount: 2,
      lostAlarmCount: 1,
    });
    t.same(troubles, ["+journal_full", "+journal_overflow", "-journal_overflow", "-journal_full"]);
    await journal.close();
  },
);

t.test("a journal that another process holds is tried again, and nothing is lost", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const first = await openJournal({ file, controller, clock: systemClock });
  first.append(record(1));
  await committed(first, 1);
  const clock = new SimClock();
  const second = await openJournal({ file, controller, clock });
  t.same(second.status().troubles, ["journal_failing"]);
  t.match(second.status().failure, /SQLITE_BUSY/);
  second.append(record(2));
  second.append(record(3));
  t.match(await refusal(second.read({ after: 0, limit: 1 })), { kind: "io" });
  t.equal(clock.alarmCount, 1);
  await first.close();
  clock.advance(100);
  await committed(second, 3);
  t.same(counts(await readAll(second)), [1, 2, 3]);
  t.same(second.status().troubles, []);
  t.equal(clock.alarmCount, 0, "no timer at rest");
  await second.close();
  t.equal(clock.alarmCount, 0);
});

const workers: Worker[] = [];
const noteWorker = (worker: Worker) => workers.push(worker);
process.on("worker", noteWorker);
t.teardown(() => process.off("worker", noteWorker));

t.test("when the journal's thread dies at any moment, no entry is lost or doubled", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const journal = await openJournal({ file, controller, clock: systemClock });
  let appended = 0;
  for (const round of range(1, 12)) {
    for (let count = 0; count < 40 * round; count += 1) {
      appended += 1;
      journal.append(record(appended));
    }
    const worker = workers.at(-1);
    // Some die with the write under way, some with it done and the answer on its way.
    for (let turns = 0; turns < round % 6; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await worker?.terminate();
    await committed(journal, appended);
  }
  const entries = await readAll(journal);
  t.same(counts(entries), range(1, appended));
  await journal.close();
});

t.test("what a dying thread wrote and could not report is not written again", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const clock = new SimClock();
  const journal = await openJournal({ file, controller, clock });
  journal.append(record(1));
  await committed(journal, 1);
  const worker = workers.at(-1);
  for (const count of range(2, 6)) journal.append(record(count));
  await worker?.terminate();
  // As the thread would have, with its last breath: the first three of what it was given.
  const database = new JournalDatabase({ file, controller, limits: journalLimits });
  database.write([2, 3, 4].slice(journal.highest() - 1).map(record), 0);
  database.close();
  journal.append(record(7));
  clock.advance(100);
  await committed(journal, 7);
  t.same(counts(await readAll(journal)), range(1, 7));
  await journal.close();
});

t.test("a read that is under way when the thread dies is refused, not forgotten", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const journal = await openJournal({ file, controller, clock: systemClock });
  // In this order, or a thread that is quicker than this one would have answered before its end.
  const end = workers.at(-1)?.terminate();
  const refused = refusal(journal.read({ after: 0, limit: 10 }));
  await end;
  t.match(await refused, { kind: "io", message: /thread ended/ });
  await journal.close();
});

t.test("a journal that is not one is kept as evidence and a new one begun", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const before = await openJournal({ file, controller, clock: systemClock });
  before.append(record(1));
  await before.close();
  overwrite(file, "this is not a database, it is a sentence");
  const bytes = readFileSync(file);
  const after = await openJournal({ file, controller, clock: systemClock });
  t.not(after.id(), before.id());
  t.equal(after.highest(), 0);
  t.same(after.status().troubles, ["journal_set_aside"]);
  after.append(record(1));
  await committed(after, 1);
  t.same(readFileSync(`${file}.set-aside-1`), bytes, "the evidence is as it was found");
  await after.close();
});

t.test(
  "an entry that was changed on disk is never handed out, and a new journal begun",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const before = await openJournal({ file, controller, clock: systemClock });
    for (const count of range(1, 200)) before.append(record(count));
    await before.close();
    withDatabase(file, "UPDATE entry SET record = replace(record, '26', '27') WHERE number = 5");
    const journal = await openJournal({ file, controller, clock: systemClock });
    t.equal(journal.highest(), 200, "only its newest entries are verified at the start");
    const begun = new Promise<string>((resolve) => {
      journal.reportTroubles({ raise: resolve, clear: () => undefined });
    });
    const spoiled = refusal(journal.read({ after: 0, limit: 10 }));
    journal.append(record(201));
    t.match(await spoiled, { kind: "io" });
    t.equal(await begun, "journal_set_aside");
    await committed(journal, 1);
    t.same(counts(await readAll(journal)), [201], "what waited is in the new journal, once");
    t.not(journal.id(), before.id());
    t.same(journal.status().troubles, ["journal_set_aside"]);
    await journal.close();
  },
);

t.test(
  "a stop with a journal that cannot be opened is bounded, and says nothing was kept",
  async (t) => {
    const folder = temporaryFolder(t);
    const clock = new SimClock();
    const journal = await openJournal({
      file: join(folder, "gone", "j.db"),
      controller,
      clock,
    });
    t.match(journal.status().failure, /ENOENT/);
    journal.append(record(1));
    await journal.close();
    await journal.close();
    t.equal(clock.alarmCount, 0);
  },
);

t.test(
  "a disk that does not answer is told, and holds up neither a start nor a stop",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    // Opening it for writing waits for a reader, as a disk that hangs waits for nobody knows what.
    execFileSync("mkfifo", [file]);
    const letGo = () => closeSync(openSync(file, "r+"));
    t.teardown(letGo);
    const clock = new SimClock();
    const opening = openJournal({ file, controller, clock });
    clock.advance(5_000);
    const journal = await opening;
    t.match(journal.status(), {
      troubles: ["journal_failing"],
      failure: "the disk does not answer",
    });
    journal.append(alarm);
    const closing = journal.close();
    clock.advance(5_000);
    await closing;
    t.equal(clock.alarmCount, 0);
  },
);

/** What `promise` was refused with; undefined where it was not. */
function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function overwrite(file: string, text: string): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, text, 0);
  closeSync(descriptor);
}

function withDatabase(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}
