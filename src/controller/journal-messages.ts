import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { JournalLimits } from "./journal-limits.ts";
import type { RecordTally } from "./record-tally.ts";

/** What the worker is started with. */
export interface JournalWorkerData {
  readonly file: string;
  readonly controller: ControllerId;
  readonly limits: JournalLimits;
}

/** What one transaction takes up. */
export interface JournalWrite {
  readonly records: readonly JournalRecord[];
  /** Beyond `unacknowledgedMax` too, in what is reserved for alarms. */
  readonly room: "common" | "reserved";
  readonly acknowledged: number;
  /**
   * What else waits in memory. On disk while the journal is full, so that a controller whose power is
   * cut then still tells how much it lost.
   */
  readonly waiting: RecordTally | undefined;
}

/** From the controller's thread to the journal's. Answered in the order they were sent. */
export type JournalRequest =
  | { readonly kind: "open" }
  /**
   * `acknowledged` goes to disk in the same transaction, which spares it an fsync of its own, once it
   * is far enough from what is there. Meant for that `journal` alone: where another has been begun
   * meanwhile, it is not answered.
   */
  | ({ readonly kind: "write"; readonly journal: string } & JournalWrite)
  | {
      readonly kind: "read";
      readonly request: number;
      readonly after: number;
      readonly limit: number;
    }
  /**
   * See `Journal.beginAnew`; answered `opened` or `begin_failed`. Meant for that `journal` alone, as
   * writing is.
   */
  | { readonly kind: "begin_anew"; readonly journal: string; readonly from: number }
  | {
      readonly kind: "close";
      readonly journal: string;
      readonly acknowledged: number;
      readonly waiting: RecordTally | undefined;
    };

/** The journal that another one was made of: its entry `offset + 1` is number 1 of that. */
export interface EarlierJournal {
  readonly journal: string;
  readonly offset: number;
}

/** What is on disk. `setAside` names the file that a damaged journal was renamed to just now. */
export interface JournalOnDisk {
  readonly journal: string;
  /** The lowest number that is still handed out; one more than `highest` where there is none. */
  readonly oldest: number;
  readonly highest: number;
  readonly acknowledged: number;
  readonly setAside?: string;
  /** What waited in memory when that was last written down, and is not in the journal. */
  readonly waiting?: RecordTally;
  /** Where it was begun anew out of another. */
  readonly follows?: EarlierJournal;
}

/** How many entries came to what was there since, which `found` may have under another name. */
export function addedSince(before: JournalOnDisk | undefined, found: JournalOnDisk): number {
  if (before?.journal === found.journal) return Math.max(0, found.highest - before.highest);
  const { follows } = found;
  if (before === undefined || follows?.journal !== before.journal) return 0;
  return Math.max(0, follows.offset + found.highest - before.highest);
}

/** After `opened` and `open_failed` no write that was sent before is answered any more. */
export type JournalAnswer =
  | ({ readonly kind: "opened" } & JournalOnDisk)
  | { readonly kind: "open_failed"; readonly detail: string }
  /** The journal is what it was. */
  | { readonly kind: "begin_failed"; readonly detail: string }
  /**
   * The first `count` of the records sent are durable, and the last of them is number `highest`; where
   * that is not all, only an acknowledgement makes room. Nothing below `oldest` is handed out any
   * more. `acknowledged` is what a start would find.
   */
  | {
      readonly kind: "written";
      readonly count: number;
      readonly oldest: number;
      readonly highest: number;
      readonly acknowledged: number;
    }
  /** None of the records is durable. */
  | { readonly kind: "write_failed"; readonly detail: string }
  | {
      readonly kind: "entries";
      readonly request: number;
      readonly entries: readonly JournalEntry[];
    }
  | {
      readonly kind: "read_failed";
      readonly request: number;
      readonly detail: string;
    }
  | { readonly kind: "closed" };
