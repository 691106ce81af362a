import type { RawCredential } from "../domain/credential.ts";
import { type CardFields, decodeCard, type WiegandFormat } from "../protocols/wiegand/format.ts";

/** A card as a reader sent it, and what is printed on it as far as any of the site's formats says. */
export interface ReadCard {
  readonly raw: RawCredential;
  readonly bitCount: number;
  /** Absent: no format of the site's has so many bits and a parity that holds. */
  readonly decoded?: { readonly format: string; readonly fields: CardFields };
  /** The number that people know the card by, or all of its data in hexadecimal digits. A secret. */
  readonly number: string;
}

/**
 * `readAs`: the format that the reader took it by, which is believed as far as it fits. Else the first
 * that fits: as at the reader, since formats of one length cannot be told apart by their bits.
 */
export function readCard(
  raw: RawCredential,
  formats: readonly WiegandFormat[],
  readAs?: string,
): ReadCard {
  const bits = bitsOf(raw);
  const inOrder = [...formats.filter(({ name }) => name === readAs), ...formats];
  for (const format of inOrder) {
    const fields = decodeCard(format, bits);
    if (!fields.ok) continue;
    const last = format.fields.at(-1);
    const number = last === undefined ? hexOf(raw) : String(fields.value[last.name]);
    const decoded = { format: format.name, fields: fields.value };
    return { raw, bitCount: bits.length, decoded, number };
  }
  return { raw, bitCount: bits.length, number: hexOf(raw) };
}

function bitsOf(raw: RawCredential): string {
  const bitCount = Number(raw.slice(0, raw.indexOf(":")));
  const digits = [...hexOf(raw)];
  const bits = digits.map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0"));
  return bits.join("").slice(-bitCount);
}

const hexOf = (raw: RawCredential): string => raw.slice(raw.indexOf(":") + 1);
