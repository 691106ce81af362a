/** Many sites' identifiers are UUIDs; of the 36 characters 16 bytes say all. */
export const packedUuidBytes = 16;
export const spelledUuidChars = 36;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const hexDigits = new TextEncoder().encode("0123456789abcdef");
const dash = 45;

/**
 * The bytes of a UUID in its lower-case form, or undefined for any other text: the other forms would
 * come back altered. Bytes sort as the texts do.
 */
export function packUuid(text: string): Uint8Array | undefined {
  if (text.length !== spelledUuidChars || !uuidPattern.test(text)) return undefined;
  const digits = text.replaceAll("-", "");
  return Uint8Array.from({ length: packedUuidBytes }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  );
}

/** Puts the characters in place of the bytes, from the last on so that none is written over unread. */
export function spellUuid(spelling: Uint8Array): void {
  let into = spelledUuidChars;
  for (let at = packedUuidBytes - 1; at >= 0; at -= 1) {
    const byte = spelling[at] ?? 0;
    into -= 2;
    spelling[into + 1] = hexDigits[byte & 15] ?? 0;
    spelling[into] = hexDigits[byte >>> 4] ?? 0;
    if (at === 4 || at === 6 || at === 8 || at === 10) {
      into -= 1;
      spelling[into] = dash;
    }
  }
}
