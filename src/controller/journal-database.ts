import type Database from "better-sqlite3";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import { chainStart, hashEntry, verifyChain } from "../protocols/sync/journal-chain.ts";
import { parseJournalEntry } from "../protocols/sync/journal-entry-schema.ts";
import {
  asDamage,
  copyJournal,
  JournalDamaged,
  openJournalFile,
  readOrCreateHeader,
} from "./journal-file.ts";
import type {
  EarlierJournal,
  JournalOnDisk,
  JournalWorkerData,
  JournalWrite,
} from "./journal-messages.ts";
import { journalIdAfter, recordOf, rename } from "./journal-renewal.ts";
import { overflowMark, type RecordTally, tallyWith } from "./record-tally.ts";

/** Entries whose chain is verified at opening. The others are verified whenever they are read. */
const tailVerifiedMax = 64;
/** Entries that are in memory at once while a journal is begun anew. */
const renewedAtOnceMax = 500;

interface EntryRow {
  readonly number: number;
  readonly hash: Buffer;
  readonly record: string;
}

interface InsertedInto {
  readonly table: "entry" | "renewed";
  readonly journal: string;
}

interface ChainEnd {
  readonly number: number;
  readonly hash: string;
}

/**
 * The journal's file: SQLite in WAL mode with an fsync per commit, so that what was reported as
 * written survives a kill and a power cut. Blocks its thread. Throws `JournalDamaged` or SQLite's own
 * error (disk full, input/output, locked); nothing of the call is on disk then.
 */
export class JournalDatabase {
  #journal: string;
  #follows: EarlierJournal | undefined;
  readonly #db: Database.Database;
  readonly #worker: JournalWorkerData;
  #acknowledged: number;
  /** The tally on disk of what waits in memory, as it is written there. */
  #waiting: string | undefined;

