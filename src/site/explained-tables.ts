import { LRUCache } from "lru-cache";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { buildTableImage, type TableImageContent } from "../core/access-table/build-table-image.ts";
import { adoptTableImage } from "../core/access-table/open-table-image.ts";
import type { ControllerId } from "../domain/ids.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import type { SiteKeys } from "./site-keys.ts";
import { hashKeyOf } from "./table-snapshots.ts";

/** Tables that questions were asked of: each is as large as its controller's. */
const tablesMax = 4;

/** Tables as their controllers have them, for whoever asks what a door would say. */
export class ExplainedTables {
  readonly #keys: SiteKeys;
  readonly #contentOf: (controller: ControllerId) => TableImageContent | undefined;
  readonly #tables = new LRUCache<ControllerId, AccessTable>({ max: tablesMax });

  constructor(keys: SiteKeys, contentOf: (of: ControllerId) => TableImageContent | undefined) {
    this.#keys = keys;
    this.#contentOf = contentOf;
  }

  /** Undefined where the site does not know what it says. */
  of(controller: ControllerId): AccessTable | undefined {
    const content = this.#contentOf(controller);
    if (content === undefined) return undefined;
    const known = this.#tables.get(controller);
    if (known !== undefined && isSameTable(known.mark, content.mark)) return known;
    const image = buildTableImage(content, hashKeyOf(this.#keys, controller, content.mark));
    const table = adoptTableImage(image, parseTableFrame);
    this.#tables.set(controller, table);
    return table;
  }
}
