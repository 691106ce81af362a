import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
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
export type MessagePurpose = "event" | "event/ack" | "table/ack" | "table/get";

const formatVersion = 1;
const macBytes = 32;

/** One format byte, the body in CBOR, HMAC-SHA-256 over purpose, site, controller and both. */
export function sealMessage(
  scope: MessageScope,
  purpose: MessagePurpose,
  body: unknown,
): Uint8Array {
  const signed = Buffer.concat([Uint8Array.of(formatVersion), encodeCbor(body)]);
  return Buffer.concat([signed, mac(scope, purpose, signed)]);
}

/** The MAC is checked before a byte of the body is decoded. */
export function openMessage(
  scope: MessageScope,
  purpose: MessagePurpose,
  { message, bytesMax }: { readonly message: Uint8Array; readonly bytesMax: number },
): Result<unknown, MessageRefusal> {
  if (message.length > bytesMax) {
    return fail({ reason: "too_long", detail: `${message.length} bytes, at most ${bytesMax}` });
  }
  if (message.length <= 1 + macBytes) {
    return fail({ reason: "malformed", detail: `only ${message.length} bytes` });
  }
  if (message[0] !== formatVersion) {
    return fail({ reason: "malformed", detail: `format ${message[0]}, expected ${formatVersion}` });
  }
  const signed = message.subarray(0, message.length - macBytes);
  if (!timingSafeEqual(mac(scope, purpose, signed), message.subarray(signed.length))) {
    return fail({ reason: "altered", detail: "the MAC does not match" });
  }
  const body = decodeCbor(signed.subarray(1));
  return body.ok ? succeed(body.value) : fail({ reason: "malformed", detail: body.fault });
}

function mac(scope: MessageScope, purpose: MessagePurpose, signed: Uint8Array): Buffer {
  // Ids and purposes hold no NUL, so no two contexts run into the same bytes.
  return createHmac("sha256", scope.messageKey)
    .update(`postern/1\0${purpose}\0${scope.site}\0${scope.controller}\0`)
    .update(signed)
    .digest();
}
