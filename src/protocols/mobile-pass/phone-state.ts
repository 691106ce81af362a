import { createPublicKey, type KeyObject } from "node:crypto";
import * as v from "valibot";
import type { RawCredential } from "../../domain/credential.ts";
import {
  type ControllerId,
  controllerId,
  idExpectation,
  isId,
  type SiteId,
  siteId,
} from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type EpochMs, epochMs, epochMsMax } from "../../domain/time.ts";
import { pointBytes, pointOf, privateKeyFrom, privateKeyOf, publicKeyAt } from "./p256.ts";
import { credentialOf } from "./phone-message.ts";
import type { ReaderCertificate } from "./reader-certificate.ts";

/** What a phone knows of one controller that it has met. */
export interface KnownController {
  readonly controller: ControllerId;
  /** P-256, compressed, as certified last. */
  readonly readerKey: Uint8Array;
  readonly issuedAt: EpochMs;
  /** From the last grant, until the reader will have forgotten it. */
  readonly resumption?: PhoneResumption;
}

export interface PhoneResumption {
  readonly key: Uint8Array;
  readonly until: EpochMs;
}

/** All that a phone keeps for one site. Secret. */
export interface PhoneState {
  readonly site: SiteId;
  /** The site's mobile key, Ed25519, public: what it certifies is a reader of the site's. */
  readonly siteKey: KeyObject;
  /** P-256, private; made on the phone, and for this site alone. */
  readonly deviceKey: KeyObject;
  /** The last met last, at most 64. */
  readonly known: readonly KnownController[];
}

export const knownControllersMax = 64;

/** A phone that was never anywhere. `deviceSeed`: 48 random bytes. */
export function newPhone({
  site,
  siteKey,
  deviceSeed,
}: {
  readonly site: SiteId;
  readonly siteKey: KeyObject;
  readonly deviceSeed: Uint8Array;
}): PhoneState {
  return { site, siteKey, deviceKey: privateKeyFrom(deviceSeed), known: [] };
}

/** What this phone presents, as the site knows it. */
export function phoneOf(deviceKey: KeyObject): RawCredential {
  return credentialOf(pointOf(deviceKey));
}

/** Met now: the one that was met longest ago makes room. */
export function withKnown(phone: PhoneState, met: KnownController): PhoneState {
  const others = phone.known.filter(({ controller }) => controller !== met.controller);
  return { ...phone, known: [...others, met].slice(-knownControllersMax) };
}

/**
 * What the phone knows of a controller that shows this certificate: nothing but the certificate where
 * its key is new. Undefined where another key has taken this one's place since, which may have been
 * stolen: the phone has no other way to hear of that.
 */
export function knownFrom(
  phone: PhoneState,
  { controller, readerKey, issuedAt }: ReaderCertificate,
): KnownController | undefined {
  const before = phone.known.find((known) => known.controller === controller);
  if (before === undefined) return { controller, readerKey, issuedAt };
  if (Buffer.compare(before.readerKey, readerKey) === 0) {
    return { ...before, issuedAt: epochMs(Math.max(before.issuedAt, issuedAt)) };
  }
  return issuedAt > before.issuedAt ? { controller, readerKey, issuedAt } : undefined;
}

