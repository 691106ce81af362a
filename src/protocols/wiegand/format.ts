import * as v from "valibot";
import { rawBitsMax } from "../../domain/credential.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";

/**
 * How a run of bits on D0 and D1 is a card: pure data, so that a site can add one. Bits count from
 * 0 in wire order; manuals count from 1. Each bit belongs to exactly one field or is one parity
 * bit.
 */
export interface WiegandFormat {
  readonly name: string;
  readonly bitCount: number;
  readonly fields: readonly WiegandField[];
  /** In the order in which an encoder sets them: one that covers another comes after it. */
  readonly parity: readonly WiegandParity[];
}

/** MSB first. `hex` is for serial numbers, whose leading zeros and length are part of them. */
export interface WiegandField {
  readonly name: string;
  readonly firstBit: number;
  readonly bitCount: number;
  readonly as: "number" | "hex";
}

/** The ones among `covers` and `bit` together count to an even or odd number. */
export interface WiegandParity {
  readonly bit: number;
  /** Without `bit` itself. */
  readonly covers: readonly number[];
  readonly sense: "even" | "odd";
}

/** A card's fields by name: numbers, or lower-case hex of fixed length. */
export type CardFields = Readonly<Record<string, number | string>>;

export interface FieldFault {
  readonly field: string;
  readonly expected: string;
}

/** Shorter runs cannot be told from the bursts of a keypad that somebody types quickly on. */
export const wiegandBitsMin = 16;

const bitsFrom = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Corporate 1000 leaves every third bit out of each of its two interleaved parities. */
const bitsExceptEveryThird = (first: number, last: number, left: number): readonly number[] =>
  bitsFrom(first, last).filter((bit) => bit % 3 !== left);

const numberField = (name: string, firstBit: number, bitCount: number): WiegandField => ({
  name,
  firstBit,
  bitCount,
  as: "number",
});

/** A serial number alone carries no parity: only its length tells a whole one from a cut one. */
const serialNumber = (bitCount: number): WiegandFormat => ({
  name: `CSN${bitCount}`,
  bitCount,
  fields: [{ name: "uid", firstBit: 0, bitCount, as: "hex" }],
  parity: [],
});

/** 37 bits share bit 18 (19 in manuals) between the two parities; both formats of HID do so. */
const parity37: readonly WiegandParity[] = [
  { bit: 0, covers: bitsFrom(1, 18), sense: "even" },
  { bit: 36, covers: bitsFrom(18, 35), sense: "odd" },
];

/**
 * Masks as published by HID ("Understanding Card Data Formats") and as the Proxmark3 client packs
 * them (client/src/wiegand_formats.c); test/vectors/wiegand.json cites a frame of each.
 */
export const standardFormats: readonly WiegandFormat[] = [
  {
    name: "H10301",
    bitCount: 26,
    fields: [numberField("facility", 1, 8), numberField("number", 9, 16)],
    parity: [
      { bit: 0, covers: bitsFrom(1, 12), sense: "even" },
      { bit: 25, covers: bitsFrom(13, 24), sense: "odd" },
    ],
  },
  {
    name: "H10306",
    bitCount: 34,
    fields: [numberField("facility", 1, 16), numberField("number", 17, 16)],
    parity: [
      { bit: 0, covers: bitsFrom(1, 16), sense: "even" },
      { bit: 33, covers: bitsFrom(17, 32), sense: "odd" },
    ],
  },
  {
    name: "H10302",
    bitCount: 37,
    fields: [numberField("number", 1, 35)],
    parity: parity37,
  },
  {
    name: "H10304",
    bitCount: 37,
    fields: [numberField("facility", 1, 16), numberField("number", 17, 19)],
    parity: parity37,
  },
  {
    name: "C1000-35",
    bitCount: 35,
    fields: [numberField("facility", 2, 12), numberField("number", 14, 20)],
    parity: [
      { bit: 1, covers: bitsExceptEveryThird(2, 33, 1), sense: "even" },
      { bit: 34, covers: bitsExceptEveryThird(1, 33, 0), sense: "odd" },
      { bit: 0, covers: bitsFrom(1, 34), sense: "odd" },
    ],
  },
  {
    name: "C1000-48",
    bitCount: 48,
    fields: [numberField("facility", 2, 22), numberField("number", 24, 23)],
    parity: [
      { bit: 1, covers: bitsExceptEveryThird(2, 46, 2), sense: "even" },
      { bit: 47, covers: bitsExceptEveryThird(2, 46, 1), sense: "odd" },
      { bit: 0, covers: bitsFrom(1, 47), sense: "odd" },
    ],
  },
  serialNumber(32),
  serialNumber(56),
  serialNumber(80),
];

