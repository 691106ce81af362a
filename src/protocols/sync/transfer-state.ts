import type { TableDelta, TableMark } from "../../domain/table-change.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { BackOff } from "./back-off.ts";
import type { DeltaChain, SizedDelta } from "./delta-chain.ts";
import type { SnapshotFetch } from "./snapshot-fetch.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";
import type { TableAck } from "./table-ack-message.ts";
import type { Ask } from "./table-ask.ts";
import type { TableWant } from "./table-get.ts";
import type { TableHead } from "./table-head.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What a message said was opened before: it is the site's word, new or replayed. */
export type TransferInput =
  | { readonly kind: "link_up" }
  | { readonly kind: "link_down" }
  /** `isAnswer`: it echoes a request that is still open, so it is no older than that. */
  | { readonly kind: "head"; readonly head: TableHead; readonly isAnswer: boolean }
  | ({ readonly kind: "delta" } & SizedDelta)
  /** Its verdict was `number_taken`: nothing of it was read but this. */
  | { readonly kind: "stray_delta"; readonly from: TableMark }
  | { readonly kind: "manifest"; readonly manifest: SnapshotManifest }
  | ({ readonly kind: "chunk"; readonly plain: Uint8Array } & ChunkName)
  /** Something may be the site's and is not signed by the key that we know; or that key is new. */
  | { readonly kind: "site_in_doubt" }
  /** What came was too much to look at: there may have been something of use in it. */
  | { readonly kind: "words_dropped" }
  /** The group is on disk and in force. */
  /** Only now could be read what is on the disk: it is in force. */
  | {
      readonly kind: "table_found";
      readonly table: TableMark;
      /** See `TransferStart`. */
      readonly newest: TableMark | undefined;
      readonly isFoldDue: boolean;
    }
  | { readonly kind: "deltas_applied"; readonly table: TableMark; readonly isFoldDue: boolean }
  | { readonly kind: "deltas_not_stored"; readonly detail: string }
  /** Of the group it is the first that contradicts the table in force, which is `table`. */
  | {
      readonly kind: "delta_invalid";
      readonly table: TableMark;
      /** All of the group is on disk, and counts as accepted. */
      readonly newest: TableMark | undefined;
      readonly detail: string;
    }
  | {
      readonly kind: "snapshot_begun";
      readonly snapshot: string;
      readonly missing: readonly number[];
    }
  | ({ readonly kind: "chunk_stored" } & ChunkName)
  | ({ readonly kind: "snapshot_failed"; readonly snapshot: string } & SnapshotFailure)
  | { readonly kind: "snapshot_applied"; readonly table: TableMark }
  | { readonly kind: "folded"; readonly isFoldDue: boolean }
  | { readonly kind: "not_folded" }
  | { readonly kind: "deadline_reached" };

/** `snapshot`: see `snapshotName`. */
export interface ChunkName {
  readonly snapshot: string;
  readonly index: number;
}

export interface SnapshotFailure {
  /**
   * `not_stored`: the disk did not take it; what it took is found again. `invalid`: all there, and no
   * table. `overtaken`: deltas have led further meanwhile.
   */
  readonly cause: "not_stored" | "invalid" | "overtaken";
  readonly detail: string;
}

export type TransferTrouble = "table_not_stored" | "table_not_folded";

export type TransferEffect =
  | { readonly kind: "get"; readonly want: TableWant }
  /** To be made durable as one group, then applied in order. One group at a time. */
  | { readonly kind: "store_deltas"; readonly deltas: readonly TableDelta[] }
  /** What is done to a snapshot is done in the order of its effects. */
  | { readonly kind: "begin_snapshot"; readonly manifest: SnapshotManifest }
  | ({ readonly kind: "store_chunk"; readonly plain: Uint8Array } & ChunkName)
  | { readonly kind: "finish_snapshot"; readonly snapshot: string }
  | { readonly kind: "abandon_snapshot"; readonly snapshot: string }
  | { readonly kind: "fold" }
  /** Something changed here: it always goes out. */
  | { readonly kind: "report"; readonly ack: TableAck }
  /** In answer to what anybody at the broker can say again: it goes out within a limit. */
  | { readonly kind: "answer"; readonly ack: TableAck }
  | { readonly kind: "refuse"; readonly refusal: TransferRefusal }
  | { readonly kind: "site_seen" }
  | {
      readonly kind: "trouble";
      readonly trouble: TransferTrouble;
      readonly state: "raised" | "cleared";
    };

export interface TransferRefusal {
  readonly reason: TableRefusal["reason"] | "not_stored";
  readonly detail: string;
}

export interface TransferStep {
  readonly state: TransferState;
  /** In the order to carry them out. */
  readonly effects: readonly TransferEffect[];
}

/** How a controller follows the table that its site wants in force. */
export interface TransferState {
  readonly link: "up" | "down";
  /** Nothing older counts. Without a table, and on a disk without memory, what an answer named. */
  readonly newest: TableMark | undefined;
  /** Of this connection. It says what to ask for and no more: nothing comes into force by it. */
  readonly head: TableHead | undefined;
  /** Whether the next head counts although it is older: what the last one named does not come. */
  readonly isHeadDoubtful: boolean;
  readonly deltas: DeltaChain;
  /** How many of the first that are due are being written. */
  readonly writingCount: number;
  readonly deltasRetry: BackOff | undefined;
  readonly snapshot: SnapshotFetch | undefined;
  readonly snapshotRetry: SnapshotRetry | undefined;
  readonly fold: "not_due" | "due" | "under_way";
  readonly foldRetry: BackOff | undefined;
  readonly ask: Ask | undefined;
  readonly doubtAskedAt: MonotonicMs | undefined;
  /** When to ask where the site is, of which we may have missed a word. */
  readonly missedAskAt: MonotonicMs | undefined;
  readonly spread: number;
}

/** `cause`: of the last failure. */
export interface SnapshotRetry extends BackOff {
  readonly cause: SnapshotFailure["cause"];
}