/** JSON, secrets and all: for a file that nobody else may read. */
export function serialisePhone({ site, siteKey, deviceKey, known }: PhoneState): string {
  const file = {
    format: 1,
    site,
    site_key: siteKeyText(siteKey),
    device_key: deviceKey.export({ format: "jwk" }).d,
    known: known.map(({ controller, readerKey, issuedAt, resumption }) => ({
      controller,
      reader_key: base64url(readerKey),
      issued_at: issuedAt,
      ...(resumption && {
        resumption_key: base64url(resumption.key),
        resumption_until: resumption.until,
      }),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads the JSON of `serialisePhone`. A fault names the field and never repeats its value. */
export function parsePhone(
  text: string,
): Result<PhoneState, { readonly field: string; readonly expected: string }> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return fail({ field: "", expected: "a JSON object" });
  }
  const parsed = v.safeParse(phoneSchema, raw, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return fail({ field: v.getDotPath(issue) ?? "", expected: expectationOf(issue) });
  }
  const { site, site_key, device_key, known } = parsed.output;
  return succeed({ site, siteKey: site_key, deviceKey: device_key, known });
}

const siteKeyExpectation = "an Ed25519 public key, 32 bytes in base64url";

/** The site's mobile key as people copy it: 32 bytes in base64url. */
export function parseSiteKey(text: string): Result<KeyObject, string> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return fail(siteKeyExpectation);
  try {
    const key = { kty: "OKP", crv: "Ed25519", x: text };
    return succeed(createPublicKey({ format: "jwk", key }));
  } catch {
    return fail(siteKeyExpectation);
  }
}

/** What `parseSiteKey` reads. Of a private or a public key. */
export function siteKeyText(siteKey: KeyObject): string {
  const { crv, x } = siteKey.export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new Error("not an Ed25519 key");
  return x;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

const bytesText = (count: number) =>
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9_-]*$/, `${count} bytes in base64url`),
    v.transform((text) => new Uint8Array(Buffer.from(text, "base64url"))),
    v.check(({ length }) => length === count, `${count} bytes in base64url`),
  );

/** A value that `read` makes of the text, or the issue that it says was expected. */
const keyText = (read: (text: string) => Result<KeyObject, string>) =>
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const key = read(dataset.value);
      if (key.ok) return key.value;
      addIssue({ message: key.fault });
      return NEVER;
    }),
  );

function readDeviceKey(text: string): Result<KeyObject, string> {
  const expected = "a private key of P-256, 32 bytes in base64url";
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return fail(expected);
  try {
    return succeed(privateKeyOf(Buffer.from(text, "base64url")));
  } catch {
    return fail(expected);
  }
}

const instant = v.pipe(
  v.number(),
  v.safeInteger("whole milliseconds since 1970"),
  v.minValue(0, "whole milliseconds since 1970"),
  v.maxValue(epochMsMax, "whole milliseconds since 1970"),
  v.transform(epochMs),
);

const knownSchema = v.pipe(
  v.strictObject({
    controller: v.pipe(v.string(), v.check(isId, idExpectation), v.transform(controllerId)),
    reader_key: v.pipe(
      bytesText(pointBytes),
      v.check((point) => publicKeyAt(point) !== undefined, "a point of P-256, compressed"),
    ),
    issued_at: instant,
    resumption_key: v.exactOptional(bytesText(32)),
    resumption_until: v.exactOptional(instant),
  }),
  v.check(
    ({ resumption_key, resumption_until }) =>
      (resumption_key === undefined) === (resumption_until === undefined),
    "resumption_key and resumption_until, or neither",
  ),
  v.transform(
    ({ controller, reader_key, issued_at, resumption_key: key, resumption_until: until }) => ({
      controller,
      readerKey: reader_key,
      issuedAt: issued_at,
      ...(key !== undefined && until !== undefined && { resumption: { key, until } }),
    }),
  ),
);

const phoneSchema = v.strictObject({
  format: v.literal(1, "1"),
  site: v.pipe(v.string(), v.check(isId, idExpectation), v.transform(siteId)),
  site_key: keyText(parseSiteKey),
  device_key: keyText(readDeviceKey),
  known: v.pipe(
    v.array(knownSchema),
    v.maxLength(knownControllersMax, `at most ${knownControllersMax}`),
    v.check(
      (known) => new Set(known.map(({ controller }) => controller)).size === known.length,
      "each controller once",
    ),
  ),
});

/** Never what stood there: most of it is secret. */
function expectationOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "strict_object") {
    return issue.expected === "never" ? "no such field" : "this field";
  }
  return issue.message.startsWith("Invalid ")
    ? (issue.expected ?? "something else")
    : issue.message;
}
