import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";

/** Something failed and is tried again later, and later still each time it fails. */
export interface BackOff {
  /** How long it was put off the last time. */
  readonly waitMs: number;
  /** Not before this; undefined once it was reached. */
  readonly until: MonotonicMs | undefined;
}

export interface BackOffBounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** After one more failure; `before` is undefined at the first. */
export function putOff(
  before: BackOff | undefined,
  { leastMs, mostMs }: BackOffBounds,
  now: MonotonicMs,
): BackOff {
  const waitMs = Math.min(Math.max(leastMs, (before?.waitMs ?? 0) * 2), mostMs);
  return { waitMs, until: monotonicMs(now + waitMs) };
}

/** Keeps how long it waited, for the next failure, and lets a time that has come count no more. */
export function released<Held extends BackOff>(
  backOff: Held | undefined,
  now: MonotonicMs,
): Held | undefined {
  if (backOff?.until === undefined || now < backOff.until) return backOff;
  return { ...backOff, until: undefined };
}
