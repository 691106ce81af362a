import { basename } from "node:path";
import type { Clock } from "../../hal/clock.ts";
import type { AfterRestart, PremisesChange, PremisesMemory } from "../core/premises-memory.ts";
import type { DoorId, PassId, UserId } from "../domain/ids.ts";
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

export interface PremisesStoreOptions {
  /** In a folder that nobody else writes to; it is made where it is missing. */
  readonly file: string;
  readonly clock: Clock;
  /** Told of each of `premisesTroubles`, also during opening. */
  readonly troubles: TroubleReporter;
  /** Whether this controller never ran before: otherwise a file that is missing is a damage. */
  readonly isFirstStart: boolean;
}

const whatIsLost = "uses that were spent, who was where and what operators ordered are not known";

/**
 * Never rejects: where the file cannot be read, or not all of it, what can be is in force and
 * `damages` says what could not.
 */
export async function openPremisesStore(options: PremisesStoreOptions): Promise<PremisesStore> {
  const { file, clock, troubles, isFirstStart } = options;
  const { log, found } = await openPremisesLog(file);
  const isLost = found.state === "missing" && !isFirstStart;
  const damages = isLost ? [`${basename(file)} is missing: ${whatIsLost}`] : found.damages;
  return new LoggedPremises({ log, found: { ...found, damages }, clock, troubles });
}
