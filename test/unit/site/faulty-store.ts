import type { Result } from "../../../src/domain/result.ts";
import type {
  Author,
  SiteStore,
  StoreChange,
  StoreRecord,
} from "../../../src/site/store/site-store.ts";
import { StoreError } from "../../../src/site/store/store-error.ts";

const away = () => new StoreError("unavailable", "store: away");

/** A store whose disk or server fails as the test wants it. */
export class FaultyStore implements SiteStore {
  /**
   * Of the next change that is made: `lost` takes it back at the commit; `unanswered` keeps it and
   * says that it failed.
   */
  next: "kept" | "lost" | "unanswered" = "kept";
  /** So many records fail after that. */
  awayCount = 0;
  readonly #store: SiteStore;

  constructor(store: SiteStore) {
    this.#store = store;
  }

  get rows() {
    return this.#store.rows;
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  async change<Value, Fault>(
    author: Author,
    make: (change: StoreChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault>> {
    const { next } = this;
    this.next = "kept";
    const changed = await this.#store.change(author, async (change) => {
      const made = await make(change);
      if (made.ok && next === "lost") throw away();
      return made;
    });
    if (changed.ok && next === "unanswered") throw away();
    return changed;
  }

  record<Value>(make: (record: StoreRecord) => Promise<Value>): Promise<Value> {
    if (this.awayCount === 0) return this.#store.record(make);
    this.awayCount -= 1;
    return Promise.reject(away());
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
