import type { Result } from "../../domain/result.ts";
import type { TableFrame, TableMark } from "../../domain/table-change.ts";
import type { AccessTable } from "./access-table.ts";

/** What checks a frame that was read from an image. The fault is for people. */
export type ParseFrame = (raw: unknown) => Result<TableFrame, string>;

/**
 * The table that these bytes are. They may be any: all is verified that a later look could stumble
 * over. The table keeps views over `bytes`, which must not change any more.
 */
export function openTableImage(
  bytes: Uint8Array,
  parseFrame: ParseFrame,
): Result<AccessTable, string> {
  throw new Error(`to come: ${bytes.length} ${parseFrame.length}`);
}

/**
 * For bytes that `openTableImage` has found good, in this thread or another: only lays views over
 * them. Throws for bytes that are plainly no image.
 */
export function adoptTableImage(bytes: Uint8Array, parseFrame: ParseFrame): AccessTable {
  throw new Error(`to come: ${bytes.length} ${parseFrame.length}`);
}

/** What the first bytes of an image (`imageHeaderBytes` will do) say it is. Verifies the header only. */
export function readImageMark(bytes: Uint8Array): Result<TableMark, string> {
  throw new Error(`to come: ${bytes.length}`);
}
