import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import { fail, type Result } from "../../domain/result.ts";
import { applyStream } from "./site-seal.ts";
import { decodeCbor, encodeCbor } from "./strict-cbor.ts";

/** Between whom a message travels, and the key that proves it (`deriveKeys`). */
export interface MessageScope {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly messageKey: KeyObject;
}

/** `altered`: not sealed with this scope's key for this purpose, or changed since. */
export interface MessageRefusal {
  readonly reason: "too_long" | "malformed" | "altered";
  readonly detail: string;
}

/** What a message is for: a MAC made for one purpose never passes for another. */
export type MessagePurpose =
  | "event"
  | "event/ack"
  | "table/ack"
  | "table/get"
  | "command/ask"
  | "command/offer";
/** What nobody but the two may read. */
export type SecretMessagePurpose = "command/answer";

interface SealedMessage {
  readonly message: Uint8Array;
  readonly bytesMax: number;
}

const formatVersion = 1;
const macBytes = 32;

/** One format byte, the body in CBOR, HMAC-SHA-256 over purpose, site, controller and both. */
export function sealMessage(
  scope: MessageScope,
  purpose: MessagePurpose,
  body: unknown,
): Uint8Array {
  const signed = withFormat(encodeCbor(body));
  return Buffer.concat([signed, mac(scope, purpose, signed)]);
}

/** The MAC is checked before a byte of the body is decoded. */
export function openMessage(
  scope: MessageScope,
  purpose: MessagePurpose,
  sealed: SealedMessage,
): Result<unknown, MessageRefusal> {
  const fault = formFault(sealed);
  if (fault !== undefined) return fail(fault);
  const { message } = sealed;
  const signed = message.subarray(0, message.length - macBytes);
  if (!timingSafeEqual(mac(scope, purpose, signed), message.subarray(signed.length))) {
    return fail({ reason: "altered", detail: "the MAC does not match" });
  }
  return bodyOf(signed.subarray(1));
}

/** Of a secret message also the key under which its body is encrypted (`deriveKeys`). */
export interface SecretMessageScope extends MessageScope {
  readonly tableKey: KeyObject;
}

/**
 * One format byte, the MAC, and the body in CBOR, encrypted as the site's secret messages are
 * (`sealSecretly`): under a key made from the table key and the MAC. The MAC is of the plain body,
 * under a key that nobody else has, so that no guess at the body can be tried against it.
 */
export function sealSecretMessage(
  scope: SecretMessageScope,
  purpose: SecretMessagePurpose,
  body: unknown,
): Uint8Array {
  const plain = encodeCbor(body);
  const proof = mac(scope, purpose, withFormat(plain));
  const bytes = applyStream(scope.tableKey, { purpose, proof, bytes: plain });
  return Buffer.concat([Uint8Array.of(formatVersion), proof, bytes]);
}

/** Nothing of what was decrypted is looked at before its MAC was checked. */
export function openSecretMessage(
  scope: SecretMessageScope,
  purpose: SecretMessagePurpose,
  sealed: SealedMessage,
): Result<unknown, MessageRefusal> {
  const fault = formFault(sealed);
  if (fault !== undefined) return fail(fault);
  const { message } = sealed;
  const proof = message.subarray(1, 1 + macBytes);
  const bytes = message.subarray(1 + macBytes);
  const plain = applyStream(scope.tableKey, { purpose, proof, bytes });
  if (!timingSafeEqual(mac(scope, purpose, withFormat(plain)), proof)) {
    return fail({ reason: "altered", detail: "the MAC does not match" });
  }
  return bodyOf(plain);
}

function withFormat(plain: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(formatVersion), plain]);
}

function bodyOf(plain: Uint8Array): Result<unknown, MessageRefusal> {
  const body = decodeCbor(plain);
  return body.ok ? body : fail({ reason: "malformed", detail: body.fault });
}

function formFault({ message, bytesMax }: SealedMessage): MessageRefusal | undefined {
  if (message.length > bytesMax) {
    return { reason: "too_long", detail: `${message.length} bytes, at most ${bytesMax}` };
  }
  if (message.length <= 1 + macBytes) {
    return { reason: "malformed", detail: `only ${message.length} bytes` };
  }
  if (message[0] !== formatVersion) {
    return { reason: "malformed", detail: `format ${message[0]}, expected ${formatVersion}` };
  }
  return undefined;
}

function mac(
  scope: MessageScope,
  purpose: MessagePurpose | SecretMessagePurpose,
  signed: Uint8Array,
): Buffer {
  // Ids and purposes hold no NUL, so no two contexts run into the same bytes.
  return createHmac("sha256", scope.messageKey)
    .update(`postern/1\0${purpose}\0${scope.site}\0${scope.controller}\0`)
    .update(signed)
    .digest();
}
