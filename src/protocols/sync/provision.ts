import {
  createHmac,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import * as v from "valibot";
import { type PinDigest, pinDigest } from "../../domain/credential.ts";
import {
  type ControllerId,
  controllerId,
  idExpectation,
  isId,
  type SiteId,
  siteId,
} from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { privateKeyFrom, privateSeedBytes } from "../mobile-pass/p256.ts";
import { expectationOf } from "./schema-parts.ts";

/**
 * What a controller is given once, by hand, when it is installed. It holds two secrets: it is
 * stored readable by the controller alone, and is never logged or published.
 */
export interface Provision {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** Ed25519, SPKI in PEM. */
  readonly sitePublicKey: string;
  /** 32 bytes that only the site and this controller share. */
  readonly controllerKey: Uint8Array;
  /** 32 bytes that the site and all its controllers share. */
  readonly pinKey: Uint8Array;
}

export const secretKeyBytes = 32;

const secretText = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{43}$/, "32 bytes in base64url"),
  v.transform((text) => new Uint8Array(Buffer.from(text, "base64url"))),
);

const provisionSchema = v.strictObject({
  format: v.literal(1, "1"),
  site: v.pipe(v.string(), v.check(isId, idExpectation), v.transform(siteId)),
  controller: v.pipe(v.string(), v.check(isId, idExpectation), v.transform(controllerId)),
  site_public_key: v.pipe(v.string(), v.check(isEd25519PublicKey, "an Ed25519 key in PEM")),
  controller_key: secretText,
  pin_key: secretText,
});

function isEd25519PublicKey(pem: string): boolean {
  // A private key would be accepted too, as its public half: it has no business being here.
  if (!pem.startsWith("-----BEGIN PUBLIC KEY-----")) return false;
  try {
    return createPublicKey(pem).asymmetricKeyType === "ed25519";
  } catch {
    return false;
  }
}

const wholeFile = "the file";

export interface ProvisionFault {
  readonly field: string;
  readonly expected: string;
}

/** Reads the JSON of `serialiseProvision`. A fault names the field and never repeats its value. */
export function parseProvision(text: string): Result<Provision, ProvisionFault> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return fail({ field: wholeFile, expected: "a JSON object" });
  }
  const parsed = v.safeParse(provisionSchema, raw, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return fail({
      field: v.getDotPath(issue) ?? wholeFile,
      expected: expectationOf(issue),
    });
  }
  const { site, controller, site_public_key, controller_key, pin_key } = parsed.output;
  return succeed({
    site,
    controller,
    sitePublicKey: site_public_key,
    controllerKey: controller_key,
    pinKey: pin_key,
  });
}

export function serialiseProvision(provision: Provision): string {
  const file = {
    format: 1,
    site: provision.site,
    controller: provision.controller,
    site_public_key: provision.sitePublicKey,
    controller_key: Buffer.from(provision.controllerKey).toString("base64url"),
    pin_key: Buffer.from(provision.pinKey).toString("base64url"),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** One key per use, so that nothing made for one purpose can pass for another. */
export interface ControllerKeys {
  readonly tableKey: KeyObject;
  readonly messageKey: KeyObject;
  /**
   * P-256, private: by which the controller's readers prove to phones who they are. Site and controller
   * both come to it, so that nothing more is brought by hand, and the site can certify it.
   */
  readonly mobileKey: KeyObject;
}

export function deriveKeys(controllerKey: Uint8Array): ControllerKeys {
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync("sha256", controllerKey, "postern/1", purpose, bytes));
  const secret = (purpose: string): KeyObject => createSecretKey(derive(purpose, secretKeyBytes));
  return {
    tableKey: secret("table"),
    messageKey: secret("message"),
    mobileKey: privateKeyFrom(derive("mobile", privateSeedBytes)),
  };
}

const pinDigestBytes = 16;

/** See `PinDigest`. `digits` is what was typed, as ASCII. */
export function digestPin(pinKey: Uint8Array, digits: string): PinDigest {
  const mac = createHmac("sha256", pinKey).update(digits, "ascii").digest();
  return pinDigest(mac.toString("hex", 0, pinDigestBytes));
}
