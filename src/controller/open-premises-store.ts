import { basename } from "node:path";
import type { Clock } from "../../hal/clock.ts";
import type { TroubleReporter } from "./journal.ts";
import { LoggedPremises } from "./logged-premises.ts";
import { openPremisesLog } from "./premises-log.ts";
import type { PremisesStore } from "./premises-store.ts";

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
 * Never rejects, and takes 5 s at most: where the file cannot be read by then, or not all of it, what can be is in force and
 * `damages` says what could not.
 */
export async function openPremisesStore(options: PremisesStoreOptions): Promise<PremisesStore> {
  const { file, clock, troubles, isFirstStart } = options;
  const { log, found } = await openPremisesLog(file, clock);
  const isLost = found.state === "missing" && !isFirstStart;
  const damages = isLost ? [`${basename(file)} is missing: ${whatIsLost}`] : found.damages;
  return new LoggedPremises({ log, found: { ...found, damages }, clock, troubles });
}
