import { CompiledQuery, PostgresAdapter, type Transaction } from "kysely";
import { othersTurn } from "./others-turn.ts";
import type { StoreSchema } from "./store-schema.ts";

type TableName = keyof StoreSchema & string;

export interface PutOptions<Row> {
  /** Where a row with this key is there already, it is made as said but for what is to be kept. */
  readonly replace?: { readonly key: keyof Row & string; readonly keep: readonly (keyof Row)[] };
}

/** So many rows go into one statement; between two, others have their turn. */
const rowsAtOnceMax = 500;
/** SQLite takes 32,766. */
const valuesMax = 10_000;

/**
 * Many whole rows at a time, without a statement's making for each few of them: 250,000 passes in
 * seconds.
 */
export async function putRows<Name extends TableName>(
  rows: Transaction<StoreSchema>,
  table: Name,
  records: readonly StoreSchema[Name][],
  options: PutOptions<StoreSchema[Name]> = {},
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const columns = Object.keys(first) as (keyof StoreSchema[Name] & string)[];
  const names = columns.map((column) => `"${column}"`).join(", ");
  const into = `insert into "${table}" (${names})`;
  const conflict = onConflict(columns, options);
  const isPostgres = rows.getExecutor().adapter instanceof PostgresAdapter;
  const atOnce = Math.min(rowsAtOnceMax, Math.floor(valuesMax / columns.length));
  for (let from = 0; from < records.length; from += atOnce) {
    if (from > 0) await othersTurn();
    const part = records.slice(from, from + atOnce);
    if (isPostgres) {
      // One value, instead of thousands that each want a message's room.
      const source = `select ${names} from json_populate_recordset(null::"${table}", $1::json)`;
      const text = `${into} ${source} where true ${conflict}`;
      await rows.executeQuery(CompiledQuery.raw(text, [JSON.stringify(part)]));
    } else {
      const one = `(${columns.map(() => "?").join(", ")})`;
      const text = `${into} values ${part.map(() => one).join(", ")} ${conflict}`;
      const values = part.flatMap((record) => columns.map((column) => record[column]));
      await rows.executeQuery(CompiledQuery.raw(text, values));
    }
  }
}

function onConflict<Row>(columns: readonly string[], { replace }: PutOptions<Row>): string {
  if (replace === undefined) return "";
  const kept: readonly unknown[] = [replace.key, ...replace.keep];
  const others = columns.filter((column) => !kept.includes(column));
  const set = others.map((column) => `"${column}" = excluded."${column}"`).join(", ");
  return `on conflict ("${replace.key}") do update set ${set}`;
}
