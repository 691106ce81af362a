import type { Kysely, Transaction } from "kysely";
import type { Result } from "../../domain/result.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { StoreSchema } from "./store-schema.ts";

/** Who changes something, and what they said of why. */
export interface Author {
  /** An API key's name, `file`, or `site`. */
  readonly name: string;
  readonly reason?: string;
  readonly requestId?: string;
}

/** What an audit entry says of one thing that was changed; never a secret. */
export interface AuditNote {
  /** `user.create`, `pass.delete`. */
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly detail?: object;
}

/** One transaction of the store. */
export interface StoreRecord {
  readonly rows: Transaction<StoreSchema>;
  readonly at: EpochMs;
  /** Called once it is on disk, and never where it was taken back. Must not throw. */
  afterwards(then: () => void): void;
}

/** One that somebody answers for. */
export interface StoreChange extends StoreRecord {
  /** Of the store once this change is in it: for the rows that it touches. */
  readonly revision: number;
  note(note: AuditNote): void;
}

/**
 * The site's administrative store: whom the site knows, what was issued, who did it. One process at
 * a time writes it.
 */
export interface SiteStore {
  /** What is committed. It cannot write: whatever does goes through a change. */
  readonly rows: Kysely<StoreSchema>;
  /** The last change that is in it. */
  revision(): Promise<number>;
  /**
   * One change after another, each whole or not at all: with a fault or an exception, everything
   * stays as it was, the audit log too. On disk when it resolves. Whoever changes what tables say
   * tells the engine before the promise of `make` resolves: see `Issuer`. Rejects with a
   * `StoreError` where the database fails.
   */
  change<Value, Fault>(
    author: Author,
    make: (change: StoreChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault>>;
  /**
   * As `change`, for rows that follow from what happened and that nobody decided (notices, webhook
   * deliveries, the ends of action attempts): no audit entry, and the revision stays.
   */
  record<Value>(make: (record: StoreRecord) => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}
