import { parityHolds, type WiegandFormat } from "./format.ts";
import type { FrameShape } from "./frame-decoder.ts";

export interface CardShape extends FrameShape {
  readonly kind: "card";
  readonly format: WiegandFormat;
}

/** Frames of one card format. */
export function cardShape(format: WiegandFormat): CardShape {
  return {
    kind: "card",
    format,
    bitCount: format.bitCount,
    checked: format.parity.length > 0,
    accepts: (bits) => parityHolds(format, bits),
  };
}
