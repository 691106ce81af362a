import type { TableDelta, TableMark } from "../../domain/table-change.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";
import type { TableAck } from "./table-ack-message.ts";
import type { TableGet } from "./table-get.ts";
import type { TableHead } from "./table-head.ts";

/** Everything in it was opened before: what it says is the site's word, new or replayed. */
export type TransferInput =
  | { readonly kind: "link_up" }
  | { readonly kind: "link_down" }
  | { readonly kind: "head"; readonly head: TableHead }
  /** `bytes`: of its message, for the bound on what is kept. */
  | { readonly kind: "delta"; readonly delta: TableDelta; readonly bytes: number }
  | { readonly kind: "manifest"; readonly manifest: SnapshotManifest }
  | ({ readonly kind: "chunk"; readonly plain: Uint8Array } & ChunkName)
  /** Something that may be the site's and is not signed by the key that we know; or that key is new. */
  | { readonly kind: "site_in_doubt" }
  /** The group is on disk and in force. */
  | { readonly kind: "deltas_applied"; readonly table: TableMark; readonly isFoldDue: boolean }
  | { readonly kind: "deltas_not_stored"; readonly detail: string }
  /** On disk, and it contradicts the table in force, which is `table`. */
  | { readonly kind: "delta_invalid"; readonly table: TableMark; readonly detail: string }
  | { readonly kind: "snapshot_begun"; readonly snapshot: string; readonly missing: readonly number[] }
  | ({ readonly kind: "chunk_stored" } & ChunkName)
  | { readonly kind: "snapshot_not_stored"; readonly snapshot: string; readonly detail: string }
  | { readonly kind: "snapshot_invalid"; readonly snapshot: string; readonly detail: string }
  | { readonly kind: "snapshot_applied"; readonly table: TableMark }
  | { readonly kind: "folded" }
  | { readonly kind: "not_folded" }
  | { readonly kind: "deadline_reached" };

/** `snapshot`: the image's hash. */
export interface ChunkName {
  readonly snapshot: string;
  readonly index: number;
}

/** A request as the shell numbers and seals it. */
export type TableWant = TableGet extends infer Get
  ? Get extends TableGet
    ? Omit<Get, "request">
    : never
  : never;

export type TransferTrouble = "table_not_stored" | "table_not_folded";

export type TransferEffect =
  | { readonly kind: "get"; readonly want: TableWant }
  /** Durable as one group, then applied in order. One group at a time. */
  | { readonly kind: "store_deltas"; readonly deltas: readonly TableDelta[] }
  /** Operations on a snapshot are carried out in the order of their effects. */
  | { readonly kind: "begin_snapshot"; readonly manifest: SnapshotManifest }
  | ({ readonly kind: "store_chunk"; readonly plain: Uint8Array } & ChunkName)
  | { readonly kind: "finish_snapshot"; readonly snapshot: string }
  | { readonly kind: "abandon_snapshot"; readonly snapshot: string }
  | { readonly kind: "fold" }
  /** Something changed here: it always goes out. */
  | { readonly kind: "report"; readonly ack: TableAck }
  /** In answer to what anybody at the broker can say again: it goes out within a limit. */
  | { readonly kind: "answer"; readonly ack: TableAck }
  | { readonly kind: "refuse"; readonly reason: string; readonly detail: string }
  | { readonly kind: "site_seen" }
  | {
      readonly kind: "trouble";
      readonly trouble: TransferTrouble;
      readonly state: "raised" | "cleared";
    };

export interface TransferStep {
  readonly state: TransferState;
  /** In the order to carry them out. */
  readonly effects: readonly TransferEffect[];
}

// biome-ignore lint/suspicious/noEmptyInterface: its fields follow
export interface TransferState {}

export interface TransferStart {
  readonly inForce: TableMark | undefined;
  /** Nothing older is ever accepted as a whole. */
  readonly newest: TableMark | undefined;
  readonly isFoldDue: boolean;
  /** 0 to 1, drawn once: keeps a thousand controllers from asking again in step. */
  readonly spread: number;
}

export declare function initialTransfer(start: TransferStart): TransferState;

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export declare function transferDeadline(state: TransferState): MonotonicMs | undefined;

/** Whether opening such a chunk is worth its cost: it was asked for and is not here yet. */
export declare function isChunkAwaited(state: TransferState, chunk: ChunkName): boolean;

/** Pure: same arguments, same step. */
export declare function stepTransfer(
  state: TransferState,
  input: TransferInput,
  now: MonotonicMs,
): TransferStep;
