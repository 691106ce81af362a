import type { Alarm, Clock } from "../../hal/clock.ts";
import type { MonotonicMs } from "../domain/time.ts";

/**
 * The one timer of one machine. The machine states when it must be woken; this arms the clock for
 * that instant, and only when the instant changed: a state that is stepped often costs no timer.
 */
export class Deadline {
  readonly #clock: Pick<Clock, "alarm">;
  readonly #due: () => void;
  #at: MonotonicMs | undefined;
  #alarm: Alarm | undefined;

  constructor(clock: Pick<Clock, "alarm">, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get isSet(): boolean {
    return this.#at !== undefined;
  }

  /** `undefined`: the machine waits for nothing. */
  set(at: MonotonicMs | undefined): void {
    if (at === this.#at) return;
    this.#alarm?.cancel();
    this.#at = at;
    this.#alarm = at === undefined ? undefined : this.#clock.alarm(at, () => this.#fire());
  }

  #fire(): void {
    this.#at = undefined;
    this.#alarm = undefined;
    this.#due();
  }
}
