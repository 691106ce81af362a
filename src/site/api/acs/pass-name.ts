import { phonePrefix, type RawCredential } from "../../../domain/credential.ts";

/**
 * `Code 82****`: the first `shown` characters and a star for each further one; never more than half
 * is shown, so that a short one cannot be guessed (behaviour 38).
 */
function starred(text: string, shown: number): string {
  const open = Math.min(shown, Math.floor(text.length / 2));
  return text.slice(0, open) + "*".repeat(text.length - open);
}

export const codeName = (digits: string): string => `Code ${starred(digits, 2)}`;
export const cardName = (number: string): string => `Card ${starred(number, 3)}`;
/** A card that is still to be written has no number. */
export const blankCardName = "Card";
const phoneDigitsShown = 4;

/** `Phone 1a2b`: the first digits of its key's digest, by which its owner tells it from his others. */
export const phoneName = (phone: RawCredential): string => {
  const digits = phone.slice(phonePrefix.length);
  return `Phone ${digits.slice(0, phoneDigitsShown)}`;
};
export const multiPhoneName = "Multi Phone Sync Credential";
