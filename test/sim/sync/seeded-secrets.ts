import crypto, { createPrivateKey, createPublicKey } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Seeded } from "../../../hal/sim/seeded.ts";

/** Before the 32 bytes of a private Ed25519 key, in PKCS #8 (RFC 8410). */
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Keys, tags and request numbers drawn by the seed, for as long as a life lasts: lengths and orders
 * hang on them, and a seed has to be the same life every time.
 */
export function seedSecrets(random: Seeded): () => void {
  const { randomBytes, generateKeyPairSync } = crypto;
  const drawn = (count: number) =>
    Buffer.from(Array.from({ length: count }, () => random.between(0, 255)));
  Object.assign(crypto, {
    randomBytes: drawn,
    generateKeyPairSync: () => {
      const key = Buffer.concat([ed25519Prefix, drawn(32)]);
      const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
      return { privateKey, publicKey: createPublicKey(privateKey) };
    },
  });
  syncBuiltinESMExports();
  return () => {
    Object.assign(crypto, { randomBytes, generateKeyPairSync });
    syncBuiltinESMExports();
  };
}
