import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import type { ControllerId } from "../domain/ids.ts";
import type { EarlierJournal } from "./journal-messages.ts";

/** The file is not the journal that we wrote: SQLite says so, or the chain does. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}

/** Raised when the tables change; a file of another shape is set aside, never guessed at. */
const schemaVersion = 2;
/** Each entry had the hash of the one before it too, and both in hex. */
const firstSchemaVersion = 1;
/**
 * An entry alone changes one page, which goes to the disk whole, twice: into the log and, with what
 * followed it there, into its place. Small pages are what makes a single entry cheap for an SD card.
 */
const pageBytes = 1_024;
/** Damaged journals kept as evidence. The first ones stay; the last place is reused. */
const setAsideMax = 8;
/** Only this thread waits, and only for the last moments of a killed predecessor. */
const busyWaitMs = 1_000;

/**
 * Renames a damaged journal, with what SQLite keeps beside it, so that it can be examined and a new
 * one be begun in its place. Returns the new name.
 */
export function setJournalAside(file: string): string {
  let place = 1;
  while (place < setAsideMax && existsSync(`${file}.set-aside-${place}`)) place += 1;
  const aside = `${file}.set-aside-${place}`;
  for (const suffix of ["-wal", "-shm", "-journal", ""]) {
    rmSync(`${aside}${suffix}`, { force: true });
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`);
  }
  syncFolder(file);
  return aside;
}

/**
 * Keeps what a journal was before it is begun anew, so that it can be examined: one copy, the newest,
 * and none where the disk has no room.
 */
export function copyJournal(db: Database.Database, file: string): void {
  const copy = `${file}.forked`;
  const unfinished = `${copy}-unfinished`;
  try {
    rmSync(unfinished, { force: true });
    // SQLite would create it readable for all; it takes an empty file as none.
    closeSync(openSync(unfinished, "wx", 0o600));
    db.prepare("VACUUM INTO ?").run(unfinished);
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { force: true });
    // Bringing its entries to the site matters more than the copy does.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** Creates it where there is none. Throws `JournalDamaged` or SQLite's own error. */
export function openJournalFile(file: string): Database.Database {
  // SQLite would create it readable for all; its -wal takes the mode of this file.
  const isNew = !existsSync(file);
  closeSync(openSync(file, "a", 0o600));
  if (isNew) syncFolder(file);
  const db = new Database(file, { timeout: busyWaitMs });
  try {
    // Before the first access: without it WAL keeps an index in a memory-mapped file, and touching
    // that on a full disk kills the process. It also keeps a second daemon off this journal.
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma(`page_size = ${pageBytes}`);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    return db;
  } catch (error) {
    db.close();
    throw asDamage(error);
  }
}

export interface JournalHeader {
  readonly id: string;
  readonly acknowledged: number;
  readonly follows: EarlierJournal | undefined;
}

export function readOrCreateHeader(db: Database.Database, controller: ControllerId): JournalHeader {
  const version = db.pragma("user_version", { simple: true });
  if (version === 0) {
    const tables = db.prepare("SELECT 1 FROM sqlite_schema").all();
    if (tables.length > 0) throw new JournalDamaged("not a journal");
    createTables(db, controller);
  } else if (version === firstSchemaVersion) {
    renewTables(db);
  } else if (version !== schemaVersion) {
    throw new JournalDamaged(`a journal of version ${String(version)}`);
  }
  // Beside the tables of this version, and an older program leaves them alone.
  db.exec(`
    CREATE TABLE IF NOT EXISTS waiting (tally TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS follows (journal TEXT NOT NULL, "offset" INTEGER NOT NULL) STRICT;
  `);
  const headers = db
    .prepare<[], { id: string; controller: string; acknowledged: number }>(
      "SELECT id, controller, acknowledged FROM journal",
    )
    .all();
  const [header] = headers;
  if (header === undefined || headers.length > 1) throw new JournalDamaged("its header is lost");
  if (header.controller !== controller) {
    throw new JournalDamaged(`the journal of controller ${header.controller}`);
  }
  const follows = db.prepare<[], EarlierJournal>('SELECT journal, "offset" FROM follows').get();
  return { ...header, follows };
}

function createTables(db: Database.Database, controller: ControllerId): void {
  db.transaction(() => {
    db.exec(`
      CREATE TABLE journal (
        id TEXT NOT NULL, controller TEXT NOT NULL, acknowledged INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE entry (
        number INTEGER PRIMARY KEY, hash BLOB NOT NULL, record TEXT NOT NULL
      ) STRICT;
    `);
    db.prepare("INSERT INTO journal (id, controller, acknowledged) VALUES (?, ?, 0)").run(
      randomBytes(16).toString("hex"),
      controller,
    );
    db.pragma(`user_version = ${schemaVersion}`);
  }).immediate();
}

/** Takes over what an older program wrote. A hash that is none then fits nothing, and shows as damage. */
function renewTables(db: Database.Database): void {
  db.transaction(() => {
    db.exec(`
      CREATE TABLE renewed (
        number INTEGER PRIMARY KEY, hash BLOB NOT NULL, record TEXT NOT NULL
      ) STRICT;
      INSERT INTO renewed SELECT number, ifnull(unhex(hash), x''), record FROM entry;
      INSERT INTO renewed SELECT number - 1, ifnull(unhex(previous), x''), '' FROM entry
        WHERE number > 1 AND number = (SELECT min(number) FROM entry);
      DROP TABLE entry;
      ALTER TABLE renewed RENAME TO entry;
    `);
    db.pragma(`user_version = ${schemaVersion}`);
  }).immediate();
}

export function asDamage(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const damaged = error.code.startsWith("SQLITE_CORRUPT") || error.code === "SQLITE_NOTADB";
  return damaged ? new JournalDamaged(error.message, { cause: error }) : error;
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
