import { type MonotonicMs, monotonicMs } from "../domain/time.ts";

/** When an input that goes back and forth is no longer believed, and when it is again. */
export interface ChatterLimits {
  /** This many changes within `windowMs` are a loose wire or a failing switch, not a person. */
  readonly changeCount: number;
  readonly windowMs: number;
  /** An input that has not changed for this long is believed again. */
  readonly quietMs: number;
}

/** The changes of one input that still count, oldest first; never more than `changeCount`. */
export type RecentChanges = readonly MonotonicMs[];

export function withChange(
  limits: ChatterLimits,
  changes: RecentChanges,
  now: MonotonicMs,
): RecentChanges {
  return [...changes.filter((at) => now - at < limits.windowMs), now].slice(-limits.changeCount);
}

export function isChatter(limits: ChatterLimits, changes: RecentChanges): boolean {
  return changes.length >= limits.changeCount;
}

export function quietAt(limits: ChatterLimits, now: MonotonicMs): MonotonicMs {
  return monotonicMs(now + limits.quietMs);
}
