import type { Clock } from "../../hal/clock.ts";
import type { DoorEvent } from "../domain/event.ts";
import { Deadline } from "./deadline.ts";
import { RateLimit } from "./rate-limit.ts";

/** Refusals journalled one by one in this time; the others of it are journalled as a count. */
const journalledMax = 10;
const windowMs = 60_000;
/** Messages that are known as refused, so that a broker that repeats one costs no second entry. */
const knownMax = 64;
/** The longest detail that an event may have. */
const detailLengthMax = 1_000;

/** Journals what was refused and why, and keeps a flood of it from becoming a flood of entries. */
export class TableRefusals {
  readonly #record: (event: DoorEvent) => void;
  readonly #limit: RateLimit;
  readonly #windowEnd: Deadline;
  readonly #known = new Set<string>();
  #countedCount = 0;
  #lastReason = "";

  constructor(clock: Clock, record: (event: DoorEvent) => void) {
    this.#record = record;
    this.#limit = new RateLimit(clock, { countMax: journalledMax, windowMs });
    this.#windowEnd = new Deadline(clock, () => this.#recordCounted());
  }

  /** `fingerprint` tells messages apart. */
  note(fingerprint: string, refusal: { readonly reason: string; readonly detail: string }): void {
    if (this.#known.has(fingerprint)) return;
    this.#known.add(fingerprint);
    const [oldest] = this.#known;
    if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest);
    const { reason, detail } = refusal;
    if (this.#limit.take()) {
      this.#record({ kind: "table_refused", reason, detail: detail.slice(0, detailLengthMax) });
      return;
    }
    this.#countedCount += 1;
    this.#lastReason = reason;
    this.#windowEnd.set(this.#limit.endsAt());
  }

  /** What was counted and not yet journalled is journalled now. */
  close(): void {
    this.#windowEnd.set(undefined);
    this.#recordCounted();
  }

  #recordCounted(): void {
    if (this.#countedCount === 0) return;
    const detail = `the last of ${this.#countedCount} more that were refused`;
    this.#record({ kind: "table_refused", reason: this.#lastReason, detail });
    this.#countedCount = 0;
  }
}
