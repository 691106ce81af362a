import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import type { ControllerId } from "../domain/ids.ts";
import { chainStart, hashEntry, verifyChain } from "../protocols/sync/journal-chain.ts";
import type { JournalOnDisk, JournalWorkerData } from "./journal-messages.ts";

/** The file is not the journal that we wrote: SQLite says so, or the chain does. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}

/** Every entry on disk awaits the site's acknowledgement and there is room for no more. */
export class JournalFull extends Error {
  override readonly name = "JournalFull";
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
/** Entries whose chain is verified at opening. The others are verified whenever they are read. */
const tailVerifiedMax = 64;
/** Damaged journals kept as evidence. The first ones stay; the last place is reused. */
const setAsideMax = 8;
/** Only this thread waits, and only for the last moments of a killed predecessor. */
const busyWaitMs = 1_000;

interface EntryRow {
  readonly number: number;
  readonly hash: Buffer;
  readonly record: string;
}

interface ChainEnd {
  readonly number: number;
  readonly hash: string;
}

/**
 * The journal's file: SQLite in WAL mode with an fsync per commit, so that what was reported as
 * written survives a kill and a power cut. Blocks its thread. Throws `JournalDamaged`, `JournalFull`
 * or SQLite's own error (disk full, input/output, locked); nothing of the call is on disk then.
 */
export class JournalDatabase {
  readonly journal: string;
  readonly #db: Database.Database;
  readonly #worker: JournalWorkerData;
  #acknowledged: number;

  constructor(worker: JournalWorkerData) {
    this.#worker = worker;
    this.#db = openFile(worker.file);
    try {
      const header = readOrCreateHeader(this.#db, worker.controller);
      this.journal = header.id;
      this.#acknowledged = header.acknowledged;
      this.#verifyTail();
    } catch (error) {
      this.#db.close();
      throw asDamage(error);
    }
  }

  onDisk(): JournalOnDisk {
    const oldest = this.#oldest();
    return {
      journal: this.journal,
      oldest: oldest === undefined ? 1 : firstGivenOf(oldest),
      highest: this.#last().number,
      acknowledged: this.#acknowledged,
    };
  }

  /**
   * Numbers, chains and writes as many of `records` as there is room for, in one transaction. Returns
   * how many were written. Each further page in it is written whole: the acknowledgement goes along,
   * and what is both acknowledged and old is forgotten, only when there is enough of either.
   */
  write(records: readonly JournalRecord[], acknowledged: number): number {
    const { unacknowledgedMax, acknowledgeLagMin } = this.#worker.limits;
    try {
      return this.#db
        .transaction(() => {
          const last = this.#last();
          const room = Math.max(0, unacknowledgedMax - (last.number - acknowledged));
          if (room === 0 && records.length > 0) throw new JournalFull();
          const fitting = records.slice(0, room);
          this.#insert(fitting, last);
          this.#prune(last.number + fitting.length, acknowledged);
          this.#acknowledge(acknowledged, records.length === 0 ? 1 : acknowledgeLagMin);
          return fitting.length;
        })
        .immediate();
    } catch (error) {
      throw asDamage(error);
    }
  }

  /** Entries after number `after`, oldest first, each with its place in the chain verified. */
  read(after: number, limit: number): JournalEntry[] {
    try {
      const rows = this.#db
        .prepare<[number, number], EntryRow>(
          "SELECT number, hash, record FROM entry WHERE number >= ? ORDER BY number LIMIT ?",
        )
        .all(after, limit + 1);
      return this.#entries(rows, after).slice(0, limit);
    } catch (error) {
      throw asDamage(error);
    }
  }

  close(): void {
    this.#db.close();
  }

  #last(): ChainEnd {
    const row = this.#db
      .prepare<[], EntryRow>("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1")
      .get();
    return row === undefined ? nothingWritten : endOf(row);
  }

  #oldest(): EntryRow | undefined {
    return this.#db
      .prepare<[], EntryRow>("SELECT number, hash, record FROM entry ORDER BY number LIMIT 1")
      .get();
  }

