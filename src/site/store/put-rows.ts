import { CompiledQuery, type Insertable, PostgresAdapter, type Transaction } from "kysely";
import { othersTurn } from "./others-turn.ts";
import type { StoreSchema } from "./store-schema.ts";

type TableName = keyof StoreSchema & string;

export interface PutOptions<Row> {
  /** Where a row with this key is there already, it is made as said but for what is to be kept. */
  readonly replace?: { readonly key: keyof Row & string; readonly keep: readonly (keyof Row)[] };
}

/** So many rows are sent at once. */
const sentMax = 500;
/**
 * So many rows go into one statement of SQLite's, and of what is left half as many, and so on: then
 * there are few statements, short enough to be kept, and none is made for a number of rows alone.
 */
const statementRowsMax = 32;
/** SQLite answers within the turn that asks: after so many rows others have theirs. */
const turnRowsMax = 128;

/** Many rows of the same columns at a time: 250,000 passes in seconds. */
export async function putRows<Name extends TableName>(
  rows: Transaction<StoreSchema>,
  table: Name,
  records: readonly (StoreSchema[Name] | Insertable<StoreSchema[Name]>)[],
  options: PutOptions<StoreSchema[Name]> = {},
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const names = columns.map((column) => `"${column}"`).join(", ");
  const into = `insert into "${table}" (${names})`;
  const conflict = onConflict(columns, options);
  if (rows.getExecutor().adapter instanceof PostgresAdapter) {
    for (let from = 0; from < records.length; from += sentMax) {
      // One value, instead of thousands that each want a message's room.
      const part = JSON.stringify(records.slice(from, from + sentMax));
      const source = `select ${names} from json_populate_recordset(null::"${table}", $1::json)`;
      const text = `${into} ${source} where true ${conflict}`;
      await rows.executeQuery(CompiledQuery.raw(text, [part]));
    }
    return;
  }
  const one = `(${columns.map(() => "?").join(", ")})`;
  let turnCount = 0;
  for (let from = 0; from < records.length; ) {
    const count = statementRows(records.length - from);
    const text = `${into} values ${Array(count).fill(one).join(", ")} ${conflict}`;
    const values: unknown[] = [];
    for (const record of records.slice(from, from + count) as readonly Record<string, unknown>[]) {
      for (const column of columns) values.push(record[column]);
    }
    await rows.executeQuery(CompiledQuery.raw(text, values));
    from += count;
    turnCount += count;
    if (turnCount < turnRowsMax || from === records.length) continue;
    turnCount = 0;
    await othersTurn();
  }
}

/** The largest power of two of them. */
function statementRows(left: number): number {
  let count = statementRowsMax;
  while (count > left) count /= 2;
  return count;
}

function onConflict<Row>(columns: readonly string[], { replace }: PutOptions<Row>): string {
  if (replace === undefined) return "";
  const kept: readonly unknown[] = [replace.key, ...replace.keep];
  const others = columns.filter((column) => !kept.includes(column));
  const set = others.map((column) => `"${column}" = excluded."${column}"`).join(", ");
  return `on conflict ("${replace.key}") do update set ${set}`;
}
