import type { Result } from "../src/domain/result.ts";

/** Why a card was not written. */
export type EncoderFault =
  | "no_card"
  /** One of another kind, or one whose keys are not ours. */
  | "card_unfit"
  /** It was taken away too early: what it holds now is not known. */
  | "interrupted"
  | "offline";

/** How many bytes a card is given to be known by. */
export const cardIdentityBytes = 16;

/**
 * Writes the application of an NFC pass to the card that lies on it. It does *not* vouch for the card's
 * being read at a door, and a card that it refused may have been changed. One card at a time: a second
 * call waits for the first. It never throws.
 */
export interface CardEncoder {
  /**
   * Writes `identity` (`cardIdentityBytes` of it), and answers with what the card holds afterwards, read
   * back from it: it is for the caller to compare. Takes a few seconds at most.
   */
  write(identity: Uint8Array): Promise<Result<Uint8Array, EncoderFault>>;
}
