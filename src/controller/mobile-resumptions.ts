import { LRUCache } from "lru-cache";
import type { RawCredential } from "../domain/credential.ts";
import type { Resumption } from "../protocols/mobile-pass/resumption.ts";

/** Phones that need no signature next time; beyond it whoever was not here for longest signs again. */
const resumptionsMax = 1_024;

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

  find(id: string): Resumption | undefined {
    return this.#entries.get(id);
  }

  remember(id: string, resumption: Resumption): void {
    this.#entries.set(id, resumption);
  }

  /** To be called whenever passes changed: a phone that is nobody's any more is to sign again. */
  prune(): void {
    for (const [id, { phone }] of this.#entries)
      if (!this.#isKnown(phone)) this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }
}
