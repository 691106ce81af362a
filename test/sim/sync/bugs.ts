import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { succeed } from "../../../src/domain/result.ts";
import type { TableChange } from "../../../src/domain/table-change.ts";
import { ControllerView } from "../../../src/site/controller-view.ts";
import { TableHeads } from "../../../src/site/table-heads.ts";
import { TablePublisher } from "../../../src/site/table-publisher.ts";
import { TableRequests } from "../../../src/site/table-requests.ts";
import {
  type PlantedBug,
  withMethod,
  without,
  withPremises,
  withReading,
  withStore,
  withTables,
} from "./planting.ts";
import { theProduct } from "./subject.ts";

/** Every bug that the lives must find. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  deltasAreNotStored: withStore("a delta is in force and never on disk", () => ({
    append: () => Promise.resolve(succeed(undefined)),
  })),
  deltasLoseTheirLast: withTables("the last change of a delta is not applied", (table) =>
    applying(table, (changes) => changes.slice(0, -1)),
  ),
  usersComeLater: withTables("what a delta says of users waits for the next", (table) => {
    let kept: readonly TableChange[] = [];
    applying(table, (changes) => {
      const late = changes.filter(({ kind }) => kind === "user");
      const now = [...kept, ...changes.filter((change) => !late.includes(change))];
      kept = late;
      return now;
    });
  }),
  passesStayActive: withTables("a pass that is switched off opens doors", (table) => {
    table.passes.isActive = () => true;
  }),
  cardsStay: withTables("a pass that is gone is still found by its card", (table) => {
    const found = new Map<string, number>();
    const find = table.passes.findCard.bind(table.passes);
    table.passes.findCard = (raw) => {
      const pass = find(raw);
      if (pass >= 0) found.set(raw, pass);
      return pass >= 0 ? pass : (found.get(raw) ?? -1);
    };
  }),
  foldsForgetSuspensions: withStore(
    "who is suspended is not, once the table is folded",
    (store) => ({
      fold: async () => {
        const folded = await store.fold();
        if (folded.ok) folded.value.isSuspended = () => false;
        return folded;
      },
    }),
  ),
  chunksAreWrittenBlank: withStore("a chunk of a snapshot is stored as zeros", (store) => ({
    beginSnapshot: async (manifest) => {
      const begun = await store.beginSnapshot(manifest);
      if (!begun.ok) return begun;
      const file = begun.value;
      return succeed({
        missing: () => file.missing(),
        put: (index, plain) => file.put(index, new Uint8Array(plain.length)),
        finish: () => file.finish(),
        abandon: () => file.abandon(),
      });
    },
  })),
  doorsKeepTheirTable: {
    about: "the doors go on with a table that another took the place of",
    subject: {
      ...theProduct,
      doors: (doors) => ({
        setTable: (table) => doors.table() ?? doors.setTable(table),
        tableChanged: (changes) => doors.tableChanged(changes),
        table: () => doors.table(),
      }),
    },
  },
  handOversAreNotFollowed: {
    about: "a controller stays with the key that it was provisioned with",
    subject: {
      ...theProduct,
      siteKeys: (keys) => ({
        current: () => keys.current(),
        damage: () => keys.damage(),
        take: () => Promise.resolve(succeed("known")),
      }),
    },
  },
  nothingIsAskedFor: {
    about: "what a controller lacks it does not ask for",
    subject: { ...theProduct, controllerLink: without("table/get") },
  },
  nothingIsAnswered: {
    about: "a controller does not say what became of its table",
    subject: { ...theProduct, controllerLink: without("table/ack") },
  },
  manifestsAreNotSent: {
    about: "a snapshot is asked for and never begun",
    subject: { ...theProduct, siteLink: without("table/manifest") },
  },
  entriesAreSkipped: withReading("one entry in ten is not sent", (read) => async (range) => {
    return (await read(range)).filter(({ number }) => number % 10 !== 0);
  }),
  entriesAreRetold: withReading("an entry is sent with another time", (read) => async (range) => {
    return (await read(range)).map((entry) => {
      return entry.number % 10 === 0 ? { ...entry, tableAgeMs: 1 } : entry;
    });
  }),
  usesAreInMemoryOnly: withPremises("a use is granted and not on disk", ({ memory }) => ({
    commit: (changes) => {
      for (const change of changes) memory.apply(change);
      return Promise.resolve();
    },
    grantUse: (pass) => memory.spent(pass),
  })),
  everybodyIsEverywhere: withMethod(
    "every controller has the passes of all doors",
    ControllerView,
    "holds",
    () => () => true,
  ),
  usesAreNotTold: withMethod(
    "what was spent at one controller no other hears of",
    TablePublisher,
    "noteUses",
    () => () => undefined,
  ),
  nothingIsOvertaken: withMethod(
    "a site that was set back takes no notice of who is ahead of it",
    TablePublisher,
    "heard",
    (heard) =>
      function (this: TablePublisher, controller, ack) {
        if (ack.outcome !== "refused") heard.call(this, controller, ack);
      },
  ),
  headsKeepTheirKey: withMethod(
    "what was signed before a hand-over goes out after it",
    TablePublisher,
    "signAnew",
    () => () => undefined,
  ),
  headsStay: withMethod(
    "the head is the one of before, whatever changes",
    TableHeads,
    "renew",
    () => () => undefined,
  ),
  requestsAreNotHeard: withMethod(
    "who asks is not answered",
    TableRequests,
    "take",
    () => () => undefined,
  ),
};

function applying(
  table: AccessTable,
  spoil: (changes: readonly TableChange[]) => readonly TableChange[],
): void {
  const apply = table.apply.bind(table);
  table.apply = (delta) => apply({ ...delta, changes: spoil(delta.changes) });
}
