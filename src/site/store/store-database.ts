import type { Kysely } from "kysely";
import type { StoreSchema } from "./store-schema.ts";
import type { StoreDialect } from "./table-maker.ts";

/**
 * A database of a store. What fails in it, and not in what was asked of it, is thrown as a
 * `StoreError`.
 */
export interface StoreDatabase {
  readonly dialect: StoreDialect;
  /** Sees what was committed, and changes nothing. */
  readonly reader: Kysely<StoreSchema>;
  /** The one connection that writes, which no other process has at the same time. */
  readonly writer: Kysely<StoreSchema>;
  close(): Promise<void>;
}
