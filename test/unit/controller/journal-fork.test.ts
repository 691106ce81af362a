import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import { linesOf } from "./full-disk.ts";
import {
  alarm,
  committed,
  controller,
  counts,
  limits,
  range,
  readAll,
  record,
  systemClock,
  temporaryFolder,
} from "./journal-records.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

const workers: Worker[] = [];
const noteWorker = (worker: Worker) => workers.push(worker);
process.on("worker", noteWorker);
t.teardown(() => process.off("worker", noteWorker));

function journalOf(t: Test, count: number, changed: Partial<typeof journalLimits> = {}) {
  const worker = {
    file: join(temporaryFolder(t), "journal.db"),
    controller,
    limits: limits(changed),
  };
  const database = new JournalDatabase(worker);
  database.write(range(1, count).map(record), 0);
  return { worker, database };
}

t.test("what a journal has from the fork on goes on under another name, from 1", async (t) => {
  const { worker, database } = journalOf(t, 1_300);
  const before = database.journal;
  database.write([], 900);
  database.beginAnew(101);
  const { journal } = database;
  t.not(journal, before);
  t.match(database.onDisk(), { highest: 1_200, oldest: 1, acknowledged: 0 });
  const entries = database.read(0, 2_000);
  t.same(counts(entries), range(101, 1_300));
  t.ok(verifyChain(entries, { journal, number: 0, hash: chainStart }).ok);
  database.write([alarm], 0);
  database.close();
  const again = new JournalDatabase(worker);
  t.equal(again.journal, journal);
  t.match(again.onDisk(), { highest: 1_201, acknowledged: 0 });
  t.equal(again.read(1_200, 1)[0]?.event.kind, "door_forced");
  again.close();
});

t.test("the same entries go on under the same name, and others under another", async (t) => {
  const { worker, database } = journalOf(t, 9);
  database.close();
  const original = new Database(worker.file);
  const [first, second, other] = ["first", "second", "other"].map((name) => {
    const file = join(temporaryFolder(t), name);
    original.prepare("VACUUM INTO ?").run(file);
    const copy = new JournalDatabase({ ...worker, file });
    copy.write([record(name === "other" ? 11 : 10)], 0);
    if (name === "second") copy.write([record(11)], 0);
    copy.beginAnew(10);
    t.teardown(() => copy.close());
    return copy;
  });
  original.close();
  t.equal(first?.journal, second?.journal);
  t.same(first?.read(0, 9), second?.read(0, 1), "so that the site knows them again");
  t.not(first?.journal, other?.journal);
});

t.test("where nothing is left after the fork, a journal without entries is begun", async (t) => {
  const { worker, database } = journalOf(t, 5);
  const before = database.journal;
  database.beginAnew(7);
  t.equal(database.journal, before, "nothing can be forked beyond its end");
  database.beginAnew(6);
  t.not(database.journal, before);
  t.match(database.onDisk(), { highest: 0, oldest: 1, acknowledged: 0 });
  t.equal(database.write([record(6)], 0), 1);
  database.close();
  const again = new JournalDatabase(worker);
  t.same(counts(again.read(0, 9)), [6]);
  again.close();
});

t.test("a fork among what is forgotten already takes all that is left", async (t) => {
  const { database } = journalOf(t, 100, { keptMax: 20, prunedPerWriteMin: 1 });
  database.write([], 100);
  const { oldest } = database.onDisk();
  t.equal(oldest, 81);
  database.beginAnew(40);
  t.same(counts(database.read(0, 100)), range(81, 100));
  t.match(database.onDisk(), { oldest: 1, highest: 20, follows: { offset: 80 } });
  database.close();
});

t.test("one copy of what it was stays, for its owner alone", async (t) => {
  const { worker, database } = journalOf(t, 5);
  const copy = `${worker.file}.forked`;
  const journals = [database.journal];
  for (const from of [3, 2]) {
    database.beginAnew(from);
    journals.push(database.journal);
  }
  const kept = new Database(copy, { readonly: true });
  t.same(kept.prepare("SELECT id FROM journal").get(), { id: journals[1] });
  kept.close();
  t.equal(statSync(copy).mode & 0o077, 0);
  t.notOk(existsSync(`${copy}-unfinished`));
  database.close();
});

