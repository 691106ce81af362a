import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { JournalLimits } from "./journal-limits.ts";

/** What the worker is started with. */
export interface JournalWorkerData {
  readonly file: string;
  readonly controller: ControllerId;
  readonly limits: JournalLimits;
}

/** From the controller's thread to the journal's. Answered in the order they were sent. */
export type JournalRequest =
  | { readonly kind: "open" }
  /**
   * `acknowledged` goes to disk in the same transaction, which spares it an fsync of its own, once it
   * is far enough from what is there. Meant for that `journal` alone: where another has been begun meanwhile, it is not answered.
   */
  | {
      readonly kind: "write";
      readonly journal: string;
      readonly records: readonly JournalRecord[];
      readonly acknowledged: number;
    }
  | {
      readonly kind: "read";
      readonly request: number;
      readonly after: number;
      readonly limit: number;
    }
  | {
      readonly kind: "close";
      readonly journal: string;
      readonly acknowledged: number;
    };

/** What is on disk. `setAside` names the file that a damaged journal was renamed to just now. */
export interface JournalOnDisk {
  readonly journal: string;
  /** The lowest number that is still handed out; one more than `highest` where there is none. */
  readonly oldest: number;
  readonly highest: number;
  readonly acknowledged: number;
  readonly setAside?: string;
}

/** After `opened` and `open_failed` no write that was sent before is answered any more. */
export type JournalAnswer =
  | ({ readonly kind: "opened" } & JournalOnDisk)
  | { readonly kind: "open_failed"; readonly detail: string }
  /**
   * The first `count` of the records sent are durable, and the last of them is number `highest`;
   * nothing below `oldest` is handed out any more. `acknowledged` is what a start would find.
   */
  | {
      readonly kind: "written";
      readonly count: number;
      readonly oldest: number;
      readonly highest: number;
      readonly acknowledged: number;
    }
  /** None of the records is durable. `full`: only an acknowledgement makes room. */
  | {
      readonly kind: "write_failed";
      readonly fault: "full" | "io";
      readonly detail: string;
    }
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
