import type { Clock } from "../../hal/clock.ts";
import type { MonotonicMs } from "../domain/time.ts";

/** An answer that took longer may have been held back: the site may have gone on since. */
const openMs = 30_000;
const openMax = 16;

/** What was asked for and not answered yet: the echo of it was said after it was asked. */
export class OpenRequests {
  readonly #clock: Clock;
  readonly #askedAt = new Map<string, MonotonicMs>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(request: string): void {
    this.#askedAt.set(request, this.#clock.monotonic());
    const [oldest] = this.#askedAt.keys();
    if (this.#askedAt.size > openMax && oldest !== undefined) this.#askedAt.delete(oldest);
  }

  /** Whether it is one that is open, which it is no longer then. */
  close(request: string): boolean {
    const askedAt = this.#askedAt.get(request);
    this.#askedAt.delete(request);
    return askedAt !== undefined && this.#clock.monotonic() - askedAt <= openMs;
  }

  forget(): void {
    this.#askedAt.clear();
  }
}
