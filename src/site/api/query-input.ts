import { fail, type Result, succeed } from "../../domain/result.ts";
import type { FieldFaults } from "./api-fault.ts";
import { type InputSchema, innermost } from "./parse-input.ts";

/** What the official client adds to each query: that it escapes as is written here. */
const strictMark = "_strict";

/**
 * The input of a request that has no body, from its query as the official client writes it: a list
 * as its name repeated, an empty one and null as nothing, a field of an object behind a dot.
 * What is no number, or neither true nor false, stays text for the schema to refuse.
 */
export function inputFromQuery(
  schema: InputSchema,
  query: string,
): Result<Readonly<Record<string, unknown>>, FieldFaults> {
  if (!isUtf8(query)) return fail({ "": ["expected a query in UTF-8, percent-encoded"] });
  const given = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== strictMark) given.set(name, [...(given.get(name) ?? []), value]);
  }
  const input = new Map<string, unknown>();
  for (const [name, values] of given) {
    const [field = "", ...rest] = name.split(".");
    const entry = innermost(schema.entries[field]);
    if (rest.length === 1 && isEntries(entry["entries"])) {
      const [inner = ""] = rest;
      const into = new Map(Object.entries(input.get(field) ?? {}));
      const read = fromText(entry["entries"][inner], values);
      if (read === undefined) return fail({ [name]: ["expected once"] });
      input.set(field, Object.fromEntries(into.set(inner, read.value)));
    } else {
      const read = fromText(schema.entries[name], values);
      if (read === undefined) return fail({ [name]: ["expected once"] });
      input.set(name, read.value);
    }
  }
  return succeed(Object.fromEntries(input));
}

function isEntries(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Undefined: several, where one was expected. */
function fromText(schema: unknown, values: readonly string[]): { value: unknown } | undefined {
  const inner = innermost(schema);
  const [first = "", ...more] = values;
  if (inner["type"] === "array") {
    if (more.length === 0 && first === "") return { value: [] };
    return { value: values.map((value) => scalar(innermost(inner["item"])["type"], value)) };
  }
  if (more.length > 0) return undefined;
  if (first === "" && acceptsNull(schema)) return { value: null };
  return { value: scalar(inner["type"], first) };
}

function scalar(type: unknown, text: string): unknown {
  if (type === "number" && /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function acceptsNull(schema: unknown): boolean {
  let inner: unknown = schema;
  while (isEntries(inner)) {
    if (inner["type"] === "nullable" || inner["type"] === "nullish") return true;
    inner = inner["wrapped"];
  }
  return false;
}

function isUtf8(query: string): boolean {
  try {
    decodeURIComponent(query.replaceAll("+", " "));
    return true;
  } catch {
    return false;
  }
}
