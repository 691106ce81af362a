import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { HalError } from "../domain/hal-error.ts";
import type { Result } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import { openFiledTableStore } from "./filed-table-store.ts";
import type { SnapshotFile } from "./snapshot-file.ts";
import { createTableRunner } from "./table-runner.ts";

/** A file in the store that could not be used; what was in the others is used instead. */
export interface TableFileDamage {
  readonly file: string;
  readonly detail: string;
}

/**
 * The table in force and what of it is on disk, which is never older: an image, and a log of the
 * deltas that came after it. Images and logs are kept in two slots. The image in use is never written
 * to; whole tables and folded ones go to the other slot, and until then what is there, with its log,
 * leads to the table in force as well. `newest` keeps the mark of the newest table ever accepted, so
 * that losing any one file lets no older table back in.
 */
export interface TableStore {
  /**
   * The newest whole table: found at opening, or stored since. The caller applies to it what it
   * appended; where another object takes its place, a promise of this store says so.
   */
  table(): AccessTable | undefined;
  /** No snapshot older than this is ever accepted; it may be newer than `table` after damage. */
  newestAccepted(): TableMark | undefined;
  /** What was found damaged at opening and was not written anew since. */
  damages(): readonly TableFileDamage[];
  /**
   * Where opening could not read what is there, for want of a thread or of a disk that answers, it is
   * tried again from now on, at longer and longer intervals, until it is read or a snapshot is in
   * its place. Told of the table that is found so: it is in force from now on.
   */
  onLoaded(listener: (table: AccessTable) => void): void;

  /**
   * Makes deltas durable, all of them or none: one group, of which the first follows from the table
   * in force and each from the one before. The caller applies them to `table()` as soon as this
   * succeeded and before the next call: a table in force that a restart would forget could be rolled
   * back by cutting the power. After a fault the same deltas may be tried again. One call at a time,
   * also while a table is folded or a snapshot stored.
   */
  append(deltas: readonly TableDelta[]): Promise<Result<void, HalError>>;

  /** Whether the log, or what the table keeps beside its image, has grown enough. */
  foldIsDue(): boolean;
  /**
   * Makes one image of the image in use and what was applied to it, in a thread of its own. Resolves
   * with the table that took the place of the one in force: the same by another layout, with all
   * that was applied meanwhile. After a fault the one in force stays.
   */
  fold(): Promise<Result<AccessTable, HalError>>;

  /**
   * Begins to store a snapshot, or goes on where the one of the same image was left, also by the
   * process before. Whatever was there of another one is deleted. One at a time.
   */
  beginSnapshot(manifest: SnapshotManifest): Promise<Result<SnapshotFile, HalError>>;

  /**
   * Begins nothing any more and lets what is under way end, for 5 s at most: what takes longer is
   * stopped, and nothing that it wrote comes in force here. Resolves in time whatever the disk does.
   */
  close(): Promise<void>;
}

export interface TableStoreOptions {
  /** Made if it does not exist. */
  readonly folder: string;
  readonly provision: Provision;
  readonly clock: Clock;
}

/**
 * Resolves after one try to read what is there. Never rejects: a controller whose disk is gone still
 * runs, without a table until it gets one.
 */
export async function openTableStore({
  folder,
  provision: { site, controller },
  clock,
}: TableStoreOptions): Promise<TableStore> {
  const run = createTableRunner(clock);
  return openFiledTableStore({ folder, owner: { site, controller }, run, clock });
}
