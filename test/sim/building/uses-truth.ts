import type { PassRecord } from "../../../src/domain/access.ts";
import type { PassId } from "../../../src/domain/ids.ts";
import type { Admitted } from "./ladder.ts";

export interface Use {
  readonly pass: PassId;
  readonly use: number;
}

/** How often each pass that is counted was good for a grant here. */
export class UsesTruth {
  /** Ever, over all power cuts. */
  readonly counts = new Map<PassId, number>();
  readonly #spent = new Map<PassId, number>();

  spent(pass: PassId): number {
    return this.#spent.get(pass) ?? 0;
  }

  /** What a grant to these people would cost: of each his card, and the PIN that he was asked for. */
  of(admitted: readonly Admitted[]): readonly Use[] {
    return admitted.flatMap(({ pass, pinPass }) => [...this.#useOf(pass), ...this.#useOf(pinPass)]);
  }

  spend(uses: readonly Use[]): void {
    for (const { pass, use } of uses) {
      this.#spent.set(pass, use);
      this.counts.set(pass, (this.counts.get(pass) ?? 0) + 1);
    }
  }

  #useOf(pass: PassRecord | undefined): readonly Use[] {
    if (pass?.usesMax === undefined) return [];
    return [{ pass: pass.id, use: Math.max(this.spent(pass.id), pass.spentHere ?? 0) + 1 }];
  }
}