  #insert(records: readonly JournalRecord[], last: ChainEnd): void {
    const insert = this.#db.prepare("INSERT INTO entry (number, hash, record) VALUES (?, ?, ?)");
    let { number, hash } = last;
    for (const record of records) {
      const previous = hash;
      number += 1;
      // Hashed as it will be read back, so that no value that JSON bends ever looks like damage.
      const text = JSON.stringify(record);
      const { controller } = this.#worker;
      const { journal } = this;
      hash = hashEntry({
        ...parseRecord(text),
        controller,
        journal,
        number,
        previous,
      });
      insert.run(number, Buffer.from(hash, "hex"), text);
    }
  }

  #acknowledge(acknowledged: number, lagMin: number): void {
    if (acknowledged - this.#acknowledged < lagMin) return;
    this.#db.prepare("UPDATE journal SET acknowledged = ?").run(acknowledged);
    this.#acknowledged = acknowledged;
  }

  /** The oldest that stays is not handed out any more: it is there for its hash, as the chain's anchor. */
  #prune(highest: number, acknowledged: number): void {
    const { keptMax, prunedPerWriteMin, prunedPerWriteMax } = this.#worker.limits;
    const anchor = Math.min(acknowledged, highest - keptMax);
    if (anchor < 1) return;
    const oldest = this.#oldest()?.number ?? 0;
    if (anchor - oldest < prunedPerWriteMin) return;
    this.#db
      .prepare("DELETE FROM entry WHERE number < ?")
      .run(Math.min(anchor, oldest + prunedPerWriteMax));
    // What is gone is never asked for: a start goes on from the acknowledgement on disk.
    this.#acknowledge(acknowledged, 1);
  }

  #verifyTail(): void {
    const { number } = this.#last();
    if (this.#acknowledged > number) throw new JournalDamaged("acknowledged beyond its end");
    if ((this.#oldest()?.number ?? 0) > Math.max(1, this.#acknowledged)) {
      throw new JournalDamaged("its beginning is lost");
    }
    const tail = this.read(Math.max(0, number - tailVerifiedMax), tailVerifiedMax);
    if (number > 0 && tail.at(-1)?.number !== number) throw new JournalDamaged("its end is lost");
  }

  /** `rows` are from number `after` on, whose hash is where the chain of the others begins. */
  #entries(rows: readonly EntryRow[], after: number): JournalEntry[] {
    const [first] = rows;
    if (first === undefined) return [];
    const isFromStart = after < 1 && firstGivenOf(first) === 1;
    if (!isFromStart && first.number !== Math.max(after, this.#oldest()?.number ?? 0)) {
      throw new JournalDamaged(`entry ${after} is missing`);
    }
    const anchor = isFromStart ? nothingWritten : endOf(first);
    const { journal } = this;
    const { controller } = this.#worker;
    let previous = anchor.hash;
    const entries = rows.slice(isFromStart ? 0 : 1).map((row) => {
      const { number, hash } = endOf(row);
      const entry = { ...parseRecord(row.record), controller, journal, number, previous, hash };
      previous = hash;
      return entry;
    });
    const chain = verifyChain(entries, { journal, ...anchor });
    if (!chain.ok) throw new JournalDamaged(`entry ${chain.fault.number}: ${chain.fault.reason}`);
    return entries;
  }
}

/** The first number that is handed out of a journal whose oldest row is this: see `#prune`. */
function firstGivenOf({ number, record }: EntryRow): number {
  return number === 1 && record !== renewedAnchor ? 1 : number + 1;
}

/** What stands in place of a record that an older program had forgotten already. */
const renewedAnchor = "";
const nothingWritten: ChainEnd = { number: 0, hash: chainStart };

function endOf({ number, hash }: EntryRow): ChainEnd {
  return { number, hash: hash.toString("hex") };
}

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

function openFile(file: string): Database.Database {
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

function readOrCreateHeader(
  db: Database.Database,
  controller: ControllerId,
): { readonly id: string; readonly acknowledged: number } {
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
  return header;
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

function parseRecord(text: string): JournalRecord {
  try {
    // Trusted as a type because the chain's hash over it is verified before anybody sees it.
    return JSON.parse(text) as JournalRecord;
  } catch (error) {
    throw new JournalDamaged("an entry is not readable", { cause: error });
  }
}

function asDamage(error: unknown): unknown {
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