  constructor(worker: JournalWorkerData) {
    this.#worker = worker;
    this.#db = openJournalFile(worker.file);
    try {
      const header = readOrCreateHeader(this.#db, worker.controller);
      this.#journal = header.id;
      this.#follows = header.follows;
      this.#acknowledged = header.acknowledged;
      this.#waiting = this.#db
        .prepare<[], { tally: string }>("SELECT tally FROM waiting")
        .get()?.tally;
      this.#verifyTail();
    } catch (error) {
      this.#db.close();
      throw asDamage(error);
    }
  }

  get journal(): string {
    return this.#journal;
  }

  onDisk(): JournalOnDisk {
    const oldest = this.#oldest();
    return {
      journal: this.journal,
      oldest: oldest === undefined ? 1 : firstGivenOf(oldest),
      highest: this.#last().number,
      acknowledged: this.#acknowledged,
      ...(this.#follows && { follows: this.#follows }),
    };
  }

  /** What was waiting in memory when that was last written; undefined for nothing that can be told. */
  waiting(): RecordTally | undefined {
    if (this.#waiting === undefined) return undefined;
    const tally = parseTally(this.#waiting);
    if (tally === undefined) return undefined;
    const { controller } = this.#worker;
    const place = { controller, journal: this.journal, number: 1, previous: chainStart };
    // The chain does not cover it: what the site would not take would hold up all that follows.
    const mark = { ...overflowMark(tally), ...place, hash: chainStart };
    return parseJournalEntry(mark).ok ? tally : undefined;
  }

  /**
   * Numbers, chains and writes as many of `records` as there is room for, in one transaction. Returns
   * how many were written; the others, and what else is `waiting`, are counted there. Each further page
   * in it is written whole: the acknowledgement goes along, and what is both acknowledged and old is
   * forgotten, only when there is enough of either.
   */
  write(
    records: readonly JournalRecord[],
    acknowledged: number,
    { room = "common", waiting }: Partial<Pick<JournalWrite, "room" | "waiting">> = {},
  ): number {
    const { unacknowledgedMax, alarmsReservedMax, acknowledgeLagMin } = this.#worker.limits;
    const unacknowledged = unacknowledgedMax + (room === "reserved" ? alarmsReservedMax : 0);
    let noted = this.#waiting;
    try {
      const count = this.#db
        .transaction(() => {
          const last = this.#last();
          const fitting = records.slice(
            0,
            Math.max(0, unacknowledged - (last.number - acknowledged)),
          );
          this.#insert(fitting, last);
          this.#prune(last.number + fitting.length, acknowledged);
          this.#acknowledge(acknowledged, records.length === 0 ? 1 : acknowledgeLagMin);
          const unfitting = records.slice(fitting.length);
          // While there is room for all, the next transaction is near and nothing is noted.
          const isStuck = unfitting.length > 0 || records.length === 0;
          if (isStuck || noted !== undefined) noted = this.#note(tallyWith(waiting, unfitting));
          return fitting.length;
        })
        .immediate();
      this.#waiting = noted;
      return count;
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

  /**
   * The entries from number `from` on, as far as they are left, become a journal of another name:
   * numbered from 1 and chained anew, none of them acknowledged. Those before are forgotten. In one
   * transaction; a copy of what it was is set aside first, if there is room for one. The same entries
   * always get the same name, so that a disk that takes this back, too, makes nothing twice.
   */
  beginAnew(from: number): void {
    if (!Number.isSafeInteger(from) || from < 1 || from > this.#last().number + 1) return;
    copyJournal(this.#db, this.#worker.file);
    try {
      const begun = this.#db.transaction(() => this.#renew(from)).immediate();
      this.#journal = begun.journal;
      this.#follows = begun.follows;
      this.#acknowledged = 0;
    } catch (error) {
      throw asDamage(error);
    }
  }

  close(): void {
    this.#db.close();
  }

  #renew(from: number): { readonly journal: string; readonly follows: EarlierJournal } {
    const [first] = this.read(from - 1, 1);
    const offset = (first?.number ?? this.#last().number + 1) - 1;
    const follows = { journal: this.journal, offset };
    const journal = journalIdAfter(this.journal, first);
    rename(this.#db, { journal, follows }, (table) => {
      let end = nothingWritten;
      for (;;) {
        const page = this.read(offset + end.number, renewedAtOnceMax);
        if (page.length === 0) return;
        end = this.#insert(page.map(recordOf), end, { table, journal });
      }
    });
    return { journal, follows };
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

  #insert(
    records: readonly JournalRecord[],
    last: ChainEnd,
    { table, journal }: InsertedInto = { table: "entry", journal: this.journal },
  ): ChainEnd {
    const insert = this.#db.prepare(`INSERT INTO ${table} (number, hash, record) VALUES (?, ?, ?)`);
    let { number, hash } = last;
    for (const record of records) {
      const previous = hash;
      number += 1;
      // Hashed as it will be read back, so that no value that JSON bends ever looks like damage.
      const text = JSON.stringify(record);
      const { controller } = this.#worker;
      hash = hashEntry({
        ...parseRecord(text),
        controller,
        journal,
        number,
        previous,
      });
      insert.run(number, Buffer.from(hash, "hex"), text);
    }
    return { number, hash };
  }

  #acknowledge(acknowledged: number, lagMin: number): void {
    if (acknowledged - this.#acknowledged < lagMin) return;
    this.#db.prepare("UPDATE journal SET acknowledged = ?").run(acknowledged);
    this.#acknowledged = acknowledged;
  }

  /** Returns what is on disk then. */
  #note(tally: RecordTally | undefined): string | undefined {
    const noted = tally && JSON.stringify(tally);
    if (noted === this.#waiting) return noted;
    this.#db.exec("DELETE FROM waiting");
    if (noted !== undefined) this.#db.prepare("INSERT INTO waiting VALUES (?)").run(noted);
    return noted;
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

function parseRecord(text: string): JournalRecord {
  try {
    // Trusted as a type because the chain's hash over it is verified before anybody sees it.
    return JSON.parse(text) as JournalRecord;
  } catch (error) {
    throw new JournalDamaged("an entry is not readable", { cause: error });
  }
}

/** Not verified: see `waiting`. */
function parseTally(text: string): RecordTally | undefined {
  try {
    return (JSON.parse(text) as RecordTally | null) ?? undefined;
  } catch {
    return undefined;
  }
}
