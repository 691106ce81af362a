import { createHash, createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { phoneCredential, type RawCredential } from "../../domain/credential.ts";
import type { Channel } from "./channel.ts";
import { isSignedBy, pointBytes, publicKeyAt, signatureBytes, signWith } from "./p256.ts";
import { purposeLabel } from "./version.ts";

export type PhoneAction = "present" | "enrol";
export type PhoneForm = "full" | "fast";

export const phoneIdBytes = 16;
const macBytes = 32;

const formCodes = { full: 1, fast: 2 } as const;
const actionCodes = { present: 1, enrol: 2 } as const;

const fullBytes = 2 + pointBytes + signatureBytes;
const fastBytes = 2 + phoneIdBytes + macBytes;

/** What a phone says within the encryption. Nothing of it is proven. */
export type PhoneMessage =
  | {
      readonly form: "full";
      readonly action: PhoneAction;
      readonly deviceKey: Uint8Array;
      readonly signature: Uint8Array;
    }
  /** Enrolment takes a signature. */
  | { readonly form: "fast"; readonly id: string; readonly mac: Uint8Array };

/** Undefined where it is none. */
export function decodePhoneMessage(plain: Uint8Array): PhoneMessage | undefined {
  const [form, code] = plain;
  const action = actionOf(code);
  const body = plain.subarray(2);
  if (form === formCodes.full && action !== undefined && plain.length === fullBytes) {
    const deviceKey = body.subarray(0, pointBytes);
    return { form: "full", action, deviceKey, signature: body.subarray(pointBytes) };
  }
  if (form === formCodes.fast && action === "present" && plain.length === fastBytes) {
    const id = Buffer.from(body.subarray(0, phoneIdBytes)).toString("hex");
    return { form: "fast", id, mac: body.subarray(phoneIdBytes) };
  }
  return undefined;
}

function actionOf(code: number | undefined): PhoneAction | undefined {
  if (code === actionCodes.present) return "present";
  return code === actionCodes.enrol ? "enrol" : undefined;
}

/** `deviceKey`: P-256, private. */
export function fullMessage(
  { transcript }: Channel,
  {
    action,
    deviceKey,
    devicePoint,
  }: {
    readonly action: PhoneAction;
    readonly deviceKey: KeyObject;
    readonly devicePoint: Uint8Array;
  },
): Uint8Array {
  const signature = signWith(deviceKey, deviceClaim(transcript, action, devicePoint));
  const start = Uint8Array.of(formCodes.full, actionCodes[action]);
  return Buffer.concat([start, devicePoint, signature]);
}

/** `channel` is that before this message was unsealed. */
export function isFullGenuine(
  { transcript }: Channel,
  { action, deviceKey, signature }: Extract<PhoneMessage, { form: "full" }>,
): boolean {
  const key = publicKeyAt(deviceKey);
  const bytes = deviceClaim(transcript, action, deviceKey);
  return key !== undefined && isSignedBy(key, { bytes, signature });
}

export function fastMessage(
  { transcript }: Channel,
  { id, resumptionKey }: { readonly id: string; readonly resumptionKey: Uint8Array },
): Uint8Array {
  const start = Uint8Array.of(formCodes.fast, actionCodes.present);
  return Buffer.concat([start, Buffer.from(id, "hex"), fastMac(transcript, id, resumptionKey)]);
}

/** `channel` is that before this message was unsealed. */
export function isFastGenuine(
  { transcript }: Channel,
  { id, mac }: Extract<PhoneMessage, { form: "fast" }>,
  resumptionKey: Uint8Array,
): boolean {
  return timingSafeEqual(fastMac(transcript, id, resumptionKey), mac);
}

function deviceClaim(
  transcript: Uint8Array,
  action: PhoneAction,
  devicePoint: Uint8Array,
): Uint8Array {
  const code = Uint8Array.of(actionCodes[action]);
  return Buffer.concat([purposeLabel("full"), transcript, code, devicePoint]);
}

function fastMac(transcript: Uint8Array, id: string, resumptionKey: Uint8Array): Uint8Array {
  return createHmac("sha256", resumptionKey)
    .update(purposeLabel("fast"))
    .update(transcript)
    .update(Uint8Array.of(actionCodes.present))
    .update(id, "hex")
    .digest();
}

/** 32 hex digits: what a phone is known by, and by what a reader remembers it. */
export function phoneIdOf(devicePoint: Uint8Array): string {
  return createHash("sha256")
    .update(devicePoint)
    .digest("hex")
    .slice(0, 2 * phoneIdBytes);
}

export const credentialOf = (devicePoint: Uint8Array): RawCredential =>
  phoneCredential(phoneIdOf(devicePoint));
