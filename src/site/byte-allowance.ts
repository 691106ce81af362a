import type { MonotonicMs } from "../domain/time.ts";

export interface ByteLimits {
  readonly bytesPerSecond: number;
  /** What may go out at once after a rest. */
  readonly burstBytes: number;
}

/** How much may be sent in answer to what anybody at the broker can have said again. */
export class ByteAllowance {
  readonly #limits: ByteLimits;
  #left: number;
  #asOf = -Infinity;

  constructor(limits: ByteLimits) {
    this.#limits = limits;
    this.#left = limits.burstBytes;
  }

  has(bytes: number, now: MonotonicMs): boolean {
    const { bytesPerSecond, burstBytes } = this.#limits;
    if (this.#asOf !== -Infinity) {
      const earned = ((now - this.#asOf) / 1_000) * bytesPerSecond;
      this.#left = Math.min(burstBytes, this.#left + earned);
    }
    this.#asOf = now;
    return this.#left >= bytes;
  }

  spend(bytes: number): void {
    this.#left -= bytes;
  }
}
