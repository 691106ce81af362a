import type { RawCredential } from "../../domain/credential.ts";
import type { MonotonicMs } from "../../domain/time.ts";

/**
 * What a controller remembers of a phone that it let in, so that the next time takes a MAC instead of
 * a signature. Held in memory only. A secret.
 */
export interface Resumption {
  readonly phone: RawCredential;
  /** 32 bytes, another one after each grant. */
  readonly key: Uint8Array;
  /** A day after the phone last signed: from then on it must sign again. */
  readonly expiresAt: MonotonicMs;
}

/**
 * A phone's signature takes its secure hardware; a MAC takes what an app stores, and what is stored can
 * be copied. So a copy is good for a day at most, and only until the phone itself comes by.
 */
export const resumptionMs = 24 * 60 * 60 * 1_000;
