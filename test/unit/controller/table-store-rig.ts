import type { Clock } from "../../../hal/clock.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { openFiledTableStore } from "../../../src/controller/filed-table-store.ts";
import type { SnapshotFault } from "../../../src/controller/snapshot-file.ts";
import {
  type RunTableJob,
  type TableJobInput,
  type TableJobName,
  type TableJobOutput,
  tableJobs,
} from "../../../src/controller/table-jobs.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import type { Result } from "../../../src/domain/result.ts";
import type { TableDelta, TableMark } from "../../../src/domain/table-change.ts";
import {
  deltasFrom,
  owner,
  type PaperSnapshot,
  saidBy,
  snapshotAt,
  truthAt,
} from "./paper-site.ts";

/** Does each job at once, where its faults and its mistakes end the test. */
export const runHere = ((name: TableJobName, input: unknown) => {
  const job = tableJobs[name] as (input: unknown) => Promise<unknown>;
  return job(input);
}) as RunHere;

type RunHere = <Name extends TableJobName>(
  name: Name,
  input: TableJobInput<Name>,
) => Promise<TableJobOutput<Name>>;

export function openHere(
  folder: string,
  { run = runHere, clock = new SimClock() }: { run?: RunTableJob; clock?: Clock } = {},
): Promise<TableStore> {
  return openFiledTableStore({ folder, owner, run, clock });
}

/** What a fresh process finds. */
export async function reopened<T>(folder: string, look: (store: TableStore) => T): Promise<T> {
  const store = await openHere(folder);
  const seen = look(store);
  await store.close();
  return seen;
}

export function tableOf(store: TableStore): AccessTable {
  const table = store.table();
  if (table === undefined) throw new Error("no table is in force");
  return table;
}

/** Stores deltas and puts them in force, as a controller does. */
export async function append(store: TableStore, deltas: readonly TableDelta[]): Promise<void> {
  const appended = await store.append(deltas);
  if (!appended.ok) throw appended.fault;
  for (const delta of deltas) {
    const applied = tableOf(store).apply(delta);
    if (!applied.ok) throw new Error(applied.fault);
  }
}

export function advance(store: TableStore, count: number): Promise<void> {
  return append(store, deltasFrom(tableOf(store).mark, count));
}

/** Fetches what is missing of a snapshot and finishes it. */
export async function fetch(
  store: TableStore,
  { manifest, chunk }: PaperSnapshot,
): Promise<Result<AccessTable, SnapshotFault>> {
  const begun = await store.beginSnapshot(manifest);
  if (!begun.ok) throw begun.fault;
  for (const index of begun.value.missing()) {
    const stored = await begun.value.put(index, chunk(index));
    if (!stored.ok) throw stored.fault;
  }
  return begun.value.finish();
}

export async function install(store: TableStore, mark: TableMark): Promise<void> {
  const finished = await fetch(store, snapshotAt(mark));
  if (!finished.ok) throw new Error(`${mark.version}: ${String(finished.fault)}`);
}

export async function fold(store: TableStore): Promise<void> {
  const folded = await store.fold();
  if (!folded.ok) throw folded.fault;
}

/** Whether it is the very table that the site made of its mark. */
export function isWhole(table: AccessTable): boolean {
  return saidBy(table).join() === truthAt(table.mark).join();
}
