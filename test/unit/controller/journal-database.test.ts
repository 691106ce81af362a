import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import {
  JournalDamaged,
  JournalDatabase,
  JournalFull,
  setJournalAside,
} from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
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
    "a missing header": sql("DELETE FROM journal"),
    "two headers": sql("INSERT INTO journal SELECT * FROM journal"),
    "another controller": sql("UPDATE journal SET controller = 'another'"),
    "another journal": sql("UPDATE journal SET id = 'another'"),
    "a later version": sql("PRAGMA user_version = 9"),
    "another program's tables": sql("PRAGMA user_version = 0"),
    "a changed hash": sql("UPDATE entry SET hash = previous WHERE number = 30"),
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
      prunedPerWriteMax: 3,
    });
    const worker = {
      file: join(temporaryFolder(t), "journal.db"),
      controller,
      limits: small,
    };
    const database = new JournalDatabase(worker);
    t.equal(database.write(records(1, 12), 0), 10);
    t.throws(() => database.write(records(11, 12), 0), JournalFull);
    t.match(database.onDisk(), { highest: 10, acknowledged: 0 });
    t.equal(database.write([], 0), 0, "an acknowledgement alone needs no room");
    t.equal(database.write(records(11, 12), 8), 2);
    t.same(
      counts(database.read(0, 100)),
      [4, 5, 6, 7, 8, 9, 10, 11, 12],
      "three are forgotten at once",
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
