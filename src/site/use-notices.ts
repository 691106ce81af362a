import type { ControllerId, PassId } from "../domain/ids.ts";
import { controllersOf } from "./compile-table.ts";
import type { IntakeOutcome } from "./event-store.ts";
import type { Republisher } from "./republisher.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteModel } from "./site-model.ts";
import type { SpentUses } from "./spent-uses.ts";

/** With so few uses left of a pass, the other controllers are told without a rest. */
export const usesFewMax = 3;

export interface UseNoticesParts {
  readonly republisher: Pick<Republisher, "note">;
  readonly spent: SpentUses;
  readonly log: SiteLog;
}

/** Says whose table has become old by what controllers tell of uses. */
export class UseNotices {
  readonly #parts: UseNoticesParts;
  #controllers: readonly ControllerId[] = [];
  #limits: ReadonlyMap<PassId, number> = new Map();

  constructor(parts: UseNoticesParts) {
    this.#parts = parts;
  }

  /** The model that is in force from now on. */
  serve(model: SiteModel): void {
    this.#controllers = controllersOf(model);
    this.#limits = new Map(
      model.passes.flatMap(({ id, usesMax }) => (usesMax === undefined ? [] : [[id, usesMax]])),
    );
  }

  /** Every door of the site shares a pass's uses, as soon as it can be told (behaviour 11). */
  note(controller: ControllerId, outcome: IntakeOutcome): void {
    const { republisher, log } = this.#parts;
    const { spent, replaced, mayHaveForgotten, implausible } = outcome;
    for (const { pass, door } of implausible) {
      log.warn({ controller, pass, door }, "a use that the site never allowed was not counted");
    }
    const left = [...spent].flatMap((pass) => this.#leftOf(pass));
    if (left.length > 0) {
      const others = this.#controllers.filter((other) => other !== controller);
      const isFew = left.some((count) => count <= usesFewMax);
      republisher.note(others, isFew ? "few_uses_left" : "used_elsewhere");
    }
    // What was spent there may be forgotten with its disk, and the table that is retained for it
    // be from before: without a new one the uses would be given a second time.
    if (replaced || mayHaveForgotten) {
      const itself = this.#controllers.filter((each) => each === controller);
      republisher.note(itself, "forgotten");
    }
  }

  /** Below 0 where doors that could not be told have granted more; none of a pass without count. */
  #leftOf(pass: PassId): readonly number[] {
    const usesMax = this.#limits.get(pass);
    if (usesMax === undefined) return [];
    const total = this.#parts.spent(pass).reduce((sum, { spent }) => sum + spent, 0);
    return [usesMax - total];
  }
}
