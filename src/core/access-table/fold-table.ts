import type { AccessTable } from "./access-table.ts";
import type { HashKey } from "./keyed-hash.ts";
import { writeTableImage } from "./write-table-image.ts";

/**
 * The image of a table with all that was applied to it: the very bytes that `buildTableImage` makes of
 * that content. Takes a few times the image's memory for a moment, and seconds for a million passes.
 */
export function foldTable(table: AccessTable, hashKey: HashKey): Uint8Array {
  return writeTableImage(table.imageSource(), hashKey);
}
