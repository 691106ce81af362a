import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";

/**
 * How long uses gather before tables go out again: a queue of visitors at one door is one new table
 * for each other controller and not one for each visitor.
 */
export const gatherMs = 1_000;
/**
 * How long a controller is left with its table after one that brought uses from elsewhere, until it
 * is sent another for no other reason: it is a whole table each time, and the busiest door would
 * else set the pace of every controller of the site.
 */
export const usesRestMs = 60_000;
/**
 * A large site's tables take seconds to make, in which it answers nobody: for each second nine others
 * are left to it.
 */
const restShare = 9;
/** After a failure, which is a disk's: it may have room by then. */
export const retryMs = 10_000;

/**
 * Why a table is old: another controller granted uses; or granted some of the last, which is told
 * without a rest; or the controller may have forgotten its own.
 */
export type StaleBecause = "used_elsewhere" | "few_uses_left" | "forgotten";

export interface RepublisherParts {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  /** `failed`: they are to be tried again. */
  readonly republish: (controllers: readonly ControllerId[]) => "done" | "failed";
}

interface StaleTable {
  readonly dueAt: number;
  /** One that need not rest goes out with any other that is due. */
  readonly restsUntil: number;
  readonly bringsUses: boolean;
}

/** Gathers controllers whose tables have become old, and names together those that are due. */
export class Republisher {
  readonly #parts: RepublisherParts;
  readonly #stale = new Map<ControllerId, StaleTable>();
  /** Until when each controller rests from uses of others. */
  readonly #rests = new Map<ControllerId, number>();
  #armed: { readonly at: number; readonly alarm: Alarm } | undefined;
  /** Until when no table is made at all. */
  #restUntil = -Infinity;

  constructor(parts: RepublisherParts) {
    this.#parts = parts;
  }

  note(controllers: readonly ControllerId[], because: StaleBecause): void {
    const gatheredAt = this.#parts.clock.monotonic() + gatherMs;
    for (const controller of controllers) {
      const known = this.#stale.get(controller);
      const rest = because === "used_elsewhere" ? this.#rests.get(controller) : undefined;
      const restsUntil = Math.min(known?.restsUntil ?? Infinity, rest ?? -Infinity);
      this.#stale.set(controller, {
        dueAt: Math.min(known?.dueAt ?? Infinity, Math.max(gatheredAt, restsUntil)),
        restsUntil,
        bringsUses: known?.bringsUses === true || because !== "forgotten",
      });
    }
    this.#arm();
  }

  close(): void {
    this.#armed?.alarm.cancel();
    this.#stale.clear();
  }

  #arm(): void {
    if (this.#stale.size === 0) return;
    const firstAt = Math.min(...[...this.#stale.values()].map(({ dueAt }) => dueAt));
    const at = Math.max(firstAt, this.#restUntil);
    if (this.#armed !== undefined && this.#armed.at <= at) return;
    this.#armed?.alarm.cancel();
    const alarm = this.#parts.clock.alarm(monotonicMs(at), () => this.#due());
    this.#armed = { at, alarm };
  }

  #due(): void {
    const { clock, republish } = this.#parts;
    this.#armed = undefined;
    const startedAt = clock.monotonic();
    const due = [...this.#stale].filter(([, { restsUntil }]) => restsUntil <= startedAt);
    const outcome = republish(due.map(([controller]) => controller));
    const endedAt = clock.monotonic();
    const restMs = outcome === "done" ? restShare * (endedAt - startedAt) : retryMs;
    this.#restUntil = endedAt + restMs;
    if (outcome === "done") {
      for (const [controller, { bringsUses }] of due) {
        this.#stale.delete(controller);
        if (bringsUses) this.#rests.set(controller, endedAt + usesRestMs);
      }
    }
    this.#arm();
  }
}
