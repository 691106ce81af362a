import { createCipheriv, createDecipheriv, createHash, type KeyObject } from "node:crypto";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { bytesOfHex } from "./packed-values.ts";
import { derivedKey } from "./site-seal.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** Image bytes in each chunk but the last. */
export const chunkBytes = 256 * 1_024;

/** The most chunks of an image: 512 MiB, all that the boards have that this runs on. */
export const snapshotChunksMax = 2_048;

/** An image in chunks, as its manifest describes it. */
export interface SnapshotParts {
  readonly imageBytes: number;
  readonly imageHash: string;
  readonly chunkBytes: number;
  /** Of each sealed chunk message, in order. */
  readonly chunkHashes: readonly string[];
}

export interface SealedChunks {
  readonly parts: SnapshotParts;
  /** The sealed message of one chunk, made anew at each call: only hashes are kept. */
  chunk(index: number): Uint8Array;
}

// On the wire: format, snapshot, index (big-endian); then the image's bytes under AES-256-GCM with
// these 13 bytes as additional data; then its tag.
const formatVersion = 1;
const nameBytes = 8;
const indexAt = 1 + nameBytes;
const labelBytes = indexAt + 4;
const tagBytes = 16;
const nonceBytes = 12;

/** What a chunk and a `get` call a snapshot: the first 16 hex digits of its image's hash. */
export function snapshotName({ imageHash }: Pick<SnapshotParts, "imageHash">): string {
  return imageHash.slice(0, 2 * nameBytes);
}

/**
 * The same image and key give the same chunks: a transfer goes on after the site was restarted.
 * `image` is kept, not copied. Throws where it is empty or of more than `snapshotChunksMax` chunks.
 */
export function sealChunks(tableKey: KeyObject, image: Uint8Array): SealedChunks {
  const count = Math.ceil(image.length / chunkBytes);
  if (count === 0 || count > snapshotChunksMax) {
    throw new Error(`an image of ${image.length} bytes cannot be sent`);
  }
  const imageHash = hashOf(image);
  const key = chunkKey(tableKey, imageHash);
  const chunk = (index: number): Uint8Array => {
    const plain = image.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    if (plain.length === 0) throw new Error(`no chunk ${index} of ${count}`);
    return sealChunk(key, { imageHash, index, plain });
  };
  const chunkHashes = Array.from({ length: count }, (_, index) => hashOf(chunk(index)));
  return { parts: { imageBytes: image.length, imageHash, chunkBytes, chunkHashes }, chunk };
}

interface PlainChunk {
  readonly imageHash: string;
  readonly index: number;
  readonly plain: Uint8Array;
}

function sealChunk(key: Uint8Array, { imageHash, index, plain }: PlainChunk): Uint8Array {
  const label = Buffer.alloc(labelBytes);
  label[0] = formatVersion;
  label.set(bytesOfHex(snapshotName({ imageHash })), 1);
  label.writeUInt32BE(index, indexAt);
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(index), { authTagLength: tagBytes });
  cipher.setAAD(label);
  return Buffer.concat([label, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What a chunk says it is. Believed by nobody before `openChunk`. */
export interface ChunkLabel {
  /** See `snapshotName`. */
  readonly snapshot: string;
  readonly index: number;
}

export function readChunkLabel(message: Uint8Array): Result<ChunkLabel, TableRefusal> {
  if (message.length <= labelBytes + tagBytes) {
    return fail({ reason: "malformed", detail: `only ${message.length} bytes` });
  }
  if (message[0] !== formatVersion) {
    return fail({ reason: "malformed", detail: `format ${message[0]}, expected ${formatVersion}` });
  }
  const label = Buffer.from(message.buffer, message.byteOffset, labelBytes);
  const index = label.readUInt32BE(indexAt);
  return index < snapshotChunksMax
    ? succeed({ snapshot: label.toString("hex", 1, indexAt), index })
    : fail({ reason: "malformed", detail: `chunk ${index}, expected below ${snapshotChunksMax}` });
}

/** The image's bytes from `index * chunkBytes`. */
export function openChunk(
  tableKey: KeyObject,
  manifest: SnapshotParts,
  index: number,
  message: Uint8Array,
): Result<Uint8Array, TableRefusal> {
  const { imageHash, imageBytes, chunkHashes } = manifest;
  const plainBytes = Math.min(manifest.chunkBytes, imageBytes - index * manifest.chunkBytes);
  if (message.length > labelBytes + plainBytes + tagBytes) {
    return fail({ reason: "too_long", detail: `${message.length} bytes in chunk ${index}` });
  }
  if (message.length < labelBytes + plainBytes + tagBytes) {
    return fail({ reason: "malformed", detail: `only ${message.length} bytes in chunk ${index}` });
  }
  // The manifest is signed, so that this is the site's word: what follows only decrypts.
  if (hashOf(message) !== chunkHashes[index]) {
    return fail({ reason: "altered", detail: `chunk ${index} is not the manifest's` });
  }
  const key = chunkKey(tableKey, imageHash);
  const plain = decryptChunk(key, index, message);
  return plain === undefined
    ? fail({ reason: "altered", detail: `chunk ${index} does not decrypt` })
    : succeed(plain);
}

function decryptChunk(key: Uint8Array, index: number, message: Uint8Array): Uint8Array | undefined {
  const tagAt = message.length - tagBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(index), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(message.subarray(0, labelBytes));
  decipher.setAuthTag(message.subarray(tagAt));
  // GCM is a stream: `final` checks the tag and adds nothing.
  const plain = decipher.update(message.subarray(labelBytes, tagAt));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

/** For one image, so that no nonce is used twice for two plain texts under it. */
function chunkKey(tableKey: KeyObject, imageHash: string): Uint8Array {
  return derivedKey(tableKey, "table/chunk cipher", bytesOfHex(imageHash));
}

function nonceOf(index: number): Uint8Array {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUInt32BE(index, nonceBytes - 4);
  return nonce;
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
