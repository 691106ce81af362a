import type { Clock } from "../../hal/clock.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/**
 * One event in this time at most: whoever may write at the broker decides how often there is something to
 * refuse, and the journal is for doors.
 */
export const commandRefusalQuietMs = 3_600_000;

/** Journals commands that were not taken: the first at once, more of them as a count, hourly. */
export class CommandRefusals {
  readonly #clock: Clock;
  readonly #record: (event: DoorEvent) => void;
  readonly #quietEnds: Deadline;
  #quietUntil: MonotonicMs | undefined;
  #waiting: { readonly reason: string; readonly count: number } | undefined;

  constructor(options: { readonly clock: Clock; readonly record: (event: DoorEvent) => void }) {
    this.#clock = options.clock;
    this.#record = options.record;
    this.#quietEnds = new Deadline(options.clock, () => this.#tellWaiting());
  }

  /** `reason`: a stable string; of several that are told as one, the last. */
  count(reason: string): void {
    this.#waiting = { reason, count: (this.#waiting?.count ?? 0) + 1 };
    if (this.#quietUntil === undefined || this.#clock.monotonic() >= this.#quietUntil) {
      return this.#tellWaiting();
    }
    this.#quietEnds.set(this.#quietUntil);
  }

  /** Tells what is waiting, so that it is not lost with the process. */
  close(): void {
    this.#tellWaiting();
    this.#quietEnds.set(undefined);
  }

  #tellWaiting(): void {
    const waiting = this.#waiting;
    this.#quietEnds.set(undefined);
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#quietUntil = monotonicMs(this.#clock.monotonic() + commandRefusalQuietMs);
    this.#record({ kind: "command_refused", ...waiting });
  }
}
