import type { Logger } from "pino";
import type { TableStore } from "../controller/table-store.ts";
import type { Troubles } from "../controller/troubles.ts";

/** Shows what a store found damaged as troubles, each until it was written anew. */
export class TableDamages {
  readonly #store: TableStore;
  readonly #troubles: Troubles;
  readonly #files: ReadonlySet<string>;

  constructor(store: TableStore, { troubles, log }: { troubles: Troubles; log: Logger }) {
    this.#store = store;
    this.#troubles = troubles;
    const damages = store.damages();
    this.#files = new Set(damages.map(({ file }) => file));
    for (const { file, detail } of damages) {
      log.error({ file, detail }, "a stored table cannot be used");
    }
    this.refresh();
  }

  /** After the store wrote something. */
  refresh(): void {
    if (this.#files.size === 0) return;
    const left = new Set(this.#store.damages().map(({ file }) => file));
    for (const file of this.#files) this.#troubles.set(`table_damaged:${file}`, left.has(file));
  }
}
