import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { join } from "node:path";
import type { SiteId } from "../domain/ids.ts";
import { listHandOvers, sealHandOver } from "../protocols/sync/key-hand-over.ts";
import { StateError, type StateFolder } from "./state-folder.ts";

export interface SigningKey {
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** SPKI in PEM. */
  readonly publicPem: string;
}

/** The key that the site signs with, and how controllers come to it from each one before. */
export interface SigningKeys {
  current(): SigningKey;
  /** As `sealHandOver` made it; undefined while the first key is in use. */
  handOvers(): Uint8Array | undefined;
  /**
   * On disk when it returns with the new key's number. Throws a `StateError` where it cannot be.
   */
  rotate(): number;
}

const currentName = "site-signing-key.pem";
const nextName = "site-signing-key.next.pem";
const handOversName = "site-key-hand-overs.cbor";

/** Makes the first key if there is none, and ends a rotation that a power cut broke off. */
export function openSigningKeys(folder: StateFolder, site: SiteId): SigningKeys {
  const pem = folder.createOnce(currentName, newPem);
  let current = readKey(folder, currentName, pem);
  let handOvers = folder.read(handOversName);

  // The last hand-over names the key to sign with. It was written after that key and before the key
  // took its place: a cut in between is seen here, and is no loss of either.
  const named = handOvers === undefined ? undefined : lastOf(folder, handOvers);
  if (named !== undefined && named.next !== current.publicPem) {
    const next = readNext(folder);
    if (next?.publicPem !== named.next) {
      const detail = "hands over to a key that is not there";
      throw new StateError("damaged", join(folder.path, handOversName), detail);
    }
    folder.write(currentName, pemOf(next.key));
    current = next;
  }

  return {
    current: () => current,
    handOvers: () => handOvers,
    rotate: () => {
      const pem = newPem();
      const next = readKey(folder, nextName, Buffer.from(pem));
      const sealed = sealHandOver({
        site,
        from: current.key,
        to: next.key,
        ...(handOvers !== undefined && { sealed: handOvers }),
      });
      // A rotation that a full disk broke off may have left the key in use in the other file alone.
      folder.write(currentName, pemOf(current.key));
      // First the key, then the word that it is the one: a word without its key could not be kept.
      folder.write(nextName, pem);
      folder.write(handOversName, sealed);
      handOvers = sealed;
      current = next;
      folder.write(currentName, pem);
      return lastOf(folder, sealed).serial;
    },
  };
}

function lastOf(folder: StateFolder, handOvers: Uint8Array) {
  const listed = listHandOvers(handOvers);
  const last = listed.ok ? listed.value.at(-1) : undefined;
  if (last !== undefined) return last;
  throw new StateError("damaged", join(folder.path, handOversName), "not a list of hand-overs");
}

const pemOf = (key: KeyObject): string => String(key.export({ type: "pkcs8", format: "pem" }));

const newPem = (): string => pemOf(generateKeyPairSync("ed25519").privateKey);

function readNext(folder: StateFolder): SigningKey | undefined {
  const pem = folder.read(nextName);
  return pem === undefined ? undefined : readKey(folder, nextName, pem);
}

function readKey(folder: StateFolder, name: string, pem: Uint8Array): SigningKey {
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
