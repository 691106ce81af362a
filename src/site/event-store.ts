import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import type { JournalEntry } from "../domain/event.ts";
import type { ControllerId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EpochMs } from "../domain/time.ts";
import type { EventAck } from "../protocols/sync/ack-message.ts";
import {
  type ChainAnchor,
  type ChainFault,
  chainStart,
  hashEntry,
  verifyChain,
} from "../protocols/sync/journal-chain.ts";
import { answerToRefused } from "./event-fork.ts";
import type { EventPage, EventQuery } from "./event-query.ts";
import { type EventRow, rowOfEntry, type StoredEvent } from "./event-row.ts";
import { EventSearch, searchTables } from "./event-search.ts";
import type { SpentUses } from "./spent-uses.ts";
import {
  allowedUsesTables,
  type NotedUses,
  prepareUseLedger,
  type UseLedger,
  usesTable,
} from "./use-ledger.ts";

export interface IntakeOutcome extends NotedUses {
  readonly journal: string;
  /** Highest number of that journal on disk; all below it are there too. */
  readonly number: number;
  /** Of that entry. */
  readonly hash: string;
  /** What of the batch was new, in order. */
  readonly stored: readonly StoredEvent[];
  /**
   * The journal that this controller had before, and how far that is stored: of one that is begun just
   * now because its storage was replaced, or took back what it had called written.
   */
  readonly follows: StoredJournal | undefined;
  /** What nobody has any more, and is not stored. */
  readonly lost: LostEntries | undefined;
}

export interface StoredJournal {
  readonly journal: string;
  readonly number: number;
}

/** The first and the last that are lost, and when that was found. */
export interface LostEntries {
  readonly from: number;
  readonly to: number;
  readonly at: EpochMs;
}

/** What goes with the entries of a batch. */
export interface JournalRemains {
  /** The lowest number that the controller says it still has: see `EventBatch`. */
  readonly oldest: number;
  /** When it said so. */
  readonly at: EpochMs;
}

/** `stored`: the highest number on disk, which a refusal leaves as it was. */
export interface IntakeRefusal extends ChainFault {
  readonly journal: string;
  readonly stored: number;
  /** What helps the controller on: see `answerToRefused`. */
  readonly answer: EventAck | undefined;
}

export interface Trouble {
  readonly controller: ControllerId;
  readonly kind: string;
  readonly detail: string;
  readonly at: EpochMs;
}

