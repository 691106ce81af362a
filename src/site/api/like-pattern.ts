import { type Expression, type SqlBool, sql } from "kysely";

/** `column` has `sought` somewhere in it, in lower case as the column is; nothing in it is a wildcard. */
export function contains(column: Expression<unknown>, sought: string): Expression<SqlBool> {
  const pattern = `%${sought.toLowerCase().replaceAll(/[\\%_]/g, "\\$&")}%`;
  return sql<SqlBool>`${column} like ${pattern} escape '\\'`;
}
