import * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import { bytesOfHex, hexOf } from "./packed-values.ts";
import { parseContent } from "./parse-content.ts";
import { integer, tableMark } from "./schema-parts.ts";
import {
  openSecretly,
  readBody,
  type SiteOpener,
  type SiteSealer,
  sealSecretly,
} from "./site-seal.ts";
import { type SnapshotParts, snapshotChunksMax } from "./snapshot-chunk.ts";
import { encodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What a snapshot is made of, vouched for by the site. Hashes are SHA-256, 64 hex digits. */
export interface SnapshotManifest extends SnapshotParts {
  /** Of the table in the image, which must say the same. */
  readonly mark: TableMark;
}

const hashBytes = 32;
// Beside the hashes: the seal, the mark, three numbers and a hash in CBOR.
export const manifestBytesMax = snapshotChunksMax * hashBytes + 512;

const chunkBytesLeast = 1_024;
const chunkBytesMost = 1_024 * 1_024;

const hash = v.pipe(
  v.instance(Uint8Array),
  v.check(({ length }) => length === hashBytes, `${hashBytes} bytes`),
  v.transform((bytes) => hexOf(bytes)),
);

const hashes = v.pipe(
  v.instance(Uint8Array),
  v.check(({ length }) => length % hashBytes === 0, `hashes of ${hashBytes} bytes`),
  v.transform((bytes) =>
    Array.from({ length: bytes.length / hashBytes }, (_, index) =>
      hexOf(bytes.subarray(index * hashBytes, (index + 1) * hashBytes)),
    ),
  ),
);

const manifestSchema = v.pipe(
  v.strictObject({
    mark: tableMark,
    imageBytes: integer(1, snapshotChunksMax * chunkBytesMost),
    imageHash: hash,
    chunkBytes: integer(chunkBytesLeast, chunkBytesMost),
    chunkHashes: hashes,
  }),
  v.forward(
    v.check(
      ({ imageBytes, chunkBytes, chunkHashes }) =>
        chunkHashes.length === Math.ceil(imageBytes / chunkBytes) &&
        chunkHashes.length <= snapshotChunksMax,
      `one for each chunk of the image, at most ${snapshotChunksMax}`,
    ),
    ["chunkHashes"],
  ),
);

/** Secret, because who knows the hash of a small image could try guesses at what is in it. */
export function sealManifest(sealer: SiteSealer, manifest: SnapshotManifest): Uint8Array {
  const { mark, imageBytes, imageHash, chunkBytes, chunkHashes } = manifest;
  const body = {
    mark: { epoch: mark.epoch, version: mark.version, tag: mark.tag },
    imageBytes,
    imageHash: bytesOfHex(imageHash),
    chunkBytes,
    chunkHashes: bytesOfHex(chunkHashes.join("")),
  };
  return sealSecretly(sealer, "table/manifest", encodeCbor(body));
}

/** Whether it is newer than what is in force is for the caller to judge: an old one opens too. */
export function openManifest(
  opener: SiteOpener,
  message: Uint8Array,
): Result<SnapshotManifest, TableRefusal> {
  const opened = openSecretly(opener, "table/manifest", { message, bytesMax: manifestBytesMax });
  if (!opened.ok) return opened;
  const body = readBody(opened.value);
  if (!body.ok) return body;
  return parseContent(manifestSchema, body.value);
}
