import { type RawCredential, rawFromBits } from "../../../domain/credential.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import {
  type CardFields,
  decodeCard,
  encodeCard,
  parseWiegandFormat,
  standardFormats,
  type WiegandFormat,
} from "../../../protocols/wiegand/format.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import type { Rows } from "./find-rows.ts";

export interface GivenCard {
  readonly format: string;
  readonly fields: CardFields;
  readonly raw: RawCredential;
  /** What is printed on it, without what all of a site's cards have in common. */
  readonly printed: string;
}

/**
 * A number and nothing else is a card of the one standard format that has a number and nothing else,
 * as long as the site does not say which of its cards are meant.
 */
export const usualCardFormat = "H10302";

/** The fact that says otherwise. */
export const usualFormatFact = "usual_card_format";

/** The standard formats and the site's own. */
export async function cardFormats(rows: Rows): Promise<readonly WiegandFormat[]> {
  const own = await rows
    .selectFrom("surroundings")
    .select("body")
    .where("kind", "=", "card_format")
    .orderBy("position")
    .execute();
  const parsed = own.flatMap(({ body }) => {
    const format = parseWiegandFormat(JSON.parse(body));
    return format.ok ? [format.value] : [];
  });
  return [...standardFormats, ...parsed];
}

/** `number`: the format's fields in their order, with colons between them: `12:34567`. */
export async function givenCard(
  rows: Rows,
  given: { readonly format: string | undefined; readonly number: string; readonly field: string },
): Promise<Result<GivenCard, ApiFault>> {
  const name = given.format ?? (await usualFormat(rows));
  const formats = await cardFormats(rows);
  const format = formats.find((candidate) => candidate.name === name);
  if (format === undefined) {
    const names = formats.map((candidate) => candidate.name).join(", ");
    return fail(inputFault({ card_format: [`expected one of ${names}`] }));
  }
  const values = given.number.split(":");
  if (values.length !== format.fields.length) {
    const names = format.fields.map((field) => field.name).join(":");
    return fail(inputFault({ [given.field]: [`expected ${names} of format ${name}`] }));
  }
  const fields: Record<string, number | string> = {};
  for (const [index, field] of format.fields.entries()) {
    const value = values[index] ?? "";
    // Number("") and Number(" 7") are numbers too; digits alone are meant.
    fields[field.name] = field.as === "number" && /^[0-9]+$/.test(value) ? Number(value) : value;
  }
  return encodedCard(format, fields, (field) => [
    given.field,
    format.fields.length === 1 ? "" : `${field}: `,
  ]);
}

/** `place`: which field of the input is at fault, and what to say before what was expected. */
export function encodedCard(
  format: WiegandFormat,
  fields: CardFields,
  place: (field: string) => readonly [field: string, before: string],
): Result<GivenCard, ApiFault> {
  const bits = encodeCard(format, fields);
  if (!bits.ok) {
    const [field, before] = place(bits.fault.field);
    return fail(inputFault({ [field]: [`expected ${before}${bits.fault.expected}`] }));
  }
  // As the door would print it: a serial number's digits in one case, whichever was given.
  const decoded = decodeCard(format, bits.value);
  const printed = decoded.ok ? decoded.value : fields;
  const last = format.fields.at(-1);
  return succeed({
    format: format.name,
    fields: printed,
    raw: rawFromBits(bits.value),
    printed: last === undefined ? "" : String(printed[last.name]),
  });
}

export async function usualFormat(rows: Rows): Promise<string> {
  const fact = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", usualFormatFact)
    .executeTakeFirst();
  return fact?.value ?? usualCardFormat;
}
