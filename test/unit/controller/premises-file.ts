import { join } from "node:path";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import {
  openPremisesStore,
  type PremisesStoreOptions,
} from "../../../src/controller/open-premises-store.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import { temporaryFolder } from "./journal-records.ts";
import { TroubleList } from "./premises-changes.ts";

export function fileIn(t: Parameters<typeof temporaryFolder>[0]): string {
  return join(temporaryFolder(t), "premises.log");
}

export function open(file: string, options: Partial<PremisesStoreOptions> = {}) {
  const { clock = new SimClock(), troubles = new TroubleList(), isFirstStart = true } = options;
  return openPremisesStore({ file, clock, troubles, isFirstStart });
}

/** What a fresh process finds. */
export async function reopened<T>(file: string, look: (store: PremisesStore) => T): Promise<T> {
  const store = await open(file, { isFirstStart: false });
  const seen = look(store);
  await store.close();
  return seen;
}
