import { phoneCredential, type RawCredential, rawFromBits } from "../../domain/credential.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type CardFields, encodeCard, type WiegandFormat } from "../wiegand/format.ts";
import type { CardArgument, LocalFault } from "./local-message.ts";

/**
 * The raw data that a card or phone described on a command line would send. The controller does this and not
 * the command, because a site may have added formats of its own.
 */
export function presentedCard(
  formats: readonly WiegandFormat[],
  card: CardArgument,
): Result<RawCredential, LocalFault> {
  if ("bits" in card) return succeed(rawFromBits(card.bits));
  if ("phone" in card) return succeed(phoneCredential(card.phone));
  const format = formats.find(({ name }) => name === card.format);
  if (format === undefined) {
    const names = formats.map(({ name }) => name).join(", ");
    return fail(badField("format", `one of ${names}`));
  }
  const fields = "fields" in card ? succeed(card.fields) : fieldsInOrder(format, card.values);
  if (!fields.ok) return fields;
  const encoded = encodeCard(format, fields.value);
  if (encoded.ok) return succeed(rawFromBits(encoded.value));
  return fail(badField(encoded.fault.field, encoded.fault.expected));
}

function fieldsInOrder(
  format: WiegandFormat,
  values: readonly string[],
): Result<CardFields, LocalFault> {
  const names = format.fields.map(({ name }) => name);
  if (values.length !== names.length) {
    return fail(badField("values", `${format.name}:${names.join(":")}`));
  }
  const fields: Record<string, number | string> = {};
  for (const [index, field] of format.fields.entries()) {
    const value = values[index] ?? "";
    // Number("") and Number(" 7") are numbers too; digits alone are meant.
    fields[field.name] = field.as === "number" && /^[0-9]+$/.test(value) ? Number(value) : value;
  }
  return succeed(fields);
}

function badField(name: string, expected: string): LocalFault {
  const field = `args.card.${name}`;
  return { code: "bad_request", message: `${field}: expected ${expected}`, field };
}
