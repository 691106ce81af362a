import { fail, type Result, succeed } from "./result.ts";

declare const brand: unique symbol;

/**
 * The full raw data of a card as the reader sent it: `<bit count>:<bits as lower-case hex, MSB
 * first, zero-padded on the left to whole digits>`, e.g. `26:0190e0f`; or a phone, see
 * `phoneCredential`. Length is part of the identity, so a 4-byte and a 7-byte serial number never
 * compare equal (behaviour 7). A secret: it is what a cloner of cards needs, so it goes into no log,
 * event or message that is not encrypted.
 */
export type RawCredential = string & { readonly [brand]: "raw" };

/** The longest presentation that any supported format has: a 10-byte UID with room to spare. */
export const rawBitsMax = 128;

export const rawCredential = (text: string): RawCredential => text as RawCredential;

/** `bits` is a string of `0` and `1`, first bit on the wire first. */
export function rawFromBits(bits: string): RawCredential {
  const digitCount = Math.ceil(bits.length / 4);
  const padded = bits.padStart(digitCount * 4, "0");
  let hex = "";
  for (let index = 0; index < padded.length; index += 4) {
    hex += Number.parseInt(padded.slice(index, index + 4), 2).toString(16);
  }
  return rawCredential(`${bits.length}:${hex}`);
}

export const phonePrefix = "phone:";
/** The first so many of SHA-256 over a phone's P-256 public key, compressed. */
export const phoneKeyBytes = 16;
const phonePattern = /^phone:[0-9a-f]{32}$/;

/**
 * What a phone presents: `phone:` and those bytes, in hex digits. No card is ever read as one, whatever its bits, so
 * that only a signature by the phone's key can present it.
 */
export const phoneCredential = (keyDigest: string): RawCredential =>
  rawCredential(`${phonePrefix}${keyDigest}`);

export const isPhoneCredential = (raw: RawCredential): boolean => phonePattern.test(raw);

/** For what a phone presents, from outside. Accepts the canonical form only. */
export function parsePhoneCredential(text: string): Result<RawCredential, string> {
  return phonePattern.test(text)
    ? succeed(rawCredential(text))
    : fail("phone:<32 digits of lower-case hex>");
}

/** For the raw data of a card from outside: a message, a file. Accepts the canonical form only. */
export function parseRawCredential(text: string): Result<RawCredential, string> {
  const match = /^([1-9][0-9]{0,2}):([0-9a-f]+)$/.exec(text);
  const bitCount = Number(match?.[1]);
  const hex = match?.[2] ?? "";
  if (match === null || bitCount > rawBitsMax || hex.length !== Math.ceil(bitCount / 4)) {
    return fail(`<bit count 1-${rawBitsMax}>:<that many bits in lower-case hex>`);
  }
  const spareBits = hex.length * 4 - bitCount;
  if (Number.parseInt(hex.slice(0, 1), 16) >>> (4 - spareBits) !== 0) {
    return fail("no bit set beyond the bit count");
  }
  return succeed(rawCredential(text));
}

/**
 * 32 hex digits: the first 16 bytes of HMAC-SHA-256(the site's PIN key, the PIN's ASCII digits).
 * Tables, journals and memory hold this and never the PIN.
 */
export type PinDigest = string & { readonly [brand]: "pin" };

export const pinDigest = (hex: string): PinDigest => hex as PinDigest;

export const pinDigitsMin = 4;
export const pinDigitsMax = 9;
