import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** In a full journal: how old the count on disk of what waits in memory may be. */
const countMaxMs = 10_000;

/** Brings that count up to date some time after it changed first. */
export class JournalRecount {
  readonly #clock: Clock;
  readonly #deadline: Deadline;

  constructor(clock: Clock, count: () => void) {
    this.#clock = clock;
    this.#deadline = new Deadline(clock, count);
  }

  changed(): void {
    if (this.#deadline.isSet) return;
    this.#deadline.set(monotonicMs(this.#clock.monotonic() + countMaxMs));
  }

  stop(): void {
    this.#deadline.set(undefined);
  }
}
