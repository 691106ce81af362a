import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { JournalDamaged, setJournalAside } from "../../../src/controller/journal-file.ts";
import { type JournalLimits, journalLimits } from "../../../src/controller/journal-limits.ts";
import type { JournalEntry } from "../../../src/domain/event.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { controller, counts, limits, record, temporaryFolder } from "./journal-records.ts";

const records = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => record(first + index));

const sql = (text: string) => (file: string) => {
  const db = new Database(file);
  db.exec(text);
  db.close();
};

/** The same number of bytes, so that SQLite itself sees no damage. */
const flip = (from: string, to: string) => (file: string) => {
  const bytes = readFileSync(file);
  bytes.write(to, bytes.lastIndexOf(from));
  writeFileSync(file, bytes);
};

t.test("a file that is not the journal that was written is never continued", async (t) => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    "no database": (file) => writeFileSync(file, "x".repeat(5_000)),
    "a file cut short": (file) => truncateSync(file, 4_096),
    "a changed entry": flip("reader_misread", "reader_misreal"),
    "a missing entry": sql("DELETE FROM entry WHERE number = 29"),
    "a missing end": sql(
      "DELETE FROM entry WHERE number > 20; UPDATE journal SET acknowledged = 25",
    ),
    "a missing beginning": sql("DELETE FROM entry WHERE number = 1"),
    "a missing header": sql("DELETE FROM journal"),
    "two headers": sql("INSERT INTO journal SELECT * FROM journal"),
    "another controller": sql("UPDATE journal SET controller = 'another'"),
    "another journal": sql("UPDATE journal SET id = 'another'"),
    "a later version": sql("PRAGMA user_version = 9"),
    "another program's tables": sql("PRAGMA user_version = 0"),
    "a changed hash": sql("UPDATE entry SET hash = zeroblob(32) WHERE number = 30"),
    "a hash of another length": sql("UPDATE entry SET hash = x'' WHERE number = 29"),
    "an unreadable entry": sql("UPDATE entry SET record = '{' WHERE number = 30"),
  };
  for (const [name, spoil] of Object.entries(damages)) {
    const worker = {
      file: join(temporaryFolder(t), "journal.db"),
      controller,
      limits: journalLimits,
    };
    const before = new JournalDatabase(worker);
    before.write(records(1, 30), 0);
    before.close();
    spoil(worker.file);
    t.throws(() => new JournalDatabase(worker), JournalDamaged, name);
    const aside = setJournalAside(worker.file);
    t.ok(existsSync(aside));
    const after = new JournalDatabase(worker);
    t.not(after.journal, before.journal);
    t.match(after.onDisk(), { highest: 0, acknowledged: 0 });
    after.close();
  }
});

t.test("the first damaged journals are kept, and no more than eight", async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  for (let place = 1; place <= 10; place += 1) {
    writeFileSync(file, `journal ${place}`);
    writeFileSync(`${file}-wal`, `wal ${place}`);
    setJournalAside(file);
  }
  const kept = Array.from({ length: 9 }, (_, index) => {
    const aside = `${file}.set-aside-${index + 1}`;
    return existsSync(aside) ? readFileSync(aside, "utf8") : undefined;
  });
  t.same(kept, [
    ...[1, 2, 3, 4, 5, 6, 7].map((place) => `journal ${place}`),
    "journal 10",
    undefined,
  ]);
  t.equal(readFileSync(`${file}.set-aside-8-wal`, "utf8"), "wal 10");
  t.notOk(existsSync(`${file}-wal`), "the new journal does not take up the old one's log");
});

t.test("another controller's entries never continue this one's", async (t) => {
  const worker = {
    file: join(temporaryFolder(t), "j.db"),
    controller,
    limits: journalLimits,
  };
  new JournalDatabase(worker).close();
  const other = { ...worker, controller: controllerId("c2") };
  t.throws(() => new JournalDatabase(other), JournalDamaged);
});

t.test(
  "a full journal takes what fits, then nothing, and changes nothing by refusing",
  async (t) => {
    const small = limits({
      unacknowledgedMax: 10,
      keptMax: 2,
      prunedPerWriteMin: 1,
      prunedPerWriteMax: 3,
    });
    const worker = {
      file: join(temporaryFolder(t), "journal.db"),
      controller,
      limits: small,
    };
    const database = new JournalDatabase(worker);
    t.equal(database.write(records(1, 12), 0), 10);
    t.equal(database.write(records(11, 12), 0), 0);
    t.match(database.onDisk(), { highest: 10, acknowledged: 0 });
    t.equal(database.write([], 0), 0, "an acknowledgement alone needs no room");
    t.equal(database.write(records(11, 12), 8), 2);
    t.same(
      counts(database.read(0, 100)),
      [5, 6, 7, 8, 9, 10, 11, 12],
      "three are forgotten at once, and the next is what the rest is chained to",
    );
    database.write([], 12);
    database.write([], 12);
    database.write([], 12);
    t.same(counts(database.read(0, 100)), [11, 12]);
    database.close();
  },
);

