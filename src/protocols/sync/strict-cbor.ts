import { decode, encode } from "cborg";
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
  try {
    return succeed(
      decode(bytes, {
        strict: true,
        allowIndefinite: false,
        allowUndefined: false,
        allowBigInt: false,
        allowInfinity: false,
        allowNaN: false,
        rejectDuplicateMapKeys: true,
      }),
    );
  } catch (error) {
    // Nesting deep enough to exhaust the stack ends here too, as a RangeError.
    return fail(error instanceof Error ? error.message.slice(0, 200) : "not CBOR");
  }
}
