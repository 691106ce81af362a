import type { KeyObject } from "node:crypto";
import type { ReaderId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { encodeHello, nonceBytes } from "./hello.ts";
import { type EphemeralKey, ephemeralKeyFrom, pointOf, privateSeedBytes } from "./p256.ts";
import { readReaderCertificate } from "./reader-certificate.ts";
import type { Entropy } from "./version.ts";

/** What one phone is offered. Good for one session: the secret that belongs to it is given out once. */
export interface PreparedHello {
  /** What the phone reads: 228 to 417 bytes. */
  readonly bytes: Uint8Array;
}

/** Why a controller has nothing that a phone would believe. */
export type HelloFault =
  | "certificate_malformed"
  /** The site certified another key than this controller has: it was provisioned anew since. */
  | "certificate_of_another_key";

const secrets = new WeakMap<PreparedHello, EphemeralKey>();

/**
 * Takes about 0.1 ms: made before the phone comes. `controllerKey` is `deriveKeys().mobileKey`, P-256,
 * private. The certificate's signature is the phone's to check.
 */
export function prepareHello({
  certificate,
  controllerKey,
  reader,
  entropy,
}: {
  readonly certificate: Uint8Array;
  readonly controllerKey: KeyObject;
  readonly reader: ReaderId;
  readonly entropy: Entropy;
}): Result<PreparedHello, HelloFault> {
  const read = readReaderCertificate(certificate);
  if (!read.ok) return fail("certificate_malformed");
  if (Buffer.compare(read.value.readerKey, pointOf(controllerKey)) !== 0) {
    return fail("certificate_of_another_key");
  }
  const ephemeral = ephemeralKeyFrom(entropy(privateSeedBytes));
  const nonce = entropy(nonceBytes);
  const { point } = ephemeral;
  const bytes = encodeHello({ certificate, reader, nonce, ephemeral: point, controllerKey });
  const hello = { bytes };
  secrets.set(hello, ephemeral);
  return succeed(hello);
}

/** Throws at the second time: an ephemeral key that serves two sessions lets one be replayed. */
export function takeEphemeral(hello: PreparedHello): EphemeralKey {
  const ephemeral = secrets.get(hello);
  if (ephemeral === undefined) throw new Error("this hello was used in a session before");
  secrets.delete(hello);
  return ephemeral;
}
