import { decode, decodeFirst, encode } from "cborg";
import { fail, type Result, succeed } from "../../domain/result.ts";

/** Deterministic: equal values give equal bytes. Properties that are undefined are left out. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value, { ignoreUndefinedProperties: true });
}

/**
 * Decodes one value that fills `bytes` exactly. Whatever would let two encodings mean the same, or
 * one encoding mean two things, is refused: long forms, indefinite lengths, repeated keys, tags,
 * undefined, trailing bytes. The fault is a sentence for people.
 */
export function decodeCbor(bytes: Uint8Array): Result<unknown, string> {
  return attempt((): unknown => decode(bytes, strictness));
}

/** As `decodeCbor`, for the first of several values in a row; what follows it is not looked at. */
export function decodeFirstCbor(
  bytes: Uint8Array,
): Result<{ readonly value: unknown; readonly rest: Uint8Array }, string> {
  return attempt(() => {
    const [value, rest] = decodeFirst(bytes, strictness) as [unknown, Uint8Array];
    return { value, rest };
  });
}

const strictness = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  allowInfinity: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
} as const;

function attempt<Value>(decodeIt: () => Value): Result<Value, string> {
  try {
    return succeed(decodeIt());
  } catch (error) {
    // Nesting deep enough to exhaust the stack ends here too, as a RangeError.
    return fail(error instanceof Error ? error.message.slice(0, 200) : "not CBOR");
  }
}
