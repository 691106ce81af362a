import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TableStore } from "../../../src/controller/table-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import type { TableDelta } from "../../../src/domain/table-change.ts";
import type { SiteOpener } from "../../../src/protocols/sync/site-seal.ts";
import {
  authorize,
  createSystemClock,
  openerOf,
  openTableDelta,
  openTableStore,
  parseProvision,
} from "../compiled/controller-program.ts";
import type { Decide } from "../decision/subject.ts";
import { posternFiles, readMessages } from "./postern-files.ts";
import type { LoadedTable, LoadTable } from "./subject.ts";

/** What a controller does: the store's table, and deltas opened, then on disk, then applied. */
export const loadPosternTable: LoadTable = async (folder) => {
  const provision = parseProvision(readFileSync(join(folder, posternFiles.provision), "utf8"));
  if (!provision.ok) throw new Error(`${provision.fault.field}: ${provision.fault.expected}`);
  const store = await openTableStore({
    folder: join(folder, posternFiles.store),
    provision: provision.value,
    clock: createSystemClock({ quality: () => "trusted" }),
  });
  return new PosternTable(folder, store, openerOf(provision.value));
};

class PosternTable implements LoadedTable {
  readonly #folder: string;
  readonly #store: TableStore;
  readonly #opener: SiteOpener;
  #table: AccessTable;
  #messages: readonly Uint8Array[] = [];
  #taken = 0;

  constructor(folder: string, store: TableStore, opener: SiteOpener) {
    this.#folder = folder;
    this.#store = store;
    this.#opener = opener;
    const table = store.table();
    if (table === undefined) throw new Error(`no table: ${JSON.stringify(store.damages())}`);
    this.#table = table;
  }

  readonly decide: Decide = (request) => authorize(this.#table, request);

  expect(count: number): void {
    this.#messages = readMessages(this.#folder, count);
  }

  async takeNext(count: number): Promise<void> {
    const deltas = this.#open(count);
    const stored = await this.#store.append(deltas);
    if (!stored.ok) throw stored.fault;
    apply(this.#table, deltas);
  }

  readyInMemory(count: number): () => void {
    const deltas = this.#open(count);
    return () => apply(this.#table, deltas);
  }

  async fold(): Promise<void> {
    const folded = await this.#store.fold();
    if (!folded.ok) throw folded.fault;
    this.#table = folded.value;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  #open(count: number): readonly TableDelta[] {
    const messages = this.#messages.slice(this.#taken, this.#taken + count);
    this.#taken += count;
    return messages.map((message) => {
      const opened = openTableDelta(this.#opener, message);
      if (!opened.ok) throw new Error(`${opened.fault.reason}: ${opened.fault.detail}`);
      return opened.value;
    });
  }
}

function apply(table: AccessTable, deltas: readonly TableDelta[]): void {
  for (const delta of deltas) {
    const applied = table.apply(delta);
    if (!applied.ok) throw new Error(applied.fault);
  }
}
