import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";

/**
 * How long uses gather before tables go out again: a queue of visitors at one door is one new table
 * for each other controller and not one for each visitor.
 */
export const gatherMs = 1_000;
/** After a failure, which is a disk's: it may have room by then. */
export const retryMs = 10_000;

export interface RepublisherParts {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  /** `failed`: they are to be tried again. */
  readonly republish: (controllers: readonly ControllerId[]) => "done" | "failed";
}

/** Gathers controllers whose tables have become old, and names them together. */
export class Republisher {
  readonly #parts: RepublisherParts;
  readonly #stale = new Set<ControllerId>();
  #alarm: Alarm | undefined;

  constructor(parts: RepublisherParts) {
    this.#parts = parts;
  }

  note(controllers: readonly ControllerId[]): void {
    for (const controller of controllers) this.#stale.add(controller);
    if (this.#stale.size > 0) this.#arm(gatherMs);
  }

  close(): void {
    this.#alarm?.cancel();
    this.#stale.clear();
  }

  #arm(waitMs: number): void {
    if (this.#alarm !== undefined) return;
    const { clock } = this.#parts;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + waitMs), () => {
      this.#alarm = undefined;
      if (this.#parts.republish([...this.#stale]) === "done") this.#stale.clear();
      else this.#arm(retryMs);
    });
  }
}
