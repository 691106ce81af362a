import { Temporal } from "temporal-polyfill";
import * as v from "valibot";
import { type EpochMs, epochMs, epochMsMax } from "../../domain/time.ts";

/*
 * What routes' inputs are made of. Every message is what was expected, as it reads after that word.
 */

export const uuidText = v.pipe(
  v.string("a UUID"),
  v.uuid("a UUID"),
  // It is looked for as it is stored.
  v.toLowerCase(),
);

export const uuidList = v.pipe(
  v.array(uuidText, "a list of UUIDs"),
  v.maxLength(500, "at most 500 UUIDs"),
);

export const trueOrFalse = v.boolean("true or false");

export function textOf(most: number, expected = `a text of 1 to ${most} characters`) {
  return v.pipe(v.string(expected), v.minLength(1, expected), v.maxLength(most, expected));
}

/** A person's, a group's. Of nothing but spaces it would be shown as none. */
export const nameText = v.pipe(
  textOf(200, "a name of 1 to 200 characters"),
  v.check((text) => text.trim() !== "", "a name of 1 to 200 characters"),
);

/** As Seam's own description has it: what passes here passes at whoever reads our answers. */
const mailPattern =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;

export const mailText = v.pipe(
  textOf(254, "a mail address"),
  v.regex(mailPattern, "a mail address"),
);

export const phoneText = textOf(40, "a telephone number of 1 to 40 characters");

/** Seam takes numbers like it in a query, where they are text. */
export function countUpTo(most: number) {
  const expected = `a whole number from 1 to ${most}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(1, expected),
    v.maxValue(most, expected),
  );
}

export const instantExpectation =
  "a date and time of ISO 8601 with its offset, such as 2026-12-31T18:00:00Z";

const instantPattern =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)$/i;

/** An offset must be said: a caller's clock may be in another zone than the site's. */
export const instantText = v.pipe(
  v.string(instantExpectation),
  v.regex(instantPattern, instantExpectation),
  v.metadata({ format: "date-time" }),
  v.transform(instantOf),
  v.check((at): at is EpochMs => at !== undefined, instantExpectation),
  v.transform((at) => at ?? epochMs(0)),
);

function instantOf(text: string): EpochMs | undefined {
  try {
    const at = Temporal.Instant.from(text).epochMilliseconds;
    return at >= 0 && at <= epochMsMax ? epochMs(at) : undefined;
  } catch {
    return undefined;
  }
}
