import { type PinDigest, pinDigitsMax, pinDigitsMin } from "../../../domain/credential.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { WiegandFormat } from "../../../protocols/wiegand/format.ts";
import { drawnCode, type ImportedPass } from "./import-schema.ts";
import { type CardColumns, importedCard } from "./imported-card.ts";

/** What a pass is known by, and what is presented at a reader. */
export type PresentedPass =
  | { readonly as: "card"; readonly card: CardColumns }
  | { readonly as: "pin"; readonly digits: string; readonly digest: PinDigest }
  /** A PIN that is to be drawn, where the user has none. */
  | { readonly as: "drawn" };

export interface PassFault {
  readonly field: "card_format" | "card_number" | "code";
  readonly expected: string;
}

export interface PassReading {
  readonly formats: ReadonlyMap<string, WiegandFormat>;
  readonly digestPin: (digits: string) => PinDigest;
}

export function presentedPass(
  { code, card_format: format, card_number: number }: ImportedPass,
  { formats, digestPin }: PassReading,
): Result<PresentedPass, PassFault> {
  if (code === undefined) {
    if (format === undefined || number === undefined) {
      const field = number === undefined ? "card_number" : "card_format";
      return fail({ field, expected: "expected this field, or a code" });
    }
    const card = importedCard(formats, { format, number });
    return card.ok ? succeed({ as: "card", card: card.value }) : card;
  }
  if (format !== undefined || number !== undefined) {
    return fail({ field: "code", expected: "expected a code or a card, not both" });
  }
  if (code === drawnCode) return succeed({ as: "drawn" });
  if (code.length < pinDigitsMin || code.length > pinDigitsMax) {
    const expected = `expected ${pinDigitsMin} to ${pinDigitsMax} digits, or "${drawnCode}"`;
    return fail({ field: "code", expected });
  }
  return succeed({ as: "pin", digits: code, digest: digestPin(code) });
}
