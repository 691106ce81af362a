import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  ECDH,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** What is reduced to a private key, so that none is likelier than another by more than 2^-128. */
export const privateSeedBytes = 48;

/** A point in compressed form, SEC 1, 2.3.3: 2 or 3, then x. Each point has this one form alone. */
export const pointBytes = 33;

/** r and s, 32 bytes each, big-endian (IEEE P1363). */
export const signatureBytes = 64;

const curveName = "prime256v1";
const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const scalarBytes = 32;

/** A key for one session, never stored. */
export interface EphemeralKey {
  readonly point: Uint8Array;
  /** x of the common point, 32 bytes; undefined where `point` is none of the curve. */
  readonly agree: (point: Uint8Array) => Uint8Array | undefined;
}

export function ephemeralKeyFrom(seed: Uint8Array): EphemeralKey {
  const pair = createECDH(curveName);
  pair.setPrivateKey(privateScalar(seed));
  return {
    point: pair.getPublicKey(null, "compressed"),
    agree: (point) => {
      if (!hasPointForm(point)) return undefined;
      try {
        return pair.computeSecret(point);
      } catch {
        return undefined;
      }
    },
  };
}

/** The private key that belongs to these 48 bytes of key material. */
export function privateKeyFrom(seed: Uint8Array): KeyObject {
  return privateKeyOf(privateScalar(seed));
}

/** `scalar`: 32 bytes, big-endian. Throws where it is 0 or not below the group's order. */
export function privateKeyOf(scalar: Uint8Array): KeyObject {
  const pair = createECDH(curveName);
  pair.setPrivateKey(scalar);
  const key = { ...jwkOf(pair.getPublicKey()), d: Buffer.from(scalar).toString("base64url") };
  return createPrivateKey({ format: "jwk", key });
}

/** `seed` mod (n - 1), plus 1: 32 bytes, big-endian (FIPS 186-5, A.2.1). */
function privateScalar(seed: Uint8Array): Uint8Array {
  if (seed.length !== privateSeedBytes) throw new Error(`expected ${privateSeedBytes} bytes`);
  const wide = BigInt(`0x${Buffer.from(seed).toString("hex")}`);
  const scalar = (wide % (groupOrder - 1n)) + 1n;
  return Buffer.from(scalar.toString(16).padStart(scalarBytes * 2, "0"), "hex");
}

/** Undefined where these 33 bytes are no point of the curve. */
export function publicKeyAt(point: Uint8Array): KeyObject | undefined {
  if (!hasPointForm(point)) return undefined;
  try {
    const whole = ECDH.convertKey(point, curveName, undefined, undefined, "uncompressed");
    return createPublicKey({ format: "jwk", key: jwkOf(Buffer.from(whole as Uint8Array)) });
  } catch {
    return undefined;
  }
}

/** Of a private or a public key. Throws where it is not of P-256. */
export function pointOf(key: KeyObject): Uint8Array {
  const { crv, x, y } = key.export({ format: "jwk" });
  if (crv !== "P-256" || x === undefined || y === undefined) throw new Error("not a P-256 key");
  const last = Buffer.from(y, "base64url").at(-1) ?? 0;
  return Buffer.concat([Uint8Array.of(2 + (last & 1)), Buffer.from(x, "base64url")]);
}

/** Asked before anything is computed; and OpenSSL would take the longer forms of a point too. */
function hasPointForm(point: Uint8Array): boolean {
  return point.length === pointBytes && (point[0] === 2 || point[0] === 3);
}

function jwkOf(whole: Buffer) {
  const x = whole.toString("base64url", 1, 1 + scalarBytes);
  const y = whole.toString("base64url", 1 + scalarBytes);
  return { kty: "EC", crv: "P-256", x, y };
}

/** ECDSA with SHA-256. */
export function signWith(privateKey: KeyObject, bytes: Uint8Array): Uint8Array {
  return sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" });
}

export function isSignedBy(
  publicKey: KeyObject,
  { bytes, signature }: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
): boolean {
  return verify("sha256", bytes, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
}
