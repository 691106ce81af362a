import { setImmediate } from "node:timers/promises";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { Readings } from "../readings.ts";
import type { LoadedTable } from "./subject.ts";

/** What was read while decisions were made, all in nanoseconds. */
export class DecisionReadings {
  /** Each decision alone, between two readings of the clock; what reading costs is not taken off. */
  readonly decisions = new Readings();
  /** Of those, the first after each change: what it touched is in no cache. */
  readonly firstAfterChange = new Readings();
  /**
   * How long a card that was presented meanwhile would have waited for the thread, turn by turn of the
   * event loop: for a signature that is checked, a change that is applied, another table that comes in.
   */
  readonly holdUps = new Readings();
}

export interface DecideWhile {
  readonly table: LoadedTable;
  readonly next: () => AccessRequest;
  readonly changesPerSecond: number;
  /** No more come after so many. */
  readonly changesMax: number;
  /** Where readings are added. */
  readonly into: DecisionReadings;
  /** Asked between two turns of the event loop. */
  readonly isOver: (taken: number) => boolean;
}

/** So few that a turn of the event loop comes each fraction of a millisecond. */
const decisionsPerTurn = 100;

/**
 * Decides without a pause while changes come at a steady rate, and says how many came. What falls due
 * while some are being taken is taken together after them, as at a controller.
 */
export async function decideWhile(world: DecideWhile): Promise<number> {
  const { table, changesPerSecond, changesMax, into, isOver } = world;
  const startedAt = performance.now();
  let taken = 0;
  let isChanged = false;
  let taking: Promise<void> | undefined;
  while (!isOver(taken)) {
    for (let index = 0; index < decisionsPerTurn; index += 1) {
      const tookNs = decideOne(world);
      into.decisions.add(tookNs);
      if (isChanged) into.firstAfterChange.add(tookNs);
      isChanged = false;
    }
    const from = process.hrtime.bigint();
    const come = Math.floor(((performance.now() - startedAt) / 1_000) * changesPerSecond);
    const due = Math.min(come, changesMax) - taken;
    if (due > 0 && taking === undefined) {
      taken += due;
      taking = table.takeNext(due).then(() => {
        isChanged = true;
        taking = undefined;
      });
    }
    await setImmediate();
    into.holdUps.add(Number(process.hrtime.bigint() - from));
  }
  await taking;
  return taken;
}

function decideOne({ table, next }: DecideWhile): number {
  const request = next();
  const from = process.hrtime.bigint();
  table.decide(request);
  return Number(process.hrtime.bigint() - from);
}