/**
 * Does `bits`, of the format's length, satisfy every parity? `bits` is `0` and `1`, first first.
 */
export function parityHolds(format: WiegandFormat, bits: string): boolean {
  return format.parity.every(
    (parity) => parityBit(parity, (bit) => bits[bit] === "1") === (bits[parity.bit] === "1"),
  );
}

/** What `parity.bit` must be. */
function parityBit(parity: WiegandParity, isSet: (bit: number) => boolean): boolean {
  let odd = false;
  for (const bit of parity.covers) {
    if (isSet(bit)) odd = !odd;
  }
  return parity.sense === "even" ? odd : !odd;
}

/** The frame that a card with these fields sends; a fault names the first field that cannot be. */
export function encodeCard(format: WiegandFormat, fields: CardFields): Result<string, FieldFault> {
  const unknown = Object.keys(fields).find(
    (name) => !format.fields.some((field) => field.name === name),
  );
  if (unknown !== undefined) {
    const names = format.fields.map((field) => field.name).join(", ");
    return fail({ field: unknown, expected: `one of ${format.name}'s fields: ${names}` });
  }
  const bits = new Array<string>(format.bitCount).fill("0");
  for (const field of format.fields) {
    const value = Object.hasOwn(fields, field.name) ? fields[field.name] : undefined;
    const encoded = encodeField(field, value);
    if (encoded === undefined) return fail({ field: field.name, expected: expectation(field) });
    for (let index = 0; index < field.bitCount; index += 1) {
      bits[field.firstBit + index] = encoded[index] ?? "0";
    }
  }
  for (const parity of format.parity) {
    bits[parity.bit] = parityBit(parity, (bit) => bits[bit] === "1") ? "1" : "0";
  }
  return succeed(bits.join(""));
}

function encodeField(field: WiegandField, value: number | string | undefined): string | undefined {
  if (field.as === "number") {
    const fits = Number.isInteger(value) && Number(value) >= 0;
    if (typeof value !== "number" || !fits || value >= 2 ** field.bitCount) return undefined;
    return value.toString(2).padStart(field.bitCount, "0");
  }
  if (typeof value !== "string" || value.length !== field.bitCount / 4) return undefined;
  if (!/^[0-9a-f]+$/i.test(value)) return undefined;
  return BigInt(`0x${value}`).toString(2).padStart(field.bitCount, "0");
}

function expectation(field: WiegandField): string {
  return field.as === "number"
    ? `a whole number from 0 to ${2 ** field.bitCount - 1}`
    : `${field.bitCount / 4} hexadecimal digits`;
}

/** `bits` is `0` and `1`, first bit on the wire first. */
export function decodeCard(
  format: WiegandFormat,
  bits: string,
): Result<CardFields, "length" | "parity"> {
  if (bits.length !== format.bitCount) return fail("length");
  if (!parityHolds(format, bits)) return fail("parity");
  const fields: Record<string, number | string> = {};
  for (const field of format.fields) {
    const part = bits.slice(field.firstBit, field.firstBit + field.bitCount);
    fields[field.name] =
      field.as === "number"
        ? Number.parseInt(part, 2)
        : BigInt(`0b${part}`)
            .toString(16)
            .padStart(field.bitCount / 4, "0");
  }
  return succeed(fields);
}

