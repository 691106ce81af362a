import type { PassRecord } from "../../domain/access.ts";
import {
  type PinDigest,
  phoneCredential,
  phoneKeyBytes,
  phonePrefix,
  pinDigest,
  type RawCredential,
  rawBitsMax,
  rawCredential,
} from "../../domain/credential.ts";

/**
 * What a presentation is looked up by, as bytes: `[kind, data...]`. The kind of a PIN digest is 0,
 * that of a card its bit count and that of a phone 129, so two presentations of different kinds never
 * compare equal, and all keys of one kind are equally long.
 */
export type KeyKind = number;

export const pinKeyKind: KeyKind = 0;
const phoneKeyKind: KeyKind = rawBitsMax + 1;
export const keyKindCount = rawBitsMax + 2;
/** All there were, before phones. */
const keyKindCountWithoutPhones = rawBitsMax + 1;
export const notAKey = -1;

const pinDigestBytes = 16;

/**
 * Of how many kinds an image with these counts says how many keys there are. One content has one image,
 * and one without phones is to the byte what controllers of before phones know.
 */
export function countedKinds(keyCounts: Uint32Array): number {
  return (keyCounts[phoneKeyKind] ?? 0) > 0 ? keyKindCount : keyKindCountWithoutPhones;
}

/** The kind's own byte not included. */
export function keyDataBytes(kind: KeyKind): number {
  if (kind === pinKeyKind) return pinDigestBytes;
  return kind === phoneKeyKind ? phoneKeyBytes : (kind + 7) >>> 3;
}

/** Room for the longest key. */
export function newKeyBuffer(): Uint8Array {
  return new Uint8Array(1 + Math.max(pinDigestBytes, phoneKeyBytes, keyDataBytes(rawBitsMax)));
}

/** As `writeRawKey` and `writePinKey`, of whichever a pass presents. */
export function writePresentedKey(presents: PassRecord["presents"], into: Uint8Array): KeyKind {
  return presents.as === "raw"
    ? writeRawKey(presents.raw, into)
    : writePinKey(presents.digest, into);
}

/** What a pass with this key presents. */
export function presentedBy(kind: KeyKind, key: Uint8Array): PassRecord["presents"] {
  let hex = "";
  for (let at = 1; at <= keyDataBytes(kind); at += 1) {
    hex += (key[at] ?? 0).toString(16).padStart(2, "0");
  }
  if (kind === pinKeyKind) return { as: "pin", digest: pinDigest(hex) };
  if (kind === phoneKeyKind) return { as: "raw", raw: phoneCredential(hex) };
  // Of an odd number of digits the first byte holds one.
  const digits = hex.slice(hex.length - Math.ceil(kind / 4));
  return { as: "raw", raw: rawCredential(`${kind}:${digits}`) };
}

/**
 * Writes the key of a card or phone over `into`; returns its kind, or `notAKey` where no pass can
 * have it.
 */
export function writeRawKey(raw: RawCredential, into: Uint8Array): KeyKind {
  if (raw.startsWith(phonePrefix)) {
    return writeHex(raw, phonePrefix.length, phoneKeyKind, phoneKeyBytes * 2, into);
  }
  let bitCount = 0;
  let at = 0;
  for (; at < 4; at += 1) {
    const digit = raw.charCodeAt(at) - 48;
    // Anything else than a digit, the colon included, ends the bit count.
    if (!(digit >= 0 && digit <= 9)) break;
    bitCount = bitCount * 10 + digit;
  }
  const isCanonical = raw.charCodeAt(0) !== 48 && raw.charCodeAt(at) === 58;
  if (!isCanonical || bitCount === 0 || bitCount > rawBitsMax) return notAKey;
  return writeHex(raw, at + 1, bitCount, (bitCount + 3) >>> 2, into);
}

/** As `writeRawKey`, for a PIN. */
export function writePinKey(digest: PinDigest, into: Uint8Array): KeyKind {
  return writeHex(digest, 0, pinKeyKind, pinDigestBytes * 2, into);
}

function writeHex(
  text: string,
  from: number,
  kind: KeyKind,
  digitCount: number,
  into: Uint8Array,
): KeyKind {
  if (text.length !== from + digitCount) return notAKey;
  into[0] = kind;
  let byte = 0;
  let next = 1;
  for (let index = 0; index < digitCount; index += 1) {
    const digit = hexDigit(text.charCodeAt(from + index));
    if (digit < 0) return notAKey;
    byte = (byte << 4) | digit;
    // An odd number of digits leaves the first byte with one.
    if (((digitCount - index) & 1) === 1) {
      into[next] = byte;
      next += 1;
      byte = 0;
    }
  }
  return kind;
}

/** Lower case only: the canonical form is the one that a site may sign. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}