t.test("a second process is kept off a journal that is in use", async (t) => {
  const worker = {
    file: join(temporaryFolder(t), "j.db"),
    controller,
    limits: journalLimits,
  };
  const first = new JournalDatabase(worker);
  t.throws(() => new JournalDatabase(worker), { code: "SQLITE_BUSY" });
  first.close();
});

const reopened = (t: Test, spoil: (file: string) => void, changed: Partial<JournalLimits>) => {
  const file = join(temporaryFolder(t), "journal.db");
  const worker = { file, controller, limits: limits(changed) };
  const before = new JournalDatabase(worker);
  before.write(records(1, 200), 0);
  before.write([], 100);
  before.close();
  spoil(file);
  return new JournalDatabase(worker);
};

t.test("what is missing or changed where a reading begins is seen", async (t) => {
  const spoils: Readonly<Record<string, readonly [string, number]>> = {
    "the entry before it": ["DELETE FROM entry WHERE number = 20", 20],
    "the first of it": ["DELETE FROM entry WHERE number = 21", 20],
    "the hash of the entry before it": [
      "UPDATE entry SET hash = zeroblob(32) WHERE number = 20",
      20,
    ],
  };
  for (const [name, [text, after]] of Object.entries(spoils)) {
    const database = reopened(t, sql(text), {});
    t.throws(() => database.read(after, 10), JournalDamaged, name);
    database.close();
  }
});

t.test("what is chained to a forgotten entry is still verified", async (t) => {
  const changed = { keptMax: 20, prunedPerWriteMin: 1 };
  const whole = reopened(t, () => undefined, changed);
  t.same(counts(whole.read(0, 3)), [101, 102, 103]);
  t.equal(whole.onDisk().oldest, 101);
  t.same(counts(whole.read(50, 3)), [101, 102, 103]);
  t.same(counts(whole.read(101, 3)), [102, 103, 104]);
  t.same(whole.read(200, 3), []);
  t.same(whole.read(900, 3), []);
  whole.close();
  const spoiled = reopened(
    t,
    sql("UPDATE entry SET hash = zeroblob(32) WHERE number = 100"),
    changed,
  );
  t.throws(() => spoiled.read(0, 3), JournalDamaged);
  spoiled.close();
});

t.test(
  "old entries are forgotten many at a time, and the acknowledgement goes along",
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const changed = { keptMax: 20, prunedPerWriteMin: 50, acknowledgeLagMin: 30 };
    const database = new JournalDatabase({ file, controller, limits: limits(changed) });
    const stored: (readonly [number, number])[] = [];
    t.equal(database.onDisk().oldest, 1, "of nothing");
    for (let count = 1; count <= 120; count += 1) {
      database.write(records(count, count), count - 1);
      t.equal(database.onDisk().oldest, database.read(0, 1)[0]?.number, `after ${count}`);
      stored.push([database.read(0, 500).length, database.onDisk().acknowledged]);
    }
    t.same(stored[69], [70, 60], "there is not enough to forget");
    t.same(stored[70], [20, 70], "now there is");
    t.same(stored[100], [50, 100], "acknowledged in steps");
    database.close();
  },
);

/** As the first program of this name wrote it: hex, and the hash of the entry before in each. */
function writeFirstSchema(file: string, entries: readonly JournalEntry[]): void {
  const db = new Database(file);
  db.exec(`
    CREATE TABLE journal (
      id TEXT NOT NULL, controller TEXT NOT NULL, acknowledged INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE entry (
      number INTEGER PRIMARY KEY, previous TEXT NOT NULL, hash TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
  `);
  const [first] = entries;
  db.prepare("INSERT INTO journal VALUES (?, ?, 7)").run(first?.journal, controller);
  const insert = db.prepare("INSERT INTO entry VALUES (?, ?, ?, ?)");
  for (const { number, previous, hash, event, wall, table, tableAgeMs } of entries) {
    insert.run(number, previous, hash, JSON.stringify({ event, wall, table, tableAgeMs }));
  }
  db.close();
}

t.test("a journal of an earlier program is gone on with, entry by entry", async (t) => {
  const file = join(temporaryFolder(t), "new.db");
  const made = new JournalDatabase({ file, controller, limits: journalLimits });
  made.write(records(1, 40), 0);
  const entries = made.read(0, 100);
  made.close();
  for (const from of [1, 2, 5]) {
    const old = join(temporaryFolder(t), "old.db");
    writeFirstSchema(old, entries.slice(from - 1));
    const database = new JournalDatabase({ file: old, controller, limits: journalLimits });
    t.same(database.read(0, 100), entries.slice(from - 1), `from ${from} on`);
    const found = { journal: made.journal, oldest: from, highest: 40, acknowledged: 7 };
    t.match(database.onDisk(), found);
    database.write(records(41, 41), 7);
    t.equal(database.read(40, 1)[0]?.previous, entries.at(-1)?.hash);
    database.close();
  }
  const spoiled = join(temporaryFolder(t), "spoiled.db");
  writeFirstSchema(spoiled, entries);
  sql("UPDATE entry SET hash = 'not hex' WHERE number = 39")(spoiled);
  t.throws(
    () => new JournalDatabase({ file: spoiled, controller, limits: journalLimits }),
    JournalDamaged,
  );
});
