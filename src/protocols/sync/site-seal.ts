import {
  createCipheriv,
  createHmac,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { deriveKeys, type Provision } from "./provision.ts";
import { decodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What the site needs to speak to one controller. */
export interface SiteSealer {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** The site's private Ed25519 key. */
  readonly signingKey: KeyObject;
  /** From `deriveKeys`. */
  readonly tableKey: KeyObject;
}

/** What that controller needs to believe it. */
export interface SiteOpener {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly sitePublicKey: KeyObject;
  /** From `deriveKeys`. */
  readonly tableKey: KeyObject;
}

/** `sitePublicKey`: the one that the site has handed over to since the controller was provisioned. */
export function openerOf(
  provision: Provision,
  sitePublicKey: KeyObject = createPublicKey(provision.sitePublicKey),
): SiteOpener {
  const { site, controller, controllerKey } = provision;
  return { site, controller, sitePublicKey, tableKey: deriveKeys(controllerKey).tableKey };
}

/** What anybody at the broker may read. */
type OpenPurpose = "table/head";
/** What the controller alone may read. */
type SecretPurpose = "table/delta" | "table/manifest" | "command";

const formatVersion = 1;
export const signatureBytes = 64;
/** What a sealed message has beside its body. */
const sealBytes = 1 + signatureBytes;
const noSignature = Buffer.alloc(signatureBytes);

/** One format byte, the site's Ed25519 signature, the body. */
export function sealOpenly(
  sealer: SiteSealer,
  purpose: OpenPurpose,
  plain: Uint8Array,
): Uint8Array {
  const signature = sign(null, signedBytes(sealer, purpose, plain), sealer.signingKey);
  return Buffer.concat([Uint8Array.of(formatVersion), signature, plain]);
}

/**
 * As `sealOpenly`, with the body encrypted (AES-256-CTR) under a key made from the table key and the
 * signature, as SIV modes do with their tag (RFC 5297). Nothing random and no counter is in it that
 * a site restored from a copy could use twice: two bodies have two signatures and thus two keys, and
 * one body gives one message. The signature is the tag, so 28 bytes of nonce and tag are spared.
 */
export function sealSecretly(
  sealer: SiteSealer,
  purpose: SecretPurpose,
  plain: Uint8Array,
): Uint8Array {
  const blind = derivedKey(sealer.tableKey, `${purpose} blind`);
  const signature = sign(null, signedBytes(sealer, purpose, plain, blind), sealer.signingKey);
  return Buffer.concat([
    Uint8Array.of(formatVersion),
    signature,
    applyStream(sealer.tableKey, { purpose, proof: signature, bytes: plain }),
  ]);
}

interface Sealed {
  readonly message: Uint8Array;
  readonly bytesMax: number;
}

/** The body, whose signature was checked. */
export function openOpenly(
  opener: SiteOpener,
  purpose: OpenPurpose,
  sealed: Sealed,
): Result<Uint8Array, TableRefusal> {
  const parts = takeApart(sealed);
  if (!parts.ok) return parts;
  const { signature, body } = parts.value;
  return verified(opener, { signed: signedBytes(opener, purpose, body), signature, plain: body });
}

/** Nothing of what was decrypted is looked at before its signature was checked. */
export function openSecretly(
  opener: SiteOpener,
  purpose: SecretPurpose,
  sealed: Sealed,
): Result<Uint8Array, TableRefusal> {
  const parts = takeApart(sealed);
  if (!parts.ok) return parts;
  const { signature, body } = parts.value;
  const plain = applyStream(opener.tableKey, { purpose, proof: signature, bytes: body });
  const blind = derivedKey(opener.tableKey, `${purpose} blind`);
  const signed = signedBytes(opener, purpose, plain, blind);
  return verified(opener, { signed, signature, plain });
}

function takeApart({
  message,
  bytesMax,
}: Sealed): Result<{ readonly signature: Uint8Array; readonly body: Uint8Array }, TableRefusal> {
  if (message.length > bytesMax) {
    return fail({ reason: "too_long", detail: `${message.length} bytes, at most ${bytesMax}` });
  }
  if (message.length <= sealBytes) {
    return fail({ reason: "malformed", detail: `only ${message.length} bytes` });
  }
  if (message[0] !== formatVersion) {
    return fail({ reason: "malformed", detail: `format ${message[0]}, expected ${formatVersion}` });
  }
  const signature = message.subarray(1, sealBytes);
  if (noSignature.equals(signature)) return fail({ reason: "unsigned", detail: "no signature" });
  return succeed({ signature, body: message.subarray(sealBytes) });
}

interface Claim {
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly plain: Uint8Array;
}

function verified(
  { sitePublicKey }: SiteOpener,
  { signed, signature, plain }: Claim,
): Result<Uint8Array, TableRefusal> {
  return verify(null, signed, sitePublicKey, signature)
    ? succeed(plain)
    : fail({ reason: "altered", detail: "the site's signature does not match" });
}

/** A body that is one value in CBOR. */
export function readBody(plain: Uint8Array): Result<unknown, TableRefusal> {
  const decoded = decodeCbor(plain);
  return decoded.ok ? decoded : fail({ reason: "malformed", detail: decoded.fault });
}

/**
 * What the site vouches for: the body, and for whom and for what it is, which is not on the wire.
 * With `blind`, which only the site and the controller know, nobody else can try whether a guess at
 * what is encrypted fits the signature; a card of 26 bits would be guessed in an hour.
 */
function signedBytes(
  { site, controller }: Pick<SiteSealer, "site" | "controller">,
  purpose: OpenPurpose | SecretPurpose,
  body: Uint8Array,
  blind: Uint8Array = new Uint8Array(),
): Uint8Array {
  // Ids and purposes hold no NUL and the blind has one length per purpose: no two contexts run into
  // the same bytes.
  return Buffer.concat([
    Buffer.from(`postern/1\0${purpose}\0${formatVersion}\0${site}\0${controller}\0`),
    blind,
    body,
  ]);
}

/** A key of 32 bytes for one use, and where `salt` is given for one message or image. */
export function derivedKey(
  tableKey: KeyObject,
  use: string,
  salt: Uint8Array = new Uint8Array(),
): Uint8Array {
  return createHmac("sha256", tableKey).update(`postern/1\0${use}\0`).update(salt).digest();
}

interface Stream {
  readonly purpose: string;
  /** The signature or MAC over what is encrypted, which is another for each plain body. */
  readonly proof: Uint8Array;
  readonly bytes: Uint8Array;
}

// Each key is for one message alone, so that its counter may begin at 0.
const counterStart = Buffer.alloc(16);

/** Encrypts, and decrypts what it has encrypted. */
export function applyStream(tableKey: KeyObject, { purpose, proof, bytes }: Stream): Uint8Array {
  const key = derivedKey(tableKey, `${purpose} cipher`, proof);
  // A stream cipher holds nothing back: there is no last part to add.
  return createCipheriv("aes-256-ctr", key, counterStart).update(bytes);
}
