import type { KeyObject } from "node:crypto";
import type { SiteId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";

/** From one site key to the next. */
export interface KeyHandOver {
  /** 1 for the first that the site ever made, each next one 1 more. */
  readonly serial: number;
  /** Ed25519, SPKI in PEM. */
  readonly next: string;
}

/** `unknown_key`: no hand-over in it leads on from the key in force. */
export interface HandOverRefusal {
  readonly reason: "too_long" | "malformed" | "invalid_content" | "unknown_key" | "altered";
  readonly detail: string;
}

/** The oldest are dropped; a controller that missed more is provisioned anew. */
export const handOversMax = 64;
export const handOversBytesMax = 16_384;

export interface HandOverToSeal {
  readonly site: SiteId;
  /** The message so far, as this function returned it. Absent: none yet. */
  readonly sealed?: Uint8Array;
  /** The private keys: the one in use, and the one to come. */
  readonly from: KeyObject;
  readonly to: KeyObject;
}

/**
 * The message to publish, with one more hand-over at its end. Throws where `sealed` is not a message
 * that ends in `from`.
 */
export function sealHandOver(handOver: HandOverToSeal): Uint8Array {
  throw new Error(`not yet: ${handOver.site}`);
}

/** What a message says, its signatures unseen: for the site, about its own. */
export function listHandOvers(
  message: Uint8Array,
): Result<readonly KeyHandOver[], HandOverRefusal> {
  throw new Error(`not yet: ${message.length}`);
}

/**
 * Where the chain leads from a key that stands in it, or before it. `key` is `from` again, as the
 * canonical PEM, where it ends there.
 */
export function followHandOvers(
  site: SiteId,
  from: string,
  message: Uint8Array,
): Result<{ readonly key: string; readonly serial: number }, HandOverRefusal> {
  throw new Error(`not yet: ${site} ${from.length} ${message.length}`);
}
