import type { Clock } from "../../hal/clock.ts";
import type { TableVersion } from "../domain/access.ts";
import type { DoorEvent, JournalRecord } from "../domain/event.ts";
import { type EpochMs, writableEpochMs } from "../domain/time.ts";

/** What a record says of the table in force. */
export interface TableInForce {
  readonly version: TableVersion;
  readonly compiledAt: EpochMs;
}

/**
 * Gives each event the circumstances of its moment, time with its quality and the table with its age,
 * and hands it to the journal. Returns at once: nobody at a door waits for a disk.
 */
export function createRecorder(options: {
  readonly clock: Pick<Clock, "wall">;
  readonly table: () => TableInForce | undefined;
  readonly append: (record: JournalRecord) => void;
}): (event: DoorEvent) => void {
  const { clock, table, append } = options;
  return (event) => {
    const { at, quality } = clock.wall();
    // The site refuses an entry with any other time, and what follows it in the journal waits behind
    // it for ever.
    const wall = { at: writableEpochMs(at), quality };
    const inForce = table();
    if (inForce === undefined) return append({ event, wall });
    const tableAgeMs = Math.floor(wall.at - inForce.compiledAt);
    append({ event, wall, table: inForce.version, tableAgeMs });
  };
}
