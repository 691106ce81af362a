import { join } from "node:path";
import type { SiteId } from "../domain/ids.ts";
import { listHandOvers, sealHandOver } from "../protocols/sync/key-hand-over.ts";
import { newPem, pemOf, readKey, type SigningKey } from "./private-key-file.ts";
import { StateError, type StateFolder } from "./state-folder.ts";

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

interface KeyState extends SigningKey {
  readonly handOvers: Uint8Array | undefined;
}

/** Makes the first key if there is none, and ends a rotation that a power cut broke off. */
export function openSigningKeys(folder: StateFolder, site: SiteId): SigningKeys {
  folder.createOnce(currentName, newPem);
  let state = settled(folder);

  const rotate = (): number => {
    // Also one that a full disk broke off: its key may be the one to sign with, and stand in that
    // other file alone, which is about to be written.
    state = settled(folder);
    const pem = newPem();
    const next = readKey(folder, nextName, Buffer.from(pem));
    const { key, handOvers } = state;
    const sealed = sealHandOver({
      site,
      from: key,
      to: next.key,
      ...(handOvers !== undefined && { sealed: handOvers }),
    });
    // First the key, then the word that it is the one: a word without its key could not be kept.
    folder.write(nextName, pem);
    folder.write(handOversName, sealed);
    state = settled(folder);
    return lastOf(folder, sealed).serial;
  };

  return {
    current: () => state,
    handOvers: () => state.handOvers,
    rotate: () => {
      try {
        return rotate();
      } catch (error) {
        // What failed may have happened all the same: a name can be there that the disk did not
        // promise to keep. What is said there is what the next start goes by.
        state = readAgain(folder) ?? state;
        throw error;
      }
    },
  };
}

/**
 * The last hand-over names the key to sign with. It was written after that key and before the key
 * took its place: a cut in between is seen here, and is no loss of either.
 */
function read(folder: StateFolder): KeyState {
  const pem = folder.read(currentName);
  const handOvers = folder.read(handOversName);
  const named = handOvers === undefined ? undefined : lastOf(folder, handOvers).next;
  const current = pem === undefined ? undefined : readKey(folder, currentName, pem);
  for (const known of [current, readNext(folder)]) {
    if (known !== undefined && (named === undefined || known.publicPem === named)) {
      return { ...known, handOvers };
    }
  }
  const file = join(folder.path, handOvers === undefined ? currentName : handOversName);
  throw new StateError("damaged", file, "hands over to a key that is not there");
}

function readAgain(folder: StateFolder): KeyState | undefined {
  try {
    return read(folder);
  } catch {
    // The next rotation tries again, before it writes anything.
    return undefined;
  }
}

/** As `read` has it, and with the key in the file that no rotation writes first. */
function settled(folder: StateFolder): KeyState {
  const state = read(folder);
  const pem = pemOf(state.key);
  const written = folder.read(currentName);
  if (written === undefined || Buffer.from(written).toString() !== pem) {
    folder.write(currentName, pem);
  }
  return state;
}

function lastOf(folder: StateFolder, handOvers: Uint8Array) {
  const listed = listHandOvers(handOvers);
  const last = listed.ok ? listed.value.at(-1) : undefined;
  if (last !== undefined) return last;
  throw new StateError("damaged", join(folder.path, handOversName), "not a list of hand-overs");
}

function readNext(folder: StateFolder): SigningKey | undefined {
  const pem = folder.read(nextName);
  return pem === undefined ? undefined : readKey(folder, nextName, pem);
}
