import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { join } from "node:path";
import { StateError, type StateFolder } from "./state-folder.ts";

export interface SigningKey {
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** SPKI in PEM. */
  readonly publicPem: string;
}

/** An Ed25519 key as its file has it: PKCS#8 in PEM. */
export const pemOf = (key: KeyObject): string =>
  String(key.export({ type: "pkcs8", format: "pem" }));

export const newPem = (): string => pemOf(generateKeyPairSync("ed25519").privateKey);

/** Throws `damaged` with the file's name for what is no such key. */
export function readKey(folder: StateFolder, name: string, pem: Uint8Array): SigningKey {
  const damaged = (options?: ErrorOptions) =>
    new StateError("damaged", join(folder.path, name), "not an Ed25519 private key", options);
  let key: KeyObject;
  try {
    key = createPrivateKey(Buffer.from(pem));
  } catch (error) {
    throw damaged({ cause: error });
  }
  if (key.asymmetricKeyType !== "ed25519") throw damaged();
  return { key, publicPem: String(createPublicKey(key).export({ type: "spki", format: "pem" })) };
}