t.test("a disk that cannot keep a copy goes on all the same", async (t) => {
  const { worker, database } = journalOf(t, 5);
  mkdirSync(`${worker.file}.forked`);
  database.beginAnew(3);
  t.same(counts(database.read(0, 9)), [3, 4, 5]);
  t.notOk(existsSync(`${worker.file}.forked-unfinished`));
  database.close();
});

t.test("a fork at which the disk fails leaves the journal as it was", async (t) => {
  const { worker, database } = journalOf(t, 5);
  const before = database.journal;
  database.close();
  const spoilt = new Database(worker.file);
  spoilt.exec(`CREATE TABLE IF NOT EXISTS follows (journal TEXT, "offset" INTEGER);
    CREATE TRIGGER full BEFORE INSERT ON follows BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  spoilt.close();
  const again = new JournalDatabase(worker);
  t.throws(() => again.beginAnew(3), /disk full/);
  t.equal(again.journal, before);
  t.equal(again.write([record(6)], 0), 1);
  t.same(counts(again.read(0, 9)), range(1, 6));
  again.close();
});

t.test("records that come while a journal is begun anew are in it once, in order", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const journal = await openJournal({ file, controller, clock: systemClock });
  for (const count of range(1, 50)) journal.append(record(count));
  await committed(journal, 50);
  const before = journal.id();
  journal.acknowledge(45);
  const told: number[] = [];
  journal.onCommitted((highest) => told.push(highest));
  journal.append(record(51));
  await Promise.resolve();
  journal.beginAnew(41);
  for (const count of range(52, 60)) {
    journal.append(record(count));
    await Promise.resolve();
  }
  await committed(journal, 20);
  // What stood above was of the journal before, if it was not told yet.
  while (journal.id() === before || journal.highest() < 20) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(journal.acknowledged(), 0);
  t.same(counts(await readAll(journal)), range(41, 60));
  t.same(journal.status().troubles, ["journal_forked"]);
  t.ok(told.includes(11), "whoever brings entries to the site hears of it");
  await journal.close();
});

const forker = fileURLToPath(new URL("journal-forker.ts", import.meta.url));

t.test("killed at any moment, it is the journal that it was or the one begun anew", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const seeded = new Seeded(seed, "forker");
  const file = join(temporaryFolder(t), "journal.db");
  for (let kill = 1; kill <= 6; kill += 1) {
    const child = spawn(process.execPath, ["--import", "tsx", forker, file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = once(child, "exit");
    let left = seeded.between(3, 60);
    let said = { first: 1, last: 0 };
    for await (const line of linesOf(child)) {
      const [, first = 1, last = 0] = line.split(" ").map(Number);
      said = { first, last };
      left -= 1;
      if (left === 0) child.kill("SIGKILL");
    }
    await gone;
    const database = new JournalDatabase({ file, controller, limits: journalLimits });
    const held = counts(database.read(0, 1_000));
    const [first = 0] = held;
    const last = held.at(-1) ?? 0;
    t.same(held, range(first, last), `kill ${kill}: all that it held, in order`);
    t.ok(first === said.first || first === said.first + 2, `from ${first}, said ${said.first}`);
    t.ok(last >= said.last, `to ${last}, said ${said.last}`);
    database.close();
  }
});

t.test(
  "what a dying thread began anew and could not report is not begun or written again",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const clock = new SimClock();
    const journal = await openJournal({ file, controller, clock });
    for (const count of range(1, 5)) journal.append(record(count));
    await committed(journal, 5);
    const before = journal.id();
    for (const count of range(6, 9)) journal.append(record(count));
    await workers.at(-1)?.terminate();
    // As the thread would have, with its last breath: two of what it was given, and then the fork.
    const database = new JournalDatabase({ file, controller, limits: journalLimits });
    database.write(range(journal.highest() + 1, 7).map(record), 0);
    database.beginAnew(4);
    const begun = database.journal;
    database.close();
    journal.append(record(10));
    clock.advance(100);
    while (journal.highest() < 7 || journal.id() === before) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal(journal.id(), begun);
    t.same(counts(await readAll(journal)), range(4, 10));
    t.same(journal.status().troubles, ["journal_forked"]);
    await journal.close();
  },
);
