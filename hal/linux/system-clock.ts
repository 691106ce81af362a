import {
  type ClockQuality,
  epochMs,
  type MonotonicMs,
  monotonicMs,
} from "../../src/domain/time.ts";
import type { Alarm, Clock } from "../clock.ts";

/** The longest that `setTimeout` can wait; beyond it, it fires at once. */
const timeoutMsMax = 2 ** 31 - 1;

function monotonicNow(): MonotonicMs {
  const [seconds, nanoseconds] = process.hrtime();
  return monotonicMs(seconds * 1e3 + nanoseconds / 1e6);
}

/**
 * The machine's clock. `monotonic` is CLOCK_MONOTONIC, with which the kernel stamps edges. `quality`
 * is asked at each `wall()`: what vouches for the time is known elsewhere and changes.
 */
export function createSystemClock(options: { readonly quality: () => ClockQuality }): Clock {
  return {
    monotonic: monotonicNow,
    wall: () => ({ at: epochMs(Date.now()), quality: options.quality() }),
    alarm: (at, due) => new SystemAlarm(at, due),
  };
}

class SystemAlarm implements Alarm {
  readonly #at: MonotonicMs;
  readonly #due: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(at: MonotonicMs, due: () => void) {
    this.#at = at;
    this.#due = due;
    this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const waitMs = Math.max(0, this.#at - monotonicNow());
    this.#timer = setTimeout(() => this.#fired(), Math.min(timeoutMsMax, Math.ceil(waitMs)));
  }

  /** Timers count from a time that the event loop noted earlier, so they can fire a little early. */
  #fired(): void {
    if (monotonicNow() < this.#at) this.#arm();
    else this.#due();
  }
}
