import type { TableMark } from "../../domain/table-change.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import { rebase } from "./delta-chain.ts";
import { answered } from "./table-ask.ts";
import { describeMark, isNewer, isSameTable } from "./table-order.ts";
import { numberTaken } from "./table-refusal.ts";
import type { TransferEffect, TransferRefusal, TransferState } from "./transfer-state.ts";

/** One step of a transfer while it is worked out. */
export interface Turn {
  readonly next: { -readonly [Key in keyof TransferState]: TransferState[Key] };
  readonly effects: TransferEffect[];
  readonly now: MonotonicMs;
}

/** What nothing older than may be accepted as a whole. */
export function floorOf({ deltas, newest }: TransferState): TableMark | undefined {
  const { base } = deltas;
  if (base === undefined || newest === undefined) return base ?? newest;
  return isNewer(newest, base) ? newest : base;
}

/** Why the site, where this is its newest table, must raise its epoch. */
export function judgeMark(
  mark: TableMark,
  floor: TableMark | undefined,
): TransferRefusal | undefined {
  if (floor === undefined || isNewer(mark, floor) || isSameTable(mark, floor)) return undefined;
  if (isNewer(floor, mark)) {
    return {
      reason: "older",
      detail: `table ${describeMark(mark)}, and ${describeMark(floor)} is known`,
    };
  }
  return { reason: numberTaken, detail: `another table ${describeMark(floor)} is known` };
}

/** The table in force is durable and another than before, by deltas or as a whole. */
export function comesIntoForce({ next, effects, now }: Turn, table: TableMark): void {
  next.deltas = rebase(next.deltas, table);
  next.newest = floorOf(next);
  if (next.ask?.want === "deltas") next.ask = answered(next.ask, now);
  effects.push({ kind: "report", ack: { outcome: "complete", table } });
  const head = next.head?.mark;
  const refusal = head === undefined ? undefined : judgeMark(head, table);
  // An older head is one that is late. Another table under this number is another branch of the site's.
  if (refusal?.reason !== numberTaken) return;
  next.head = undefined;
  effects.push({ kind: "refuse", refusal });
}
