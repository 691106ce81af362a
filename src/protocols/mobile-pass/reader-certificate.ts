import { type KeyObject, sign, verify } from "node:crypto";
import { type ControllerId, controllerId, isId, type SiteId, siteId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type EpochMs, epochMs, epochMsMax } from "../../domain/time.ts";
import { ByteFields, countedText, wholeNumberBytes } from "./byte-fields.ts";
import { pointBytes, pointOf, signatureBytes } from "./p256.ts";
import { protocolVersion, purposeLabel } from "./version.ts";

/** That this key is that of this controller's readers, as its site says. */
export interface ReaderCertificate {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** P-256, compressed, 33 bytes; a point of the curve where the site is to be believed. */
  readonly readerKey: Uint8Array;
  /** Where a controller gets another key, the later one counts. */
  readonly issuedAt: EpochMs;
}

export type CertificateFault =
  | "certificate_malformed"
  | "version_unknown"
  | "certificate_not_authentic";

/** 110 to 236 bytes. `readerKey`: P-256, private or public. `mobileKey`: Ed25519, private. */
export function issueReaderCertificate({
  site,
  controller,
  readerKey,
  issuedAt,
  mobileKey,
}: {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly readerKey: KeyObject;
  readonly issuedAt: EpochMs;
  readonly mobileKey: KeyObject;
}): Uint8Array {
  const body = Buffer.concat([
    Uint8Array.of(protocolVersion),
    countedText(site),
    countedText(controller),
    pointOf(readerKey),
    wholeNumberBytes(issuedAt),
  ]);
  return Buffer.concat([body, sign(null, signedBytes(body), mobileKey)]);
}

/** `mobileKey`: the site's, Ed25519, public. */
export function openReaderCertificate(
  mobileKey: KeyObject,
  bytes: Uint8Array,
): Result<ReaderCertificate, CertificateFault> {
  const read = readReaderCertificate(bytes);
  if (!read.ok) return read;
  const body = bytes.subarray(0, bytes.length - signatureBytes);
  const signature = bytes.subarray(bytes.length - signatureBytes);
  return verify(null, signedBytes(body), mobileKey, signature)
    ? read
    : fail("certificate_not_authentic");
}

/** What it says, its signature unseen. */
export function readReaderCertificate(
  bytes: Uint8Array,
): Result<ReaderCertificate, Exclude<CertificateFault, "certificate_not_authentic">> {
  const fields = new ByteFields(bytes);
  if (fields.byte() !== protocolVersion) {
    return fail(bytes.length === 0 ? "certificate_malformed" : "version_unknown");
  }
  const site = siteId(fields.text(isId));
  const controller = controllerId(fields.text(isId));
  const readerKey = fields.take(pointBytes);
  const issuedAt = epochMs(fields.wholeNumber(epochMsMax));
  fields.take(signatureBytes);
  if (!fields.isWhole) return fail("certificate_malformed");
  return succeed({ site, controller, readerKey, issuedAt });
}

function signedBytes(body: Uint8Array): Uint8Array {
  return Buffer.concat([purposeLabel("certificate"), body]);
}
