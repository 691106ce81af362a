import type { AccessTable } from "./access-table.ts";
import type { HashKey } from "./keyed-hash.ts";

/**
 * The image of a table with all that was applied to it: the very bytes that `buildTableImage` makes of
 * that content. Takes about as much memory as the image, and seconds for a million passes.
 */
export function foldTable(table: AccessTable, hashKey: HashKey): Uint8Array {
  throw new Error(`to come: ${table.mark.version} ${hashKey[0]}`);
}
