import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

const retryMinMs = 100;
const retryMaxMs = 30_000;

/** When a disk that failed is tried again: less and less often, until it answers. */
export class JournalRetry {
  readonly #clock: Clock;
  readonly #deadline: Deadline;
  #nextMs = retryMinMs;

  constructor(clock: Clock, tryAgain: () => void) {
    this.#clock = clock;
    this.#deadline = new Deadline(clock, tryAgain);
  }

  failed(): void {
    this.#deadline.set(monotonicMs(this.#clock.monotonic() + this.#nextMs));
    this.#nextMs = Math.min(this.#nextMs * 2, retryMaxMs);
  }

  answered(): void {
    this.#nextMs = retryMinMs;
    this.stop();
  }

  stop(): void {
    this.#deadline.set(undefined);
  }
}
