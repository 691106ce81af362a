import type { Clock } from "../../hal/clock.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { ReaderId } from "../domain/ids.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** At most one event of misreads per reader in this time: a bad cable must not fill the journal. */
export const misreadQuietMs = 10_000;

/**
 * Misreads of one reader for the journal: the first at once, those of the next `misreadQuietMs` as
 * one with their count, under the verdict of the last of them.
 */
export class MisreadTally {
  readonly #reader: ReaderId;
  readonly #clock: Clock;
  readonly #record: (event: DoorEvent) => void;
  readonly #quietEnds: Deadline;
  #quietUntil: MonotonicMs | undefined;
  #waiting:
    | { readonly verdict: string; readonly bitCount: number; readonly count: number }
    | undefined;

  constructor(options: {
    readonly reader: ReaderId;
    readonly clock: Clock;
    readonly record: (event: DoorEvent) => void;
  }) {
    this.#reader = options.reader;
    this.#clock = options.clock;
    this.#record = options.record;
    this.#quietEnds = new Deadline(options.clock, () => this.#tellWaiting());
  }

  count(verdict: string, bitCount: number): void {
    const now = this.#clock.monotonic();
    if (this.#quietUntil !== undefined && now < this.#quietUntil) {
      this.#waiting = { verdict, bitCount, count: (this.#waiting?.count ?? 0) + 1 };
      this.#quietEnds.set(this.#quietUntil);
      return;
    }
    this.#quietUntil = monotonicMs(now + misreadQuietMs);
    this.#tell({ verdict, bitCount, count: 1 });
  }

  /** Tells what is waiting, so that it is not lost with the process. */
  close(): void {
    this.#quietEnds.set(undefined);
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#quietUntil = monotonicMs(this.#clock.monotonic() + misreadQuietMs);
    this.#tell(waiting);
  }

  #tell(misread: { readonly verdict: string; readonly bitCount: number; readonly count: number }) {
    this.#record({ kind: "reader_misread", reader: this.#reader, ...misread });
  }
}
