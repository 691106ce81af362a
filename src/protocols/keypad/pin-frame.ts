import { pinDigitsMin } from "../../domain/credential.ts";

/**
 * The whole PIN in one 26-bit frame, laid out and checked as an H10301 card with the PIN as its
 * number. The keypad's facility code is its own setting and no part of the PIN.
 */
export const pinFrameBits = 26;

/** What the keypad sends for an entry that does not fit: too many digits, or too large. */
const errorMarker = 65_535;

export type PinFrame =
  | { readonly kind: "pin"; readonly digits: string }
  /** The keypad could not send what was typed. */
  | { readonly kind: "entry_error" };

const onesIn = (bits: string): number => bits.replaceAll("0", "").length;

/**
 * `digits` as typed before `#`; one that does not fit becomes the error marker, as in the field.
 */
export function encodePinFrame(digits: string): string {
  const typed = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : errorMarker;
  const payload = Math.min(typed, errorMarker).toString(2).padStart(24, "0");
  const even = onesIn(payload.slice(0, 12)) % 2;
  const odd = 1 - (onesIn(payload.slice(12)) % 2);
  return `${even}${payload}${odd}`;
}

/**
 * Undefined: not 26 bits, or bad parity. The number has lost the PIN's leading zeros: they are put
 * back up to the shortest PIN there is, so `0042` works and `00042` cannot.
 */
export function decodePinFrame(bits: string): PinFrame | undefined {
  if (bits.length !== pinFrameBits || !/^[01]+$/.test(bits)) return undefined;
  if (onesIn(bits.slice(0, 13)) % 2 !== 0 || onesIn(bits.slice(13)) % 2 !== 1) return undefined;
  const pin = Number.parseInt(bits.slice(9, 25), 2);
  return pin === errorMarker
    ? { kind: "entry_error" }
    : { kind: "pin", digits: String(pin).padStart(pinDigitsMin, "0") };
}
