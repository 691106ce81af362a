import type { KeyObject } from "node:crypto";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import type { EpochMs } from "../../domain/time.ts";

/** That this key is that of this controller's readers, as its site says. */
export interface ReaderCertificate {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** P-256, compressed, 33 bytes. */
  readonly readerKey: Uint8Array;
  /** Where a controller gets another key, the later one counts. */
  readonly issuedAt: EpochMs;
}

export type CertificateFault =
  | "certificate_malformed"
  | "version_unknown"
  | "certificate_not_authentic";

/** 108 to 234 bytes. `readerKey`: P-256, private or public. `mobileKey`: Ed25519, private. */
export declare function issueReaderCertificate(certificate: {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly readerKey: KeyObject;
  readonly issuedAt: EpochMs;
  readonly mobileKey: KeyObject;
}): Uint8Array;

/** `mobileKey`: the site's, Ed25519, public. */
export declare function openReaderCertificate(
  mobileKey: KeyObject,
  bytes: Uint8Array,
): Result<ReaderCertificate, CertificateFault>;
