import { type Kysely, PostgresAdapter, type RawBuilder, sql, type Transaction } from "kysely";
import type { StoreSchema } from "./store-schema.ts";

/**
 * What stands after an `in`, as one value: a statement is the same for any number of them, and need
 * neither be put together nor understood anew.
 */
export function listed(
  rows: Transaction<StoreSchema> | Kysely<StoreSchema>,
  values: readonly string[],
): RawBuilder<string> {
  const list = JSON.stringify(values);
  return rows.getExecutor().adapter instanceof PostgresAdapter
    ? sql<string>`(select json_array_elements_text(${list}::json))`
    : sql<string>`(select "value" from json_each(${list}))`;
}
