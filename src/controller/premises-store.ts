import type { Clock } from "../../hal/clock.ts";
import type { PremisesChange, PremisesMemory } from "../core/premises-memory.ts";
import type { PassId, UserId } from "../domain/ids.ts";
import type { TroubleReporter } from "./journal.ts";
import { LoggedPremises } from "./logged-premises.ts";
import { openPremisesLog } from "./premises-log.ts";

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
   * The use that was committed last was not granted after all: one less is spent. A cut before that
   * is on disk costs the pass a use; it never gives one away.
   */
  takeBack(pass: PassId): void;
  /** Forgets use counts of passes that a new table lacks, as `PremisesMemory.prune` does. */
  prune(has: (pass: PassId) => boolean): void;
  /** Forgets where users are whom a new table lacks: they would fill an area for ever. */
  pruneUsers(has: (user: UserId) => boolean): void;
  /** What could not be read at opening, in sentences for a technician. */
  damages(): readonly string[];
  /** Writes what is not on disk yet; resolves within 5 s whatever the disk does. Then nothing is written. */
  close(): Promise<void>;
}

export interface PremisesStoreOptions {
  /** In a folder that nobody else writes to; it is made where it is missing. */
  readonly file: string;
  readonly clock: Clock;
  /** Told of each of `premisesTroubles`, also during opening. */
  readonly troubles: TroubleReporter;
}

/**
 * Never rejects: where the file cannot be read, or not all of it, what can be is in force and
 * `damages` says what could not.
 */
export async function openPremisesStore(options: PremisesStoreOptions): Promise<PremisesStore> {
  const { file, clock, troubles } = options;
  return new LoggedPremises({ ...(await openPremisesLog(file)), clock, troubles });
}
