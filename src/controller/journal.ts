import type { Clock } from "../../hal/clock.ts";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { JournalLimits } from "./journal-limits.ts";

/** `Troubles` is one; raising what is raised already does nothing. */
export interface TroubleReporter {
  raise(trouble: string): void;
  clear(trouble: string): void;
}

export interface JournalStatus {
  /** Undefined until the file could be opened. */
  readonly journal: string | undefined;
  /** The newest entry on disk; 0 for none. */
  readonly highest: number;
  readonly acknowledged: number;
  /** Records that wait in memory. */
  readonly queuedCount: number;
  /** Records lost since the process started. */
  readonly lostCount: number;
  readonly troubles: readonly string[];
  /** What the disk or SQLite last said, for a technician; undefined while all is well. */
  readonly failure: string | undefined;
}

export interface JournalOptions {
  /** In a folder that exists and that nobody else writes to. */
  readonly file: string;
  readonly controller: ControllerId;
  readonly clock: Clock;
  readonly limits?: JournalLimits;
}

/**
 * The controller's own record of what happened: numbered without gaps, hash-chained, durable. Written
 * in a thread of its own; nothing here waits for a disk, and no state of the disk ends the process.
 */
export interface Journal {
  /**
   * Takes a record and returns at once; entries get their numbers in the order of these calls, but
   * in a full journal alarms overtake the others: see `alarmsReservedMax`. With `queuedMax` records in
   * memory it is lost instead, and counted: an entry `journal_overflow` will stand in its place. So
   * will one, in the next process, for what a full journal kept waiting to the end.
   */
  append(record: JournalRecord): void;
  /** Calls with the newest number each time that entries became durable. Returns how to stop it. */
  onCommitted(listener: (highest: number) => void): () => void;
  /**
   * Durable entries after number `after`, oldest first, at most `limit` (1,000). Rejects with
   * `HalError` `io` when the disk cannot give them.
   */
  read(range: { readonly after: number; readonly limit: number }): Promise<readonly JournalEntry[]>;
  /**
   * The site has all entries up to `number`; older ones may be forgotten. Written to disk along with
   * entries, now and then, so after a kill the site may be sent the last hundred again. A number that goes
   * back, or beyond the newest entry, does nothing.
   */
  acknowledge(number: number): void;
  acknowledged(): number;
  /** The newest durable entry; 0 for none. */
  highest(): number;
  /**
   * The lowest number that `read` still gives: what is below it is forgotten. It only grows, and is one
   * more than `highest()` where no entry is left.
   */
  oldest(): number;
  /**
   * The site has other entries than these from number `from` on: the disk had called written what it
   * took back, and its numbers were given away twice. The entries from there on become a journal of
   * another id: numbered from 1, none of them acknowledged, and then durable as they were before; kill
   * it at any moment, and it is the old journal or the new one. What comes before is forgotten: the site
   * has it. Returns at once; where the disk fails it does nothing, and may be asked again.
   */
  beginAnew(from: number): void;
  /** Which journal the numbers belong to; another one is begun when it was damaged, or forked. */
  id(): string | undefined;
  status(): JournalStatus;
  /** One reporter: it is told what is wrong now, and each change. */
  reportTroubles(reporter: TroubleReporter): void;
  /** Writes what is in memory and ends the thread; resolves within 5 s whatever the disk does. */
  close(): Promise<void>;
}
