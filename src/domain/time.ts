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
