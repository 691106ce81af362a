import type { AccessTable } from "../core/access-table/access-table.ts";
import type { HalError } from "../domain/hal-error.ts";
import type { Result } from "../domain/result.ts";

/**
 * Why a snapshot that is all there did not become the table in force. `damaged`: it is not what its
 * manifest says, or no table of this controller. `older`: the table in force has come further.
 */
export type SnapshotFault = HalError | "damaged" | "older";

/** A snapshot that is being fetched, on disk as far as it came. */
export interface SnapshotFile {
  /** Indexes of the chunks that are not stored, in order. */
  missing(): readonly number[];
  /**
   * Stores one chunk, opened by the caller. Not durable by itself: a chunk that a power cut takes is
   * missing again afterwards.
   */
  put(index: number, plain: Uint8Array): Promise<Result<void, HalError>>;
  /**
   * Once nothing is missing: verifies the whole in a thread of its own, makes it durable, and
   * resolves with the table that took the place of the one in force. After a `HalError` it may be
   * tried again; after any other fault nothing of it is left.
   */
  finish(): Promise<Result<AccessTable, SnapshotFault>>;
  /** Deletes what was stored of it. */
  abandon(): Promise<void>;
}
