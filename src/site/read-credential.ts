import { isPhoneCredential, type RawCredential } from "../domain/credential.ts";
import type { WiegandFormat } from "../protocols/wiegand/format.ts";
import { cardName, phoneName } from "./api/acs/pass-name.ts";
import { type ReadCard, readCard } from "./read-card.ts";

/** What a reader takes in an enrolment. */
export type Expected = "card" | "phone";

/** What was presented at a reader, a secret. */
export type ReadCredential =
  | { readonly kind: "card"; readonly card: ReadCard }
  /** A phone that has shown by its signature that it has this key. */
  | { readonly kind: "phone"; readonly raw: RawCredential };

/** `readAs`: as of `readCard`. */
export function readCredential(
  raw: RawCredential,
  formats: readonly WiegandFormat[],
  readAs?: string,
): ReadCredential {
  if (isPhoneCredential(raw)) return { kind: "phone", raw };
  return { kind: "card", card: readCard(raw, formats, readAs) };
}

export const rawOf = (read: ReadCredential): RawCredential =>
  read.kind === "phone" ? read.raw : read.card.raw;

/** `Card 34***`, `Phone 1a2b`: what is shown of what was read. */
export const nameOf = (read: ReadCredential): string =>
  read.kind === "phone" ? phoneName(read.raw) : cardName(read.card.number);