export interface TroubleRow {
  readonly controller: string;
  readonly kind: string;
  readonly detail: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

/** The evidence: what is in it was on disk before the call returned, and is never changed. */
export interface EventStore {
  /**
   * Stores what is new of a batch, in one transaction; all of it or nothing. Entries that are there
   * already must be the same. `entries` come from `openEventBatch`: one controller, one journal.
   *
   * A gap before them is refused, so that the controller goes back and fills it; but where they begin
   * with the oldest that it still has, what is missing is lost for ever: a site restored from a copy
   * no longer had what it had acknowledged. Then it is noted as the trouble `journal_gap`, durably
   * along with the entries, and the chain goes on from the first of them.
   *
   * Throws a SqliteError where the disk fails; nothing was stored then.
   */
  intake(
    entries: readonly JournalEntry[],
    remains?: JournalRemains,
  ): Result<IntakeOutcome, IntakeRefusal>;
  /** As many as there are, up to the limit, however long it takes: of everything, page by page. */
  query(query: EventQuery): readonly StoredEvent[];
  /** In a time that has a bound, however many events there are. */
  page(query: EventQuery): EventPage;
  /** The position of the newest event; 0 before the first. */
  newest(): number;
  lastOf(controller: ControllerId): StoredJournal | undefined;
  /**
   * Before a table that allows them goes out: uses beyond all that was ever allowed do not count.
   */
  readonly allowUses: UseLedger["allow"];
  /** The highest use that each controller has told of a grant of this pass. */
  readonly spentUses: SpentUses;
  /** One row for each controller and kind, however often it comes. */
  recordTrouble(trouble: Trouble): void;
  troublesOf(controller: ControllerId): readonly TroubleRow[];
  close(): void;
}

const tables = `
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

/** What each format added to the one before, from 0, which is an empty file. */
const formatSteps = [tables, usesTable, allowedUsesTables, searchTables] as const;
const storeFormat = formatSteps.length;

/** Makes the file if there is none, for its owner alone; SQLite's side files take its mode. */
export function openEventStore(file: string): EventStore {
  closeSync(openSync(file, "a", 0o600));
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  // An acknowledgement lets the controller forget: what it is for must be on the disk, not on its
  // way.
  database.pragma("synchronous = FULL");
  prepareTables(database, file);
  const uses = prepareUseLedger(database);
  const search = new EventSearch(database);
  const recordTrouble = prepareRecordTrouble(database);
  const intake = prepareIntake(database, { recordUses: uses.record, recordTrouble });
  const troublesOf = database.prepare<[string], TroubleRow>(
    "SELECT * FROM troubles WHERE controller = ? ORDER BY kind",
  );
  const lastOf = database.prepare<[string], StoredJournal>(
    "SELECT journal, number FROM events WHERE controller = ? ORDER BY position DESC LIMIT 1",
  );
  return {
    intake,
    query: (query) => allPages(search, query),
    page: (query) => search.page(query),
    newest: () => search.newest(),
    lastOf: (controller) => lastOf.get(controller),
    allowUses: uses.allow,
    spentUses: uses.spent,
    recordTrouble,
    troublesOf: (controller) => troublesOf.all(controller),
    close: () => void database.close(),
  };
}

function prepareTables(database: Database.Database, file: string): void {
  const found = Number(database.pragma("user_version", { simple: true }));
  if (found > storeFormat) {
    database.close();
    throw new Error(`${file}: event store of format ${found}; this program knows ${storeFormat}`);
  }
  const missing = formatSteps.slice(found);
  if (missing.length === 0) return;
  const mark = `PRAGMA user_version = ${storeFormat};`;
  database.transaction(() => database.exec([...missing, mark].join("\n"))).immediate();
}

function prepareRecordTrouble(database: Database.Database): EventStore["recordTrouble"] {
  const record = database.prepare<[Trouble]>(`
    INSERT INTO troubles VALUES (@controller, @kind, @detail, @at, @at, 1)
    ON CONFLICT DO UPDATE SET detail = @detail, lastAt = @at, count = count + 1`);
  return (trouble) => void record.run(trouble);
}

type Intake = EventStore["intake"];

function prepareIntake(
  database: Database.Database,
  {
    recordUses,
    recordTrouble,
  }: {
    readonly recordUses: UseLedger["record"];
    readonly recordTrouble: EventStore["recordTrouble"];
  },
): Intake {
  const last = database.prepare<[string, string], ChainAnchor>(`
    SELECT journal, number, hash FROM events WHERE controller = ? AND journal = ?
    ORDER BY number DESC LIMIT 1`);
  const hashAt = database.prepare<[string, string, number], { hash: string }>(
    "SELECT hash FROM events WHERE controller = ? AND journal = ? AND number = ?",
  );
  const lastOfAnother = database.prepare<[string, string], StoredJournal>(`
    SELECT journal, number FROM events WHERE controller = ? AND journal <> ?
    ORDER BY position DESC LIMIT 1`);
  const insert = database.prepare<[EventRow]>(`
    INSERT INTO events (controller, journal, number, at, clockQuality, kind, door, reader, user,
      pass, result, reason, tableEpoch, tableVersion, tableAgeMs, event, previous, hash)
    VALUES (@controller, @journal, @number, @at, @clockQuality, @kind, @door, @reader, @user, @pass,
      @result, @reason, @tableEpoch, @tableVersion, @tableAgeMs, @event, @previous, @hash)`);

  const intake: Intake = (entries, remains) => {
    const [first] = entries;
    if (first === undefined) throw new Error("a batch of no entries");
    const { controller, journal } = first;
    const stored = last.get(controller, journal) ?? { journal, number: 0, hash: chainStart };
    const storedHash = (number: number) => hashAt.get(controller, journal, number)?.hash;
    const refuse = (fault: ChainFault) => {
      const answer = answerToRefused(fault, {
        entries,
        stored,
        oldest: remains?.oldest,
        storedHash,
      });
      return fail({ ...fault, journal, stored: stored.number, answer });
    };
    const isFresh = ({ number }: JournalEntry): boolean => number > stored.number;

    for (const entry of entries) {
      if (isFresh(entry)) continue;
      const known = storedHash(entry.number);
      // Lost and noted as lost once: an old message that brings it now comes too late.
      if (known === undefined) continue;
      if (known !== entry.hash || hashEntry(entry) !== known) {
        return refuse({ reason: "altered", number: entry.number });
      }
    }
    const fresh = entries.filter(isFresh);
    const lost = lostBefore(first, stored, remains);
    const chain = verifyChain(fresh, lost === undefined ? stored : anchorBefore(first));
    if (!chain.ok) return refuse(chain.fault);
    const follows = stored.number === 0 ? lastOfAnother.get(controller, journal) : undefined;
    const added = fresh.map((entry) => {
      const row = rowOfEntry(entry);
      return { position: Number(insert.run(row).lastInsertRowid), ...row };
    });
    if (lost !== undefined) {
      const detail = `entries ${lost.from} to ${lost.to} of journal ${journal} are lost`;
      recordTrouble({ controller, kind: "journal_gap", detail, at: lost.at });
    }
    return succeed({
      journal,
      number: chain.value.number,
      hash: chain.value.hash,
      stored: added,
      ...recordUses(fresh),
      follows,
      lost,
    });
  };
  // Immediate: two processes at one file would otherwise read the same end and both go on from it.
  const whole = database.transaction(intake);
  return (entries, remains) => whole.immediate(entries, remains);
}

function lostBefore(
  first: JournalEntry,
  stored: ChainAnchor,
  remains: JournalRemains | undefined,
): LostEntries | undefined {
  const isBeyondGap = first.number > stored.number + 1;
  if (!isBeyondGap || remains?.oldest !== first.number) return undefined;
  return { from: stored.number + 1, to: first.number - 1, at: remains.at };
}

/** What `entry` says that it follows: for where nothing else tells. */
function anchorBefore({ journal, number, previous }: JournalEntry): ChainAnchor {
  return { journal, number: number - 1, hash: previous };
}

function allPages(search: EventSearch, query: EventQuery): readonly StoredEvent[] {
  const { limit, after } = query;
  let page = search.page(query);
  let events = page.events;
  while (page.more && events.length < limit) {
    const on = after === undefined ? { before: page.through } : { after: page.through };
    page = search.page({ ...query, ...on, limit: limit - events.length });
    events = after === undefined ? [...page.events, ...events] : [...events, ...page.events];
  }
  return events;
}
