import type { AccessTable } from "../core/access-table/access-table.ts";
import { openTableImage } from "../core/access-table/open-table-image.ts";
import type { ControllerId, SiteId } from "../domain/ids.ts";
import { fail, type Result } from "../domain/result.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";

/** Whose tables are good here. */
export interface TableOwner {
  readonly site: SiteId;
  readonly controller: ControllerId;
}

/** Verifies all of it. The fault says what is wrong, for people. */
export function openOwnImage(bytes: Uint8Array, owner: TableOwner): Result<AccessTable, string> {
  const table = openTableImage(bytes, parseTableFrame);
  if (!table.ok) return table;
  const { site, controller } = table.value.frame;
  if (site === owner.site && controller === owner.controller) return table;
  return fail("it is another controller's table");
}