const bitIndex = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(rawBitsMax - 1));
const label = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/));

const formatSchema = v.strictObject({
  name: label,
  bitCount: v.pipe(v.number(), v.integer(), v.minValue(wiegandBitsMin), v.maxValue(rawBitsMax)),
  fields: v.pipe(
    v.array(
      v.strictObject({
        name: label,
        firstBit: bitIndex,
        bitCount: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(rawBitsMax)),
        as: v.picklist(["number", "hex"]),
      }),
    ),
    v.minLength(1),
  ),
  parity: v.array(
    v.strictObject({
      bit: bitIndex,
      covers: v.pipe(v.array(bitIndex), v.minLength(1)),
      sense: v.picklist(["even", "odd"]),
    }),
  ),
});

/**
 * A format that a site adds, from outside. A fault's `field` is a path such as `parity.0.covers`.
 * What passes here round-trips: every bit is accounted for once, every parity can be computed.
 */
export function parseWiegandFormat(value: unknown): Result<WiegandFormat, FieldFault> {
  const parsed = v.safeParse(formatSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return fail({ field: v.getDotPath(issue) ?? "format", expected: issue.message });
  }
  const fault = fieldFault(parsed.output) ?? parityFault(parsed.output) ?? bitFault(parsed.output);
  return fault === undefined ? succeed(parsed.output) : fail(fault);
}

function fieldFault(format: WiegandFormat): FieldFault | undefined {
  const names = new Set<string>();
  for (const [index, field] of format.fields.entries()) {
    const at = `fields.${index}`;
    if (names.has(field.name)) return { field: `${at}.name`, expected: "a name not used before" };
    names.add(field.name);
    if (field.firstBit + field.bitCount > format.bitCount) {
      return { field: at, expected: `bits within the format's ${format.bitCount}` };
    }
    // Beyond 53 bits two different numbers would read as the same one.
    if (field.as === "number" && field.bitCount > 53) {
      return { field: `${at}.bitCount`, expected: "at most 53 for a number; use hex" };
    }
    if (field.as === "hex" && field.bitCount % 4 !== 0) {
      return { field: `${at}.bitCount`, expected: "a multiple of 4 for hex" };
    }
  }
  return undefined;
}

function parityFault(format: WiegandFormat): FieldFault | undefined {
  for (const [index, parity] of format.parity.entries()) {
    const at = `parity.${index}`;
    if (parity.bit >= format.bitCount) {
      return { field: `${at}.bit`, expected: `a bit within the format's ${format.bitCount}` };
    }
    const covers = new Set(parity.covers);
    if (covers.size !== parity.covers.length || covers.has(parity.bit)) {
      return { field: `${at}.covers`, expected: "each bit once, and not the parity bit itself" };
    }
    if (parity.covers.some((bit) => bit >= format.bitCount)) {
      return { field: `${at}.covers`, expected: `bits within the format's ${format.bitCount}` };
    }
    // Setting a later parity bit would break this one again.
    if (format.parity.slice(index + 1).some((later) => covers.has(later.bit))) {
      return { field: `${at}.covers`, expected: "no parity bit that comes later in the list" };
    }
  }
  return undefined;
}

/** A bit in two places could not be encoded; a bit in none would be lost in decoding. */
function bitFault(format: WiegandFormat): FieldFault | undefined {
  const uses = new Array<number>(format.bitCount).fill(0);
  const use = (bit: number) => {
    uses[bit] = (uses[bit] ?? 0) + 1;
  };
  for (const field of format.fields) {
    for (let bit = 0; bit < field.bitCount; bit += 1) use(field.firstBit + bit);
  }
  for (const parity of format.parity) use(parity.bit);
  const bit = uses.findIndex((count) => count !== 1);
  if (bit === -1) return undefined;
  return { field: "fields", expected: `bit ${bit} in exactly one field or as one parity bit` };
}
