import type { PassRecord } from "../../domain/access.ts";
import type { TableFrame, TableMark, TableUser } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { HashKey } from "./keyed-hash.ts";

/** All that an image says. References resolve inside; ids and credentials are unique. */
export interface TableImageContent {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly frame: TableFrame;
  readonly users: Iterable<TableUser>;
  readonly passes: Iterable<PassRecord>;
}

/**
 * The file that is the table; README.md says what stands where. The same content, in whatever order,
 * and the same key give the same bytes. Throws for content that is not valid.
 */
export function buildTableImage(content: TableImageContent, hashKey: HashKey): Uint8Array {
  throw new Error(`to come: ${content.mark.version} ${hashKey[0]}`);
}
