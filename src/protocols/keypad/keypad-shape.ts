import type { FrameShape } from "../wiegand/frame-decoder.ts";
import { type BurstKeypad, burstBits, decodeKey } from "./key-burst.ts";
import { decodePinFrame, pinFrameBits } from "./pin-frame.ts";

export type KeypadShape = FrameShape &
  (
    | { readonly kind: "key"; readonly keypad: BurstKeypad }
    | { readonly kind: "pin"; readonly keypad: "pin_26" }
  );

/** Frames of one kind of keypad. */
export function keypadShape(keypad: BurstKeypad | "pin_26"): KeypadShape {
  if (keypad === "pin_26") {
    return {
      kind: "pin",
      keypad,
      bitCount: pinFrameBits,
      checked: true,
      accepts: (bits) => decodePinFrame(bits) !== undefined,
    };
  }
  return {
    kind: "key",
    keypad,
    bitCount: burstBits[keypad],
    checked: keypad === "burst_8",
    accepts: (bits) => decodeKey(keypad, bits) !== undefined,
  };
}
