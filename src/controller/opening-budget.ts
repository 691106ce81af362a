import type { Clock } from "../../hal/clock.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** A quarter of the time of the thread that serves the doors. */
const windowMs = 1_000;
const budgetMs = 250;

/**
 * How long this thread looks at what comes from the broker. Who can publish there can send more than
 * can be looked at, and a signature has to be checked to tell the site's word from another's; what
 * is beyond the budget is dropped unopened, so that a card is answered meanwhile.
 */
export class OpeningBudget {
  readonly #clock: Clock;
  readonly #onDropped: (count: number) => void;
  readonly #windowEnd: Deadline;
  #endsAt: MonotonicMs | undefined;
  #spentMs = 0;
  #droppedCount = 0;

  /** `onDropped`: a window is over in which so many messages were dropped. */
  constructor(clock: Clock, onDropped: (count: number) => void) {
    this.#clock = clock;
    this.#onDropped = onDropped;
    this.#windowEnd = new Deadline(clock, () => this.#tellDropped());
  }

  /** Whether there is time to look at a message now. Where there is none, it is counted as dropped. */
  hasTime(): boolean {
    const now = this.#clock.monotonic();
    if (this.#endsAt === undefined || now >= this.#endsAt) {
      this.#endsAt = monotonicMs(now + windowMs);
      this.#spentMs = 0;
    }
    if (this.#spentMs < budgetMs) return true;
    this.#droppedCount += 1;
    this.#windowEnd.set(this.#endsAt);
    return false;
  }

  /** Does the work, which counts for as long as it takes, unless what it came to is free. */
  spend<Done>(work: () => Done, isFree: (done: Done) => boolean = () => false): Done {
    const begunAt = this.#clock.monotonic();
    const done = work();
    if (!isFree(done)) this.#spentMs += this.#clock.monotonic() - begunAt;
    return done;
  }

  close(): void {
    this.#windowEnd.set(undefined);
  }

  #tellDropped(): void {
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    if (count > 0) this.#onDropped(count);
  }
}
