import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";

/**
 * How long uses gather before tables go out again: a queue of visitors at one door is one new table
 * for each other controller and not one for each visitor.
 */
export const gatherMs = 1_000;
/**
 * A large site's tables take seconds to make, in which it answers nobody: for each second nine others
 * are left to it.
 */
const restShare = 9;
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
  #restUntil = -Infinity;

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
    const { clock, republish } = this.#parts;
    const at = monotonicMs(Math.max(clock.monotonic() + waitMs, this.#restUntil));
    this.#alarm = clock.alarm(at, () => {
      this.#alarm = undefined;
      const startedAt = clock.monotonic();
      const outcome = republish([...this.#stale]);
      const endedAt = clock.monotonic();
      this.#restUntil = endedAt + restShare * (endedAt - startedAt);
      if (outcome === "done") this.#stale.clear();
      else this.#arm(retryMs);
    });
  }
}
