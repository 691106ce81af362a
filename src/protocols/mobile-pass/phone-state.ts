import type { KeyObject } from "node:crypto";
import type { RawCredential } from "../../domain/credential.ts";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import type { EpochMs } from "../../domain/time.ts";

/** What a phone knows of one controller that it has met. */
export interface KnownController {
  readonly controller: ControllerId;
  /** P-256, compressed, as certified last. */
  readonly readerKey: Uint8Array;
  readonly issuedAt: EpochMs;
  /** From the last grant, until the reader will have forgotten it. */
  readonly resumption?: { readonly key: Uint8Array; readonly until: EpochMs };
}

/** All that a phone keeps for one site. Secret. */
export interface PhoneState {
  readonly site: SiteId;
  /** The site's mobile key, Ed25519, public: what it certifies is a reader of the site's. */
  readonly siteKey: KeyObject;
  /** P-256, private; made on the phone, and for this site alone. */
  readonly deviceKey: KeyObject;
  /** The last met last, at most 64. */
  readonly known: readonly KnownController[];
}

/** A phone that was never anywhere. `deviceKey`: 48 random bytes. */
export declare function newPhone(site: {
  readonly site: SiteId;
  readonly siteKey: KeyObject;
  readonly deviceSeed: Uint8Array;
}): PhoneState;

/** What this phone presents, as the site knows it. */
export declare function phoneOf(deviceKey: KeyObject): RawCredential;

/** JSON, secrets and all: for a file that nobody else may read. */
export declare function serialisePhone(phone: PhoneState): string;

/** A fault names the field and never repeats its value. */
export declare function parsePhone(
  text: string,
): Result<PhoneState, { readonly field: string; readonly expected: string }>;

/** The site's mobile key as people copy it: 32 bytes in base64url. */
export declare function parseSiteKey(text: string): Result<KeyObject, string>;
