import type { PassId, RuleId, UserId } from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import type { Notice } from "./notice.ts";
import type { SiteEngine } from "./site-engine.ts";
import type { Author, SiteStore, StoreChange } from "./store/site-store.ts";
import type { TableFault } from "./table-plan.ts";

/** What a change wrote that tables are made from: it is read back and told to the engine. */
export interface Touch {
  user(id: UserId): void;
  pass(id: PassId): void;
  /** The rule itself, and not who is in it. */
  rule(id: RuleId): void;
  member(rule: RuleId, user: UserId): void;
  surroundings(): void;
}

export interface IssuingChange extends StoreChange {
  readonly touch: Touch;
  /** Tells whoever listens to the API's events, once the change is on disk. */
  tell(...notices: readonly Notice[]): void;
}

/** The store and the doors, kept in step. */
export interface Issuer {
  readonly store: SiteStore;
  readonly engine: SiteEngine;
  /**
   * Writes rows, and brings what they say to the doors: the engine has it before the rows are
   * committed, and neither keeps it where the other cannot.
   */
  change<Value, Fault>(
    author: Author,
    make: (change: IssuingChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault | TableFault>>;
}
