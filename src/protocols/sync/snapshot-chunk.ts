import type { KeyObject } from "node:crypto";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** Image bytes in each chunk but the last. */
export const chunkBytes = 256 * 1_024;

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

/** What a chunk and a `get` call a snapshot: the first 16 hex digits of its image's hash. */
export function snapshotName({ imageHash }: Pick<SnapshotParts, "imageHash">): string {
  return imageHash.slice(0, 16);
}

/** The same image and key give the same chunks: a transfer goes on after the site was restarted. */
export function sealChunks(tableKey: KeyObject, image: Uint8Array): SealedChunks {
  throw new Error(`not yet: ${tableKey.type} ${image.length}`);
}

/** What a chunk says it is. Believed by nobody before `openChunk`. */
export interface ChunkLabel {
  /** See `snapshotName`. */
  readonly snapshot: string;
  readonly index: number;
}

export function readChunkLabel(message: Uint8Array): Result<ChunkLabel, TableRefusal> {
  throw new Error(`not yet: ${message.length} ${String(fail)} ${String(succeed)}`);
}

/** The image's bytes from `index * chunkBytes`. */
export function openChunk(
  tableKey: KeyObject,
  manifest: SnapshotParts,
  index: number,
  message: Uint8Array,
): Result<Uint8Array, TableRefusal> {
  throw new Error(`not yet: ${tableKey.type} ${manifest.imageBytes} ${index} ${message.length}`);
}
