declare const unit: unique symbol;

/** Milliseconds on a clock that never jumps and starts anywhere. For deadlines and durations. */
export type MonotonicMs = number & { readonly [unit]: "MonotonicMs" };

/** Milliseconds since 1970-01-01T00:00:00Z, without leap seconds. For validity and schedules. */
export type EpochMs = number & { readonly [unit]: "EpochMs" };

/**
 * Nanoseconds on the kernel's monotonic clock (that of `process.hrtime`), as stamped on a line edge.
 * A double: exact for 104 days of uptime, then in steps of 2 ns, which no reader's timing can see.
 */
export type EdgeNs = number & { readonly [unit]: "EdgeNs" };

/**
 * How far wall time may be believed. `trusted`: set by a time server or a battery-backed clock this
 * boot. `holdover`: it was trusted and has run free since. `unknown`: nothing vouches for it.
 */
export type ClockQuality = "trusted" | "holdover" | "unknown";

export interface WallTime {
  readonly at: EpochMs;
  readonly quality: ClockQuality;
}

export const monotonicMs = (ms: number): MonotonicMs => ms as MonotonicMs;
export const epochMs = (ms: number): EpochMs => ms as EpochMs;
export const edgeNs = (ns: number): EdgeNs => ns as EdgeNs;

/** The year 9999 ends here: the last instant that ISO 8601 writes with four digits. */
export const epochMsMax = 253_402_300_799_999;

/**
 * The nearest instant that can be written down: whole milliseconds, 1970 to 9999. A clock without a
 * battery, or set by a fool, may say anything; what is recorded from it must still be readable.
 */
export function writableEpochMs(ms: number): EpochMs {
  if (Number.isNaN(ms)) return epochMs(0);
  return epochMs(Math.min(Math.max(0, Math.floor(ms)), epochMsMax));
}
