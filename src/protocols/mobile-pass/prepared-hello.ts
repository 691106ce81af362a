import type { KeyObject } from "node:crypto";
import type { ReaderId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import type { Entropy } from "./version.ts";

/** What one phone is offered, and the secret that belongs to it. Good for one session. */
export interface PreparedHello {
  /** What the phone reads: at most 496 bytes. */
  readonly bytes: Uint8Array;
}

/** Why a controller has nothing that a phone would believe. */
export type HelloFault =
  | "certificate_malformed"
  /** The site certified another key than this controller has: it was provisioned anew since. */
  | "certificate_of_another_key";

/**
 * Takes about 0.1 ms: made before the phone comes. `controllerKey` is `deriveKeys().mobileKey`, P-256,
 * private. The certificate's signature is the phone's to check.
 */
export declare function prepareHello(reader: {
  readonly certificate: Uint8Array;
  readonly controllerKey: KeyObject;
  readonly reader: ReaderId;
  readonly entropy: Entropy;
}): Result<PreparedHello, HelloFault>;
