import * as v from "valibot";
import { idExpectation, isId } from "../../domain/ids.ts";

/*
 * Valibot schemas for what stands in our files. Every message is what was expected, as it reads
 * after that word: "expected a whole number from 0 to 5". Nothing here transforms, so that a value out
 * of its bounds does not keep the rest of the file from being looked at.
 */

/**
 * A table with these keys and no others. The keys that it does not know are for `readToml` to name,
 * all of them: valibot's own strict object names the first and then gives up on the table.
 */
export function tomlTable<const Entries extends v.ObjectEntries>(entries: Entries) {
  // Valibot takes lists and dates for objects too.
  return v.pipe(aTable, v.object(entries, missingKey(entries)));
}

/** A table with these keys and any number of others, each as `rest` says. */
export function openTable<
  const Entries extends v.ObjectEntries,
  const Rest extends v.GenericSchema,
>(entries: Entries, rest: Rest) {
  return v.pipe(aTable, v.objectWithRest(entries, rest, missingKey(entries)));
}

const aTable = v.custom<Readonly<Record<string, unknown>>>(isTable, "a table");

/** Of a key that is not there is expected what is expected of its value. */
function missingKey(entries: v.ObjectEntries): v.ErrorMessage<v.BaseIssue<unknown>> {
  return (issue) => {
    const key = String(issue.path?.[0].key);
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
    const message: unknown = entry !== undefined && "message" in entry ? entry.message : undefined;
    return typeof message === "string" ? message : "a value";
  };
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

export function listOf<const Item extends v.GenericSchema>(item: Item, what: string) {
  return v.array(item, `a list of ${what}`);
}

export function filledListOf<const Item extends v.GenericSchema>(item: Item, what: string) {
  const expected = `a list of one ${what} or more`;
  return v.pipe(v.array(item, expected), v.minLength(1, expected));
}

export function wholeNumber(bounds: { readonly min: number; readonly max: number }) {
  const expected = `a whole number from ${bounds.min} to ${bounds.max}`;
  return v.pipe(
    v.number(expected),
    v.check(
      (value) => Number.isInteger(value) && value >= bounds.min && value <= bounds.max,
      expected,
    ),
    // For descriptions that are made from schemas: what a check looks at, they cannot see.
    v.metadata({ type: "integer", minimum: bounds.min, maximum: bounds.max }),
  );
}

export function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, `one of ${options.map((option) => `"${option}"`).join(", ")}`);
}

export function textLike(accepts: (text: string) => boolean, expected: string) {
  return v.pipe(v.string(expected), v.check(accepts, expected));
}

export const yesOrNo = v.boolean("true or false");

export const idText = textLike(isId, idExpectation);

/** A path may hold anything but what would end it early, in the system or on a terminal. */
export const pathText = textLike((text) => /^\P{Cc}+$/u.test(text), "a path");

/** A port that something can be reached at, or listened to on. */
export const portNumber = wholeNumber({ min: 1, max: 65_535 });
