import { LRUCache } from "lru-cache";
import type { RawCredential } from "../domain/credential.ts";
import type { Resumption } from "../protocols/mobile-pass/resumption.ts";

/** Phones that need no signature next time; beyond it whoever was not here for longest signs again. */
export const resumptionsMax = 1_024;

/**
 * Phones that were let in by this controller, by what they call themselves when they come again: one
 * entry for each. It says who a phone is and never what it may: that is judged each time. In memory alone.
 */
export class MobileResumptions {
  readonly #isKnown: (phone: RawCredential) => boolean;
  readonly #entries = new LRUCache<string, Resumption>({ max: resumptionsMax });

  /** `isKnown`: by the table in force. */
  constructor(isKnown: (phone: RawCredential) => boolean) {
    this.#isKnown = isKnown;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Undefined also where no pass presents this phone any more. */
  find(id: string): Resumption | undefined {
    const found = this.#entries.get(id);
    if (found === undefined || this.#isKnown(found.phone)) return found;
    this.#entries.delete(id);
    return undefined;
  }

  remember(id: string, resumption: Resumption): void {
    this.#entries.set(id, resumption);
  }

  /** Keys of phones that nobody has any more do not stay in memory. */
  prune(): void {
    for (const [id, { phone }] of this.#entries)
      if (!this.#isKnown(phone)) this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }
}
