import type { SnapshotFile } from "../../../src/controller/snapshot-file.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { fail, succeed } from "../../../src/domain/result.ts";

type Append = TableStore["append"];
type Begin = TableStore["beginSnapshot"];

/** A table store on a disk that can be full for a while, and of which one knows when it rests. */
export class FillableStore implements TableStore {
  isFull = false;
  readonly #store: TableStore;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(store: TableStore) {
    this.#store = store;
  }

  /** Whatever was begun has ended, however long this machine's disk took. */
  async rested(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  table(): ReturnType<TableStore["table"]> {
    return this.#store.table();
  }

  newestAccepted(): ReturnType<TableStore["newestAccepted"]> {
    return this.#store.newestAccepted();
  }

  damages(): ReturnType<TableStore["damages"]> {
    return this.#store.damages();
  }

  onLoaded(listener: Parameters<TableStore["onLoaded"]>[0]): void {
    this.#store.onLoaded(listener);
  }

  append(deltas: Parameters<Append>[0]): ReturnType<Append> {
    return this.isFull ? this.#full() : this.#note(this.#store.append(deltas));
  }

  foldIsDue(): boolean {
    return this.#store.foldIsDue();
  }

  fold(): ReturnType<TableStore["fold"]> {
    return this.isFull ? this.#full() : this.#note(this.#store.fold());
  }

  async beginSnapshot(manifest: Parameters<Begin>[0]): ReturnType<Begin> {
    if (this.isFull) return this.#full();
    const begun = await this.#note(this.#store.beginSnapshot(manifest));
    return begun.ok ? succeed(this.#noted(begun.value)) : begun;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #noted(file: SnapshotFile): SnapshotFile {
    return {
      missing: () => file.missing(),
      put: (index, plain) => (this.isFull ? this.#full() : this.#note(file.put(index, plain))),
      finish: () => (this.isFull ? this.#full() : this.#note(file.finish())),
      abandon: () => this.#note(file.abandon()),
    };
  }

  #note<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    return work.finally(() => this.#underWay.delete(work));
  }

  async #full() {
    return fail(new HalError("io", "no space left on device"));
  }
}
