import type { Clock } from "../../hal/clock.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";

/** At most so many in any window; the first of a window begins it. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #countMax: number;
  readonly #windowMs: number;
  #count = 0;
  #endsAt: MonotonicMs | undefined;

  constructor(clock: Clock, limit: { readonly countMax: number; readonly windowMs: number }) {
    this.#clock = clock;
    this.#countMax = limit.countMax;
    this.#windowMs = limit.windowMs;
  }

  /** False: not now. */
  take(): boolean {
    const now = this.#clock.monotonic();
    if (this.#endsAt === undefined || now >= this.#endsAt) {
      this.#endsAt = monotonicMs(now + this.#windowMs);
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#countMax;
  }

  /** When the window under way ends. */
  endsAt(): MonotonicMs {
    return this.#endsAt ?? this.#clock.monotonic();
  }
}
