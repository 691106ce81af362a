import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import type { SiteOpener, SiteSealer } from "./site-seal.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** Which table the site wants in force at a controller. */
export interface TableHead {
  readonly mark: TableMark;
  /**
   * The version made by the oldest delta that the site still has: whoever is at the version before
   * it, or later, can ask for deltas. `mark.version + 1` where there are none.
   */
  readonly deltasFrom: number;
}

export const tableHeadBytesMax = 256;

export function sealTableHead(sealer: SiteSealer, head: TableHead): Uint8Array {
  throw new Error(`not yet: ${sealer.site} ${head.deltasFrom}`);
}

/** Whether it is newer than what is in force is for the caller to judge: an old head opens too. */
export function openTableHead(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableHead, TableRefusal> {
  throw new Error(`not yet: ${opener.site} ${message.length}`);
}
