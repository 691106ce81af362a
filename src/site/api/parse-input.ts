import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { FieldFaults } from "./api-fault.ts";

/** An object of named fields, and nothing beside them; `v.pipe` of one for what holds between them. */
export type InputSchema = v.GenericSchema & { readonly entries: v.ObjectEntries };

/** One that is sent wrong in a thousand places need not be told all of them. */
const faultsMax = 50;
const nameCharsMax = 64;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * What a route takes, or everything that is wrong with it. Fields that the route does not have are
 * refused, not passed over: a mistyped `ends_at` would issue a pass without an end.
 */
export function parseInput<const Schema extends InputSchema>(
  schema: Schema,
  value: unknown,
): Result<v.InferOutput<Schema>, FieldFaults> {
  if (!isRecord(value)) return fail({ "": ["expected an object"] });
  const faults = new InputFaults();
  noteOddText(value, [], faults);
  noteUnknownFields(schema, value, [], faults);
  const parsed = v.safeParse(schema, value);
  for (const issue of parsed.issues ?? []) {
    const path = (issue.path ?? []).map(({ key }) => String(key));
    const isMissing = issue.type === "strict_object" && issue.received === "undefined";
    faults.note(path, isMissing ? "expected this field" : `expected ${issue.message}`);
  }
  if (!parsed.success || faults.count > 0) return fail(faults.byField());
  return succeed(parsed.output);
}

/** The first that is said of a field stands: it is what the others follow from. */
class InputFaults {
  // A map, because a field may be called anything, `__proto__` too.
  readonly #faults = new Map<string, readonly string[]>();

  get count(): number {
    return this.#faults.size;
  }

  note(path: readonly string[], expected: string): void {
    const field = path.map((name) => name.slice(0, nameCharsMax)).join(".");
    if (this.#faults.has(field) || this.#faults.size === faultsMax) return;
    this.#faults.set(field, [expected]);
  }

  byField(): FieldFaults {
    return Object.fromEntries(this.#faults);
  }
}

/**
 * Names may be in any script. A half of a character is refused, which no other system could take
 * over; so is what moves a terminal's cursor or ends a line in a log.
 */
const oddText = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** `path`: as it was again afterwards. */
function noteOddText(value: unknown, path: string[], faults: InputFaults): void {
  if (typeof value === "string") {
    if (oddText.test(value)) faults.note(path, "expected text without control characters");
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      path.push(String(index));
      noteOddText(item, path, faults);
      path.pop();
    }
  } else if (isRecord(value)) {
    for (const name of Object.keys(value)) {
      if (oddText.test(name)) faults.note(path, "expected names without control characters");
      else {
        path.push(name);
        noteOddText(value[name], path, faults);
        path.pop();
      }
    }
  }
}

/** All of them: valibot's own strict object names the first and gives up. `path`: likewise. */
function noteUnknownFields(
  schema: unknown,
  value: unknown,
  path: string[],
  faults: InputFaults,
): void {
  const { type, entries, item } = innermost(schema);
  const isClosed = type === "strict_object" || type === "object";
  if (isClosed && isRecord(entries) && isRecord(value)) {
    for (const name of Object.keys(value)) {
      path.push(name);
      if (Object.hasOwn(entries, name)) {
        noteUnknownFields(entries[name], value[name], path, faults);
      } else {
        const known = Object.keys(entries).join(", ");
        faults.note(path, `unknown field; expected one of ${known}`);
      }
      path.pop();
    }
  } else if (type === "array" && Array.isArray(value)) {
    for (const [index, inner] of value.entries()) {
      path.push(String(index));
      noteUnknownFields(item, inner, path, faults);
      path.pop();
    }
  }
}

/** Without what says that it may be absent or null; of a table of our files, its keys. */
export function innermost(schema: unknown): Readonly<Record<string, unknown>> {
  let inner = isRecord(schema) ? schema : {};
  while (isRecord(inner["wrapped"])) inner = inner["wrapped"];
  const pipe = inner["pipe"];
  if (!Array.isArray(pipe) || inner["entries"] !== undefined) return inner;
  const table: unknown = pipe.find((step) => isRecord(step) && isRecord(step["entries"]));
  return isRecord(table) ? table : inner;
}
