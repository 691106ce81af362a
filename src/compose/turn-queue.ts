import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../hal/clock.ts";

/** How long one turn of the event loop is spent on what has come. */
const turnMsMax = 4;

/**
 * Hands on what comes in, in order, some milliseconds in each turn of the event loop: whoever floods us
 * with messages that have to be looked at must not keep the doors waiting.
 */
export class TurnQueue<T> {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #take: (item: T) => void;
  #items: T[] = [];
  #isTaking = false;
  #emptied: () => void = () => undefined;

  constructor(clock: Pick<Clock, "monotonic">, take: (item: T) => void) {
    this.#clock = clock;
    this.#take = take;
  }

  get count(): number {
    return this.#items.length;
  }

  /** Called each time that nothing waits any more. */
  onEmptied(listener: () => void): void {
    this.#emptied = listener;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#isTaking) return;
    this.#isTaking = true;
    // It rejects where `take` throws, which is a mistake of ours and ends the process.
    void this.#takeAll();
  }

  /** What waits is forgotten. */
  clear(): void {
    this.#items = [];
  }

  async #takeAll(): Promise<void> {
    while (this.#items.length > 0) {
      await nextTurn();
      const items = this.#items;
      this.#items = [];
      const until = this.#clock.monotonic() + turnMsMax;
      let taken = 0;
      do {
        const item = items[taken];
        taken += 1;
        if (item !== undefined) this.#take(item);
      } while (taken < items.length && this.#clock.monotonic() < until);
      this.#items = [...items.slice(taken), ...this.#items];
    }
    this.#isTaking = false;
    this.#emptied();
  }
}
