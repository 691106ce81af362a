import { renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";

// What earlier programs wrote, word for word: a file of theirs is what the next program finds.

const format1 = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    controller TEXT NOT NULL,
    journal TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    clockQuality TEXT NOT NULL,
    kind TEXT NOT NULL,
    door TEXT,
    reader TEXT,
    user TEXT,
    pass TEXT,
    result TEXT,
    reason TEXT,
    tableEpoch INTEGER,
    tableVersion INTEGER,
    tableAgeMs REAL,
    event TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (controller, journal, number)
  ) STRICT;
  CREATE INDEX events_by_door ON events (door, position) WHERE door IS NOT NULL;
  CREATE TRIGGER events_keep_their_words BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
  CREATE TRIGGER events_stay BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
  CREATE TABLE troubles (
    controller TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    firstAt REAL NOT NULL,
    lastAt REAL NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (controller, kind)
  ) STRICT;
`;

const format2 = `
  CREATE TABLE uses (
    pass TEXT NOT NULL,
    controller TEXT NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (pass, controller)
  ) STRICT, WITHOUT ROWID;
`;

const format3 = `
  CREATE TABLE useLimits (
    pass TEXT NOT NULL PRIMARY KEY,
    usesMax INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE useDoors (
    controller TEXT NOT NULL,
    door TEXT NOT NULL,
    PRIMARY KEY (controller, door)
  ) STRICT, WITHOUT ROWID;
`;

const formats = [format1, format2, format3] as const;

type OldFormat = 1 | 2 | 3;

/** An empty file as the program of that format made it, open. */
export function createOldEventStore(file: string, format: OldFormat): Database.Database {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.exec(formats.slice(0, format).join("\n"));
  database.pragma(`user_version = ${format}`);
  return database;
}

/** Makes of a closed store one of an earlier format, with the same events and nothing else. */
export function asOldEventStore(file: string, format: OldFormat): void {
  const older = `${file}.older`;
  const database = createOldEventStore(older, format);
  database.prepare("ATTACH ? AS newer").run(file);
  database.exec("INSERT INTO events SELECT * FROM newer.events ORDER BY position");
  database.exec("DETACH newer");
  database.close();
  for (const side of ["-wal", "-shm"]) rmSync(`${file}${side}`, { force: true });
  renameSync(older, file);
}
