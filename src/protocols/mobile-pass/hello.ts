import type { KeyObject } from "node:crypto";
import { isId, type ReaderId, readerId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { ByteFields, countedBytes, countedText } from "./byte-fields.ts";
import type { PhoneFault } from "./mobile-fault.ts";
import { isSignedBy, pointBytes, publicKeyAt, signatureBytes, signWith } from "./p256.ts";
import {
  type CertificateFault,
  openReaderCertificate,
  type ReaderCertificate,
  readReaderCertificate,
} from "./reader-certificate.ts";
import { protocolVersion, purposeLabel } from "./version.ts";

export const nonceBytes = 16;

/** What fits an attribute of GATT (Bluetooth Core, Vol 3, Part F, 3.2.9). */
export const helloBytesMax = 512;

export interface Hello {
  readonly certificate: ReaderCertificate;
  readonly reader: ReaderId;
  /** P-256, compressed. */
  readonly ephemeral: Uint8Array;
}

export function encodeHello({
  certificate,
  reader,
  nonce,
  ephemeral,
  controllerKey,
}: {
  readonly certificate: Uint8Array;
  readonly reader: ReaderId;
  readonly nonce: Uint8Array;
  readonly ephemeral: Uint8Array;
  /** P-256, private. */
  readonly controllerKey: KeyObject;
}): Uint8Array {
  const body = Buffer.concat([
    Uint8Array.of(protocolVersion, protocolVersion),
    countedBytes(certificate),
    countedText(reader),
    nonce,
    ephemeral,
  ]);
  return Buffer.concat([body, signWith(controllerKey, signedBytes(body))]);
}

/** What a phone expects of its site's readers. */
export interface HelloExpectation {
  readonly site: string;
  /** Ed25519, public. */
  readonly siteKey: KeyObject;
  /** The newest version that the phone speaks. */
  readonly newestVersion: number;
}

/** Nothing of it is believed, and the phone has said nothing, before both signatures were checked. */
export function openHello(
  expected: HelloExpectation,
  bytes: Uint8Array,
): Result<Hello, PhoneFault> {
  const parts = takeApart(bytes);
  if (!parts.ok) return parts;
  const { newest, certificateBytes, reader, ephemeral, body, signature } = parts.value;
  const opened = openReaderCertificate(expected.siteKey, certificateBytes);
  if (!opened.ok) return fail(asPhoneFault(opened.fault));
  const certificate = opened.value;
  if (certificate.site !== expected.site) return fail("certificate_of_another_site");
  const readerKey = publicKeyAt(certificate.readerKey);
  const signed = { bytes: signedBytes(body), signature };
  if (readerKey === undefined || !isSignedBy(readerKey, signed)) {
    return fail("hello_not_authentic");
  }
  // Only now: unsigned, it would be an alarm that anybody can raise.
  if (Math.min(newest, expected.newestVersion) > protocolVersion) return fail("downgraded");
  return succeed({ certificate, reader, ephemeral });
}

/**
 * Whose reader it says it is, no signature seen: for a phone that has yet to choose among its sites,
 * and opens the same hello afterwards.
 */
export function readHelloCertificate(bytes: Uint8Array): Result<ReaderCertificate, PhoneFault> {
  const parts = takeApart(bytes);
  if (!parts.ok) return parts;
  const read = readReaderCertificate(parts.value.certificateBytes);
  return read.ok ? read : fail(asPhoneFault(read.fault));
}

const asPhoneFault = (fault: CertificateFault): PhoneFault =>
  fault === "certificate_malformed" ? "hello_malformed" : fault;

interface HelloParts {
  readonly newest: number;
  readonly certificateBytes: Uint8Array;
  readonly reader: ReaderId;
  readonly ephemeral: Uint8Array;
  /** All that the signature is over. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

function takeApart(bytes: Uint8Array): Result<HelloParts, PhoneFault> {
  if (bytes.length === 0 || bytes.length > helloBytesMax) return fail("hello_malformed");
  const fields = new ByteFields(bytes);
  if (fields.byte() !== protocolVersion) return fail("version_unknown");
  const newest = fields.byte();
  const certificateBytes = fields.counted();
  const reader = readerId(fields.text(isId));
  fields.take(nonceBytes);
  const ephemeral = fields.take(pointBytes);
  const body = bytes.subarray(0, fields.at);
  const signature = fields.take(signatureBytes);
  if (!fields.isWhole || newest < protocolVersion) return fail("hello_malformed");
  return succeed({ newest, certificateBytes, reader, ephemeral, body, signature });
}

function signedBytes(body: Uint8Array): Uint8Array {
  return Buffer.concat([purposeLabel("hello"), body]);
}
