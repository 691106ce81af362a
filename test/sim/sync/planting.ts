import type { Journal } from "../../../src/controller/journal.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";
import { facade } from "./controller-life.ts";
import { type Subject, theProduct } from "./subject.ts";

/** One way to get the sync of tables wrong, and the product that does. */
export interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

export const withStore = (
  about: string,
  spoil: (store: TableStore) => Partial<TableStore>,
): PlantedBug => ({
  about,
  subject: { ...theProduct, store: (store) => ({ ...facade(store), ...spoil(store) }) },
});

/** A table that the store puts in force and that is not as it should be; spoilt once each. */
export const withTables = (about: string, spoil: (table: AccessTable) => void): PlantedBug => ({
  about,
  subject: {
    ...theProduct,
    store: (store) => {
      const spoilt = new WeakSet<AccessTable>();
      const table = () => {
        const found = store.table();
        if (found !== undefined && !spoilt.has(found)) {
          spoilt.add(found);
          spoil(found);
        }
        return found;
      };
      return { ...facade(store), table };
    },
  },
});

export const withPremises = (
  about: string,
  spoil: (store: PremisesStore) => Partial<PremisesStore>,
): PlantedBug => ({
  about,
  subject: {
    ...theProduct,
    premises: (store) => ({
      memory: store.memory,
      commit: (changes) => store.commit(changes),
      keep: (changes) => store.keep(changes),
      grantUse: (pass) => store.grantUse(pass),
      takeBack: (pass) => store.takeBack(pass),
      refile: (door, afterRestart) => store.refile(door, afterRestart),
      prune: (has) => store.prune(has),
      pruneUsers: (has) => store.pruneUsers(has),
      damages: () => store.damages(),
      close: () => store.close(),
      ...spoil(store),
    }),
  },
});

export const withReading = (
  about: string,
  spoil: (read: Journal["read"]) => Journal["read"],
): PlantedBug => ({
  about,
  subject: {
    ...theProduct,
    journal: (journal) => ({
      append: (record) => journal.append(record),
      onCommitted: (listener) => journal.onCommitted(listener),
      read: spoil((range) => journal.read(range)),
      acknowledge: (number) => journal.acknowledge(number),
      beginAnew: (from) => journal.beginAnew(from),
      acknowledged: () => journal.acknowledged(),
      highest: () => journal.highest(),
      oldest: () => journal.oldest(),
      id: () => journal.id(),
      status: () => journal.status(),
      reportTroubles: (reporter) => journal.reportTroubles(reporter),
      close: () => journal.close(),
    }),
  },
});

/** What is published on topics that end so goes nowhere, and its publisher is told that it went. */
export function without(end: string): (link: BrokerLink) => BrokerLink {
  return (link) => ({
    ...link,
    publish: (topic, payload, options) =>
      topic.endsWith(end) ? Promise.resolve() : link.publish(topic, payload, options),
  });
}

/** A part of the site that does it otherwise for as long as a life lasts. */
export function withMethod<Part extends object, Name extends keyof Part>(
  about: string,
  part: { readonly prototype: Part },
  name: Name,
  spoil: (own: Part[Name]) => Part[Name],
): PlantedBug {
  const { prototype } = part;
  const plant = () => {
    const own = prototype[name];
    prototype[name] = spoil(own);
    return () => {
      prototype[name] = own;
    };
  };
  return { about, subject: { ...theProduct, plant } };
}
