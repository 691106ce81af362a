import type { Clock } from "../../../hal/clock.ts";

/** The clock of a process: once it has died, nothing of it ticks. */
export class LivingClock implements Clock {
  isAlive = true;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  monotonic(): ReturnType<Clock["monotonic"]> {
    return this.#clock.monotonic();
  }

  wall(): ReturnType<Clock["wall"]> {
    return this.#clock.wall();
  }

  alarm(at: Parameters<Clock["alarm"]>[0], due: () => void): ReturnType<Clock["alarm"]> {
    return this.#clock.alarm(at, () => {
      if (this.isAlive) due();
    });
  }
}
