import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { fail, type Result, succeed } from "../domain/result.ts";
import { type SnapshotParts, snapshotChunksMax } from "../protocols/sync/snapshot-chunk.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import { openOwnImage, type TableOwner } from "./own-image.ts";
import { readWhole } from "./read-whole.ts";
import { imageBytesMax, partFile, partStateFile } from "./table-files.ts";

/*
 * A part is the image as far as it came, each chunk at its place. Its state is 48 bytes that say of
 * which image, then for each chunk 4 bytes: 0 where it is missing, else the CRC-32 of the chunk. So
 * neither file has to be made durable before the other: a chunk that did not get onto the disk does
 * not match. The image's own hash vouches for the whole in the end.
 */
export const partHeaderBytes = 48;
export const checkBytes = 4;
const stateBytesMax = partHeaderBytes + snapshotChunksMax * checkBytes;
const magic = "PSTNPART";

export interface PartPlace {
  readonly folder: string;
  readonly parts: SnapshotParts;
}

/** What the state of a part begins with. */
export function partHeader({ imageBytes, imageHash, chunkBytes }: SnapshotParts): Buffer {
  const header = Buffer.alloc(partHeaderBytes);
  header.write(magic, 0, "latin1");
  header.writeUInt32LE(imageBytes, 8);
  header.writeUInt32LE(chunkBytes, 12);
  header.write(imageHash, 16, "hex");
  return header;
}

export function checkOf(chunk: Uint8Array): number {
  return crc32(chunk);
}

export function chunkCount({ chunkHashes }: SnapshotParts): number {
  return chunkHashes.length;
}

export function chunkLength({ imageBytes, chunkBytes }: SnapshotParts, index: number): number {
  return Math.min(chunkBytes, imageBytes - index * chunkBytes);
}

/** Whether a part of this image was begun. What cannot be read was not. */
export async function isPartBegun({ folder, parts }: PartPlace): Promise<boolean> {
  try {
    const handle = await open(join(folder, partStateFile), "r");
    try {
      const header = Buffer.alloc(partHeaderBytes);
      await handle.read(header, 0, partHeaderBytes, 0);
      return header.equals(partHeader(parts));
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}

/** Which chunks are there, of a part that was begun. What cannot be read is not there. */
export async function surveyPart({ folder, parts }: PartPlace): Promise<readonly number[]> {
  try {
    const state = await readWhole(join(folder, partStateFile), stateBytesMax);
    const handle = await open(join(folder, partFile), "r");
    try {
      return await presentChunks(handle, Buffer.from(state.buffer), parts);
    } finally {
      await handle.close();
    }
  } catch {
    return [];
  }
}

async function presentChunks(handle: FileHandle, state: Buffer, parts: SnapshotParts) {
  const present: number[] = [];
  const chunk = Buffer.alloc(parts.chunkBytes);
  for (let index = 0; index < chunkCount(parts); index += 1) {
    const at = partHeaderBytes + index * checkBytes;
    const check = at + checkBytes <= state.length ? state.readUInt32LE(at) : 0;
    if (check === 0) continue;
    const length = chunkLength(parts, index);
    const { bytesRead } = await handle.read(chunk, 0, length, index * parts.chunkBytes);
    if (bytesRead === length && checkOf(chunk.subarray(0, length)) === check) present.push(index);
  }
  return present;
}

/**
 * That the part, all of whose chunks are there, is what its manifest says and a table for us: then
 * its bytes. Rejects where it cannot be read.
 */
export async function verifyPart({
  folder,
  manifest,
  owner,
}: {
  readonly folder: string;
  readonly manifest: SnapshotManifest;
  readonly owner: TableOwner;
}): Promise<Result<Uint8Array<ArrayBuffer>, string>> {
  const bytes = await readWhole(join(folder, partFile), imageBytesMax);
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== manifest.imageHash) return fail("its hash does not match");
  const table = openOwnImage(bytes, owner);
  if (!table.ok) return table;
  if (!isSameTable(table.value.mark, manifest.mark)) return fail("it is not the manifest's table");
  return succeed(bytes);
}
