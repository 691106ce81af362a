import type { Journal } from "../../../src/controller/journal.ts";

/** A journal that keeps nothing: a thousand real ones are a thousand threads, and are not measured. */
export const lightJournal: Journal = {
  append: () => {},
  onCommitted: () => () => {},
  read: async () => [],
  acknowledge: () => {},
  beginAnew: () => {},
  acknowledged: () => 0,
  highest: () => 0,
  oldest: () => 1,
  id: () => undefined,
  status: () => ({
    journal: undefined,
    highest: 0,
    acknowledged: 0,
    queuedCount: 0,
    lostCount: 0,
    troubles: [],
    failure: undefined,
  }),
  reportTroubles: () => {},
  close: async () => {},
};
