import type { AfterRestart, PremisesChange, PremisesMemory } from "../core/premises-memory.ts";
import type { DoorId, PassId, UserId } from "../domain/ids.ts";

/**
 * What the controller knows of its premises, in memory and on disk. Nothing of it waits for a disk
 * but `commit`, and that not for long.
 */
export interface PremisesStore {
  /** Read and reserved in directly; changed by `commit` and `keep` alone. */
  readonly memory: PremisesMemory;
  /**
   * In force in memory when this returns; resolves when it is on disk. Rejects with `HalError` `io`
   * when the disk refused it or did not answer within 2 s: it is still in force in memory then, and
   * written with the next change or by a retry.
   */
  commit(changes: readonly PremisesChange[]): Promise<void>;
  /** As `commit`, where nobody waits for the disk: its failures show as a trouble alone. */
  keep(changes: readonly PremisesChange[]): void;
  /**
   * A use that `commit` made durable is granted now. Returns its number, which is the one to journal:
   * one that was claimed before it may have been taken back since the decision counted it.
   */
  grantUse(pass: PassId): number;
  /**
   * A use that was committed is not granted after all: one less is spent. A cut before that is on
   * disk costs the pass a use; it never gives one away.
   */
  takeBack(pass: PassId): void;
  /**
   * What a door's settings say of its records, to be said with each table, before anything is asked
   * of the door. The first time in a life decides what of the life before is in force; after that it
   * changes what the next one will find, and nothing now.
   */
  refile(door: DoorId, afterRestart: AfterRestart): void;
  /** Forgets use counts of passes that a new table lacks, as `PremisesMemory.prune` does. */
  prune(has: (pass: PassId) => boolean): void;
  /** Forgets where users are whom a new table lacks: they would fill an area for ever. */
  pruneUsers(has: (user: UserId) => boolean): void;
  /** What could not be read at opening, in sentences for a technician. */
  damages(): readonly string[];
  /** Writes what is not on disk yet; resolves within 5 s whatever the disk does. Then nothing is written. */
  close(): Promise<void>;
}
