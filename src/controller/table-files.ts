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
