import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** How long a disk may take to answer before that is a trouble, and before a start goes on. */
const answerMaxMs = 5_000;

/**
 * Tells once that an answer has not come in time. Armed while one is owed, and anew with each answer,
 * for the next: a disk may be slow, if only it goes on.
 */
export class Overdue {
  readonly #clock: Clock;
  readonly #isOwed: () => boolean;
  readonly #deadline: Deadline;
  #isArmed = false;

  constructor(
    clock: Clock,
    { isOwed, overdue }: { readonly isOwed: () => boolean; readonly overdue: () => void },
  ) {
    this.#clock = clock;
    this.#isOwed = isOwed;
    this.#deadline = new Deadline(clock, overdue);
  }

  /** Something was asked. What is asked while an answer is owed puts off nothing. */
  asked(): void {
    if (!this.#isArmed) this.answered();
  }

  /** There was an answer, or there will be none. */
  answered(): void {
    this.#isArmed = this.#isOwed();
    const at = monotonicMs(this.#clock.monotonic() + answerMaxMs);
    this.#deadline.set(this.#isArmed ? at : undefined);
  }

  stop(): void {
    this.#isArmed = false;
    this.#deadline.set(undefined);
  }
}
