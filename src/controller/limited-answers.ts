import type { Clock } from "../../hal/clock.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { Deadline } from "./deadline.ts";
import { RateLimit } from "./rate-limit.ts";

/** Answers of one class to what anybody may publish: so many in a minute, and the newest always. */
export class LimitedAnswers {
  readonly #limit: RateLimit;
  readonly #send: (ack: TableAck) => void;
  /** The newest that a flood left no room for: the site might wait for it and no other. */
  #held: TableAck | undefined;
  readonly #heldDue: Deadline;

  constructor(clock: Clock, countMax: number, send: (ack: TableAck) => void) {
    this.#limit = new RateLimit(clock, { countMax, windowMs: 60_000 });
    this.#send = send;
    this.#heldDue = new Deadline(clock, () => {
      if (this.#held !== undefined) this.take(this.#held);
    });
  }

  take(ack: TableAck): void {
    const hasRoom = this.#limit.take();
    this.#held = hasRoom ? undefined : ack;
    this.#heldDue.set(hasRoom ? undefined : this.#limit.endsAt());
    if (hasRoom) this.#send(ack);
  }

  close(): void {
    this.#heldDue.set(undefined);
  }
}
