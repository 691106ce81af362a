import { isDeepStrictEqual } from "node:util";
import type { PassId } from "../domain/ids.ts";
import type { SiteState } from "./site-state.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { ToldUses } from "./table-shelf.ts";

type Uses = ReturnType<SpentUses>;

/** What a site's tables tell of the uses that were spent, and what they do not tell yet. */
export class UsesTold {
  readonly #told: Map<PassId, Uses>;
  readonly #spent: SpentUses;

  /** `spent`: by now; may throw where its disk fails. */
  constructor(told: ToldUses, spent: SpentUses) {
    this.#told = new Map(told);
    this.#spent = spent;
  }

  /** As the tables tell it. */
  readonly of: SpentUses = (pass) => this.#told.get(pass) ?? [];

  /** What is on disk is told. */
  note(told: ToldUses): void {
    for (const [pass, uses] of told) this.#told.set(pass, uses);
  }

  /**
   * Of those among them that have a use count, what is not told of them as it is by now. Never less
   * than was told: where the events were set back to a copy, the tables still know. Where both were,
   * nobody at the site does; uses whose events the site had acknowledged can then be spent again, at
   * other doors than those where they were spent, until their controllers' kept entries are here.
   */
  toTell(state: Pick<SiteState, "pass">, passes: Iterable<PassId>): ToldUses {
    const untold = new Map<PassId, Uses>();
    for (const id of passes) {
      if (state.pass(id)?.usesMax === undefined) continue;
      const told = this.of(id);
      const uses = mostSpent(told, this.#spent(id));
      if (!isDeepStrictEqual(uses, told)) untold.set(id, uses);
    }
    return untold;
  }
}

/** Of each controller what the one or the other says, whichever is more. */
function mostSpent(one: Uses, other: Uses): Uses {
  const most = new Map(one.map(({ controller, spent }) => [controller, spent]));
  for (const { controller, spent } of other) {
    most.set(controller, Math.max(spent, most.get(controller) ?? 0));
  }
  return [...most].map(([controller, spent]) => ({ controller, spent }));
}
