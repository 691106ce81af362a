import type { Clock } from "../../hal/clock.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";
import type { Journal } from "./journal.ts";
import { journalLimits } from "./journal-limits.ts";

/** Refusals journalled one by one before they are journalled as a count. */
const singlesMax = 10;
/** Between two counts: each time twice as long, for as long as it goes on. */
const pauseLeastMs = 60 * 60_000;
const pauseMostMs = 24 * pauseLeastMs;
/** Messages that are known as refused, so that a broker that repeats one costs no second entry. */
const knownMax = 64;
/** The longest detail that an event may have. */
const detailLengthMax = 1_000;
/** Entries that the site has not acknowledged: 5 % of the room that there is for those. */
export const refusalsUnacknowledgedMax = journalLimits.unacknowledgedMax / 20;

interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

export interface TableRefusalsOptions {
  readonly clock: Clock;
  readonly journal: Pick<Journal, "status">;
  readonly record: (event: DoorEvent) => void;
}

/**
 * Journals what was refused and why. Whoever owns the broker decides how often there is something to
 * refuse and whether the site's acknowledgements arrive: a flood of it becomes a count in longer and
 * longer pauses, and for years of it there is no more than its share of the journal, the rest of
 * which is for doors.
 */
export class TableRefusals {
  readonly #options: TableRefusalsOptions;
  readonly #pauseEnd: Deadline;
  readonly #known = new Set<string>();
  #singlesLeft = singlesMax;
  #pauseMs = pauseLeastMs;
  #pauseEndsAt: MonotonicMs | undefined;
  #countedCount = 0;
  #lastReason = "";
  #unacknowledgedCount = 0;
  /** The number that the last of ours will have, if nothing is lost before it. */
  #lastNumber = 0;

  constructor(options: TableRefusalsOptions) {
    this.#options = options;
    this.#pauseEnd = new Deadline(options.clock, () => this.#endPause());
  }

  /** `fingerprint` tells messages apart. */
  note(fingerprint: string, { reason, detail }: Refusal): void {
    if (this.#known.has(fingerprint)) return;
    this.#known.add(fingerprint);
    const [oldest] = this.#known;
    if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest);
    this.#calmDown();
    if (this.#singlesLeft === 0 || !this.#hasRoom()) return this.count(1, reason);
    this.#singlesLeft -= 1;
    this.#pauseEndsAt = monotonicMs(this.#options.clock.monotonic() + this.#pauseMs);
    this.#record({ reason, detail: detail.slice(0, detailLengthMax) });
  }

  /** So many were refused that are not worth an entry each. */
  count(count: number, reason: string): void {
    this.#calmDown();
    this.#countedCount += count;
    this.#lastReason = reason;
    this.#pauseEndsAt ??= monotonicMs(this.#options.clock.monotonic() + this.#pauseMs);
    this.#pauseEnd.set(this.#pauseEndsAt);
  }

  /** What was counted and not yet journalled is journalled now. */
  close(): void {
    this.#pauseEnd.set(undefined);
    this.#recordCounted();
  }

  /** A whole pause without anything to refuse: the next is news. */
  #calmDown(): void {
    const isOver =
      this.#pauseEndsAt !== undefined && this.#options.clock.monotonic() >= this.#pauseEndsAt;
    if (!isOver || this.#countedCount > 0) return;
    this.#pauseEndsAt = undefined;
    this.#pauseMs = pauseLeastMs;
    this.#singlesLeft = singlesMax;
  }

  #endPause(): void {
    this.#recordCounted();
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMostMs);
    this.#pauseEndsAt = monotonicMs(this.#options.clock.monotonic() + this.#pauseMs);
    // Without room it is still to be told.
    if (this.#countedCount > 0) this.#pauseEnd.set(this.#pauseEndsAt);
  }

  #recordCounted(): void {
    if (this.#countedCount === 0 || !this.#hasRoom()) return;
    const detail = `the last of ${this.#countedCount} more that were refused`;
    this.#countedCount = 0;
    this.#record({ reason: this.#lastReason, detail });
  }

  #hasRoom(): boolean {
    const { acknowledged } = this.#options.journal.status();
    if (acknowledged >= this.#lastNumber) this.#unacknowledgedCount = 0;
    return this.#unacknowledgedCount < refusalsUnacknowledgedMax;
  }

  #record(refusal: Refusal): void {
    this.#unacknowledgedCount += 1;
    const { highest, queuedCount } = this.#options.journal.status();
    this.#lastNumber = highest + queuedCount + 1;
    this.#options.record({ kind: "table_refused", ...refusal });
  }
}
