import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import * as v from "valibot";
import type { TableContent, TableVersion } from "../../domain/access.ts";
import { controllerId, siteId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { deriveKeys, type Provision } from "./provision.ts";
import { describeIssue, id, tableVersion } from "./schema-parts.ts";
import { decodeCbor, encodeCbor } from "./strict-cbor.ts";
import { parseTableContent } from "./table-content.ts";

/**
 * A table on its way: one format byte, then CBOR `[header, body, signature]`, three byte strings.
 * `header` is CBOR {site, controller, table, nonce}; `body` the content in CBOR under AES-256-GCM
 * with the header as additional data; `signature` Ed25519 over format, header and body.
 */
export interface TableRefusal {
  readonly reason:
    | "too_long"
    | "malformed"
    | "unsigned"
    | "altered"
    | "wrong_site"
    | "wrong_controller"
    | "older"
    | typeof numberTaken
    | "invalid_content";
  readonly detail: string;
}

/**
 * Another table of the site's is in force under the very same number, which happens to a site that
 * was restored from a copy. Like `older` it is for the caller to judge; the site raises its epoch.
 */
export const numberTaken = "number_taken";

export const tableMessageBytesMax = 64 * 1_024 * 1_024;

const formatVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;
const signatureBytes = 64;

/** Epoch first, version within it. */
export function isNewer(candidate: TableVersion, current: TableVersion): boolean {
  return candidate.epoch === current.epoch
    ? candidate.version > current.version
    : candidate.epoch > current.epoch;
}

export interface TableToSeal {
  readonly content: TableContent;
  /** The site's private Ed25519 key. */
  readonly signingKey: KeyObject;
  /** From `deriveKeys`. */
  readonly tableKey: KeyObject;
}

/**
 * Different bytes each time, since the nonce is drawn anew. `content` is the caller's to validate.
 */
export function sealTable({ content, signingKey, tableKey }: TableToSeal): Uint8Array {
  const { site, controller, table } = content;
  const nonce = randomBytes(nonceBytes);
  const header = encodeCbor({ site, controller, table, nonce: new Uint8Array(nonce) });
  const cipher = createCipheriv("aes-256-gcm", tableKey, nonce, { authTagLength: tagBytes });
  cipher.setAAD(header);
  const body = Buffer.concat([
    cipher.update(encodeCbor(content)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const signature = sign(null, signedBytes(header, body), signingKey);
  return Buffer.concat([
    Uint8Array.of(formatVersion),
    encodeCbor([header, new Uint8Array(body), new Uint8Array(signature)]),
  ]);
}

/** Everything that the site vouches for. Lengths are in it, so nothing moves between its parts. */
function signedBytes(header: Uint8Array, body: Uint8Array): Uint8Array {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(header.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  return Buffer.concat([
    Buffer.from(`postern/1\0table\0${formatVersion}\0`),
    lengths,
    header,
    body,
  ]);
}

/**
 * Whether it is newer than what is in force is for the caller to judge, with `isNewer`. A refusal's
 * detail names fields and never secrets.
 */
export function openTable({
  message,
  provision,
}: {
  readonly message: Uint8Array;
  readonly provision: Provision;
}): Result<TableContent, TableRefusal> {
  const envelope = openEnvelope(message);
  if (!envelope.ok) return envelope;
  const { header, body, signature } = envelope.value;
  const claimed = parseHeader(header);
  if (!claimed.ok) return claimed;
  // Said before the signature is looked at, because another site's signature never holds here and
  // "altered" would send people looking for an attacker. It is a refusal either way.
  if (claimed.value.site !== provision.site) {
    return fail({ reason: "wrong_site", detail: `for site ${claimed.value.site}` });
  }
  if (claimed.value.controller !== provision.controller) {
    return fail({
      reason: "wrong_controller",
      detail: `for controller ${claimed.value.controller}`,
    });
  }
  if (signature.length === 0) return fail({ reason: "unsigned", detail: "no signature" });
  if (!isSignedBySite(provision, { header, body, signature })) {
    return fail({ reason: "altered", detail: "the site's signature does not match" });
  }
  const plain = decrypt(provision, { header, body, nonce: claimed.value.nonce });
  if (plain === undefined) {
    return fail({ reason: "altered", detail: "does not decrypt with this controller's key" });
  }
  return openContent(plain, claimed.value);
}

interface Envelope {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

const envelopeSchema = v.tuple([
  v.instance(Uint8Array),
  v.instance(Uint8Array),
  v.pipe(
    v.instance(Uint8Array),
    v.check(({ length }) => length === 0 || length === signatureBytes),
  ),
]);

function openEnvelope(message: Uint8Array): Result<Envelope, TableRefusal> {
  if (message.length > tableMessageBytesMax) {
    const detail = `${message.length} bytes, at most ${tableMessageBytesMax}`;
    return fail({ reason: "too_long", detail });
  }
  if (message[0] !== formatVersion) {
    return fail({ reason: "malformed", detail: `expected format ${formatVersion}` });
  }
  const decoded = decodeCbor(message.subarray(1));
  if (!decoded.ok) return fail({ reason: "malformed", detail: decoded.fault });
  if (Array.isArray(decoded.value) && decoded.value.length === 2) {
    return fail({ reason: "unsigned", detail: "no signature" });
  }
  const parsed = v.safeParse(envelopeSchema, decoded.value, { abortEarly: true });
  if (!parsed.success || !Array.isArray(decoded.value) || decoded.value.length !== 3) {
    return fail({ reason: "malformed", detail: "expected header, body and signature" });
  }
  const [header, body, signature] = parsed.output;
  return succeed({ header, body, signature });
}

const headerSchema = v.strictObject({
  site: id(siteId),
  controller: id(controllerId),
  table: tableVersion,
  nonce: v.pipe(
    v.instance(Uint8Array),
    v.check(({ length }) => length === nonceBytes, `${nonceBytes} bytes`),
  ),
});

type TableHeader = v.InferOutput<typeof headerSchema>;

function parseHeader(header: Uint8Array): Result<TableHeader, TableRefusal> {
  const decoded = decodeCbor(header);
  if (!decoded.ok) return fail({ reason: "malformed", detail: `header: ${decoded.fault}` });
  const parsed = v.safeParse(headerSchema, decoded.value, { abortEarly: true });
  return parsed.success
    ? succeed(parsed.output)
    : fail({ reason: "malformed", detail: `header: ${describeIssue(parsed.issues[0])}` });
}

function isSignedBySite(provision: Provision, { header, body, signature }: Envelope): boolean {
  const key = createPublicKey(provision.sitePublicKey);
  return verify(null, signedBytes(header, body), key, signature);
}

interface Encrypted {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly nonce: Uint8Array;
}

function decrypt(provision: Provision, { header, body, nonce }: Encrypted): Uint8Array | undefined {
  if (body.length < tagBytes) return undefined;
  const { tableKey } = deriveKeys(provision.controllerKey);
  const decipher = createDecipheriv("aes-256-gcm", tableKey, nonce, { authTagLength: tagBytes });
  decipher.setAAD(header);
  decipher.setAuthTag(body.subarray(body.length - tagBytes));
  try {
    return Buffer.concat([
      decipher.update(body.subarray(0, body.length - tagBytes)),
      decipher.final(),
    ]);
  } catch {
    return undefined;
  }
}

function openContent(plain: Uint8Array, header: TableHeader): Result<TableContent, TableRefusal> {
  const decoded = decodeCbor(plain);
  if (!decoded.ok) return fail({ reason: "invalid_content", detail: decoded.fault });
  const content = parseTableContent(decoded.value);
  if (!content.ok) return fail({ reason: "invalid_content", detail: content.fault });
  const { site, controller, table } = content.value;
  if (
    site !== header.site ||
    controller !== header.controller ||
    table.epoch !== header.table.epoch ||
    table.version !== header.table.version
  ) {
    return fail({ reason: "invalid_content", detail: "message: expected what the header says" });
  }
  return content;
}
