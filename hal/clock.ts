import type { MonotonicMs, WallTime } from "../src/domain/time.ts";

/** A one-shot timer that was armed; `cancel` is safe at any time, also after it fired. */
export interface Alarm {
  cancel(): void;
}

/**
 * The only source of time outside tests of pure code. `monotonic` and `wall` share no origin; a
 * deadline is monotonic, a validity is wall time.
 */
export interface Clock {
  /** Same clock as `Edge.at`, in milliseconds with a fraction. */
  monotonic(): MonotonicMs;
  wall(): WallTime;
  /** Calls `due` once, at or after `at`, never synchronously. It may be late: check the clock. */
  alarm(at: MonotonicMs, due: () => void): Alarm;
}
