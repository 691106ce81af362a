import type { Journal } from "../../../src/controller/journal.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { SiteKeyStore } from "../../../src/controller/site-key-store.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import type { TableChange } from "../../../src/domain/table-change.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";

/** What the sync client puts in force, and what decides by it. */
export interface Decider {
  setTable(table: AccessTable): void;
  tableChanged(changes: readonly TableChange[]): void;
  table(): AccessTable | undefined;
}

/** The parts of site and controllers as the simulation joins them, and where a bug may be planted. */
export interface Subject {
  controllerLink(link: BrokerLink): BrokerLink;
  siteLink(link: BrokerLink): BrokerLink;
  store(store: TableStore): TableStore;
  premises(store: PremisesStore): PremisesStore;
  journal(journal: Journal): Journal;
  siteKeys(keys: SiteKeyStore): SiteKeyStore;
  doors(doors: Decider): Decider;
  /** For what no seam leads to: changes the product for as long as a life lasts. */
  plant(): () => void;
}

export const theProduct: Subject = {
  controllerLink: (link) => link,
  siteLink: (link) => link,
  store: (store) => store,
  premises: (store) => store,
  journal: (journal) => journal,
  siteKeys: (keys) => keys,
  doors: (doors) => doors,
  plant: () => () => undefined,
};
