import { createECDH, createPrivateKey, type KeyObject } from "node:crypto";

/** What is reduced to a private key, so that no value is likelier than another by more than 2^-128. */
export const privateSeedBytes = 48;

const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const scalarBytes = 32;
export const curveName = "prime256v1";

/** `seed` mod (n - 1), plus 1: 32 bytes, big-endian (FIPS 186-5, A.2.1). */
export function privateScalar(seed: Uint8Array): Uint8Array {
  if (seed.length !== privateSeedBytes) throw new Error(`expected ${privateSeedBytes} bytes`);
  const wide = BigInt(`0x${Buffer.from(seed).toString("hex")}`);
  const scalar = (wide % (groupOrder - 1n)) + 1n;
  return Buffer.from(scalar.toString(16).padStart(scalarBytes * 2, "0"), "hex");
}

/** The private key that belongs to these 48 bytes of key material. */
export function privateKeyFrom(seed: Uint8Array): KeyObject {
  const scalar = privateScalar(seed);
  const pair = createECDH(curveName);
  pair.setPrivateKey(scalar);
  const point = pair.getPublicKey();
  return createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: Buffer.from(scalar).toString("base64url"),
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
  });
}
