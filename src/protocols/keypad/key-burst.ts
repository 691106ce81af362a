/** `*` and `#` are ESC and ENT on keypads that print them so. */
export type KeypadKey = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#";

/**
 * One frame per key: `burst_4` is the key's nibble, `burst_8` its complement and then the nibble.
 */
export type BurstKeypad = "burst_4" | "burst_8";

/** The nibble that each key sends is its place here; 12-15 are no key. */
const keys: readonly KeypadKey[] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];

export const burstBits: Readonly<Record<BurstKeypad, number>> = { burst_4: 4, burst_8: 8 };

const nibbleBits = (nibble: number): string => nibble.toString(2).padStart(4, "0");

/** The bits of one key press, first on the wire first. */
export function encodeKey(keypad: BurstKeypad, key: KeypadKey): string {
  const nibble = keys.indexOf(key);
  return keypad === "burst_4" ? nibbleBits(nibble) : nibbleBits(15 - nibble) + nibbleBits(nibble);
}

/**
 * Undefined: not of the burst's length, a complement that does not fit, or a nibble without key.
 */
export function decodeKey(keypad: BurstKeypad, bits: string): KeypadKey | undefined {
  if (bits.length !== burstBits[keypad] || !/^[01]+$/.test(bits)) return undefined;
  const nibble = Number.parseInt(bits.slice(-4), 2);
  if (keypad === "burst_8" && Number.parseInt(bits.slice(0, 4), 2) !== 15 - nibble) {
    return undefined;
  }
  return keys[nibble];
}
