import { open } from "node:fs/promises";
import { chunkBytes, snapshotChunksMax } from "../protocols/sync/snapshot-chunk.ts";

/** The names in a table store's folder. */
export const tableSlots = ["a", "b"] as const;
export type TableSlot = (typeof tableSlots)[number];

export const imageFile = (slot: TableSlot): string => `image.${slot}`;
export const logFile = (slot: TableSlot): string => `deltas.${slot}`;
export const newestFile = "newest";
export const partFile = "part";
export const partStateFile = "part.state";

/** What says that it is larger is damaged. */
export const imageBytesMax = snapshotChunksMax * chunkBytes;

export function otherSlot(slot: TableSlot | undefined): TableSlot {
  return slot === "a" ? "b" : "a";
}

/**
 * All of a file of at most `bytesMax`, in a buffer that is its alone and can go to another thread.
 * Rejects with the file system's error.
 */
export async function readWhole(file: string, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) throw new Error(`${size} bytes, at most ${bytesMax}`);
    const bytes = new Uint8Array(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await handle.read(bytes, done, size - done, done);
      if (bytesRead === 0) throw new Error(`it ended after ${done} of ${size} bytes`);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

export function describeFailure(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
