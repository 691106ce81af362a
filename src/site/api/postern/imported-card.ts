import { parseRawCredential } from "../../../domain/credential.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { WiegandFormat } from "../../../protocols/wiegand/format.ts";
import { readCard } from "../../read-card.ts";
import type { PassRow } from "../../store/store-schema.ts";
import { encodedCard } from "../acs/given-card.ts";
import { cardName } from "../acs/pass-name.ts";
import { rawFormat } from "./import-schema.ts";

export type CardColumns = Pick<PassRow, "displayName" | "cardFormat" | "cardFields"> & {
  readonly raw: string;
};

export interface CardFault {
  readonly field: "card_format" | "card_number";
  readonly expected: string;
}

/** What a row has of a card that is given by its format and number, or by its raw data. */
export function importedCard(
  formats: ReadonlyMap<string, WiegandFormat>,
  { format: name, number }: { readonly format: string; readonly number: string },
): Result<CardColumns, CardFault> {
  if (name === rawFormat) return rawCard(formats, number);
  const format = formats.get(name);
  if (format === undefined) {
    const names = [...formats.keys(), rawFormat].join(", ");
    return fail({ field: "card_format", expected: `expected one of ${names}` });
  }
  const values = number.split(":");
  if (values.length !== format.fields.length) {
    const names = format.fields.map((field) => field.name).join(":");
    return fail({ field: "card_number", expected: `expected ${names} of format ${name}` });
  }
  const fields = new Map<string, number | string>();
  for (const [index, field] of format.fields.entries()) {
    const value = values[index] ?? "";
    const isNumber = field.as === "number" && /^[0-9]+$/.test(value);
    fields.set(field.name, isNumber ? Number(value) : value);
  }
  const card = encodedCard(format, Object.fromEntries(fields), (field) => [
    "card_number",
    format.fields.length === 1 ? "" : `${field}: `,
  ]);
  if (!card.ok) {
    const [expected = card.fault.message] = card.fault.fields?.["card_number"] ?? [];
    return fail({ field: "card_number", expected });
  }
  const { raw, fields: printed, printed: text } = card.value;
  const cardFields = JSON.stringify(printed);
  return succeed({ raw, cardFormat: name, cardFields, displayName: cardName(text) });
}

function rawCard(
  formats: ReadonlyMap<string, WiegandFormat>,
  number: string,
): Result<CardColumns, CardFault> {
  const raw = parseRawCredential(number.toLowerCase());
  if (!raw.ok) return fail({ field: "card_number", expected: `expected ${raw.fault}` });
  const card = readCard(raw.value, [...formats.values()]);
  return succeed({
    raw: raw.value,
    cardFormat: card.decoded?.format ?? null,
    cardFields: card.decoded === undefined ? null : JSON.stringify(card.decoded.fields),
    displayName: cardName(card.number),
  });
}
