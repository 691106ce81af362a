import type { EpochMs } from "../src/domain/time.ts";

export interface ClockChipReading {
  /** To the second below: up to 1,000 ms behind. */
  readonly at: EpochMs;
  /**
   * Whether its oscillator has run ever since it was set. Where not, `at` is not a time but what the
   * chip counted since its battery was empty or changed.
   */
  readonly kept: boolean;
}

/** A clock with a battery of its own, which counts on while the machine has no power. */
export interface ClockChip {
  /** Throws `HalError`: `disconnected` as `I2cDevice` does, `io` where what it says is no time at all. */
  read(): ClockChipReading;

  /**
   * From 2000 on, for 200 years; to the nearest second. Reads as kept from then on. Throws `HalError` as
   * `read`; it then reads as not kept, or shows the time that it had.
   */
  set(at: EpochMs): void;

  close(): void;
}
