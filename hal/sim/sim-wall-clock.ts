import {
  type ClockQuality,
  type EpochMs,
  epochMs,
  type MonotonicMs,
  type WallTime,
} from "../../src/domain/time.ts";
import type { Alarm, Clock } from "../clock.ts";

export interface WallSettings {
  /** How far the simulated wall time is ahead of the clock underneath. */
  readonly offsetMs: number;
  /** Undefined: what the clock underneath says. */
  readonly quality: ClockQuality | undefined;
}

/**
 * The clock of the process under test. Its wall time can be set wrong or made doubtful; monotonic time
 * is left alone. While the process is held up (`heldUntil`) none of its alarms fires.
 */
export class SimWallClock implements Clock {
  readonly #clock: Clock;
  readonly #heldUntil: () => MonotonicMs | undefined;
  #settings: WallSettings = { offsetMs: 0, quality: undefined };

  constructor(clock: Clock, heldUntil: () => MonotonicMs | undefined = () => undefined) {
    this.#clock = clock;
    this.#heldUntil = heldUntil;
  }

  monotonic(): MonotonicMs {
    return this.#clock.monotonic();
  }

  wall(): WallTime {
    const { at, quality } = this.#clock.wall();
    const { offsetMs } = this.#settings;
    return { at: epochMs(at + offsetMs), quality: this.#settings.quality ?? quality };
  }

  alarm(at: MonotonicMs, due: () => void): Alarm {
    let armed: Alarm;
    const fired = () => {
      const heldUntil = this.#heldUntil();
      if (heldUntil === undefined) due();
      else armed = this.#clock.alarm(heldUntil, fired);
    };
    armed = this.#clock.alarm(at, fired);
    return { cancel: () => armed.cancel() };
  }

  /** What `wall` would say without an offset. */
  trueAt(): EpochMs {
    return this.#clock.wall().at;
  }

  /** What is left out stays as it was. */
  setWall(settings: { readonly offsetMs?: number; readonly quality?: ClockQuality }): void {
    this.#settings = {
      offsetMs: settings.offsetMs ?? this.#settings.offsetMs,
      quality: settings.quality ?? this.#settings.quality,
    };
  }
}
