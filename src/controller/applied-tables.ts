import type { Clock } from "../../hal/clock.ts";
import type { TableVersion } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** A site that changes all day shall not fill a journal with its versions. */
const quietMs = 10_000;

/**
 * Journals which table is in force, so that there is evidence of since when a revocation has been:
 * each that came as a whole; of those that deltas made the first at once, then the newest when 10 s
 * are over. What is passed over was in force no longer than that.
 */
export class AppliedTables {
  readonly #clock: Clock;
  readonly #record: (event: DoorEvent) => void;
  readonly #quietEnd: Deadline;
  #quietUntil: MonotonicMs | undefined;
  /** In force, and not journalled yet. */
  #pending: TableVersion | undefined;

  constructor(clock: Clock, record: (event: DoorEvent) => void) {
    this.#clock = clock;
    this.#record = record;
    this.#quietEnd = new Deadline(clock, () => this.#recordPending());
  }

  byDeltas(table: TableVersion): void {
    this.#pending = table;
    const isQuiet = this.#quietUntil !== undefined && this.#clock.monotonic() < this.#quietUntil;
    if (isQuiet) this.#quietEnd.set(this.#quietUntil);
    else this.#recordPending();
  }

  asWhole(table: TableVersion): void {
    this.#pending = table;
    this.#recordPending();
  }

  /** What is in force and was not journalled is journalled now. */
  close(): void {
    this.#recordPending();
  }

  #recordPending(): void {
    this.#quietEnd.set(undefined);
    if (this.#pending === undefined) return;
    const { epoch, version } = this.#pending;
    this.#pending = undefined;
    this.#quietUntil = monotonicMs(this.#clock.monotonic() + quietMs);
    this.#record({ kind: "table_applied", applied: { epoch, version } });
  }
}
