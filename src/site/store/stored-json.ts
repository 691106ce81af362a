import * as v from "valibot";
import { damagedRow } from "./store-error.ts";

/** Where a text column stands, for messages about it. */
export interface StoredPlace {
  readonly table: string;
  readonly id: string;
}

/**
 * What a JSON column says. Throws a `StoreError`, `damaged`, that names the row and the field and
 * tells nothing of its content.
 */
export function storedJson<const Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  { table, id }: StoredPlace,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damagedRow(table, id, "JSON");
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw damagedRow(table, id, `${v.getDotPath(issue) ?? "value"}: ${issue.expected ?? "another"}`);
}
