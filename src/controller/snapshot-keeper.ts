import { HalError } from "../domain/hal-error.ts";
import { unreachable } from "../domain/unreachable.ts";
import { snapshotName } from "../protocols/sync/snapshot-chunk.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import type {
  SnapshotFailure,
  TransferEffect,
  TransferInput,
} from "../protocols/sync/transfer-state.ts";
import type { SnapshotFault, SnapshotFile } from "./snapshot-file.ts";
import type { TableStore } from "./table-store.ts";

export type SnapshotEffect = Extract<
  TransferEffect,
  {
    readonly kind: "begin_snapshot" | "store_chunk" | "finish_snapshot" | "abandon_snapshot";
  }
>;

interface OpenSnapshot {
  readonly name: string;
  readonly file: SnapshotFile;
}

/** Does with a snapshot's file what a transfer asks for, one thing after the other. */
export class SnapshotKeeper {
  readonly #store: TableStore;
  readonly #tell: (result: TransferInput) => void;
  #open: OpenSnapshot | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(store: TableStore, tell: (result: TransferInput) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  carryOut(effect: SnapshotEffect): void {
    // It rejects for mistakes of ours only, and those end the process.
    this.#work = this.#work.then(() => (this.#isClosed ? undefined : this.#do(effect)));
  }

  /** What is under way is left to the store, which ends it when it closes. */
  close(): void {
    this.#isClosed = true;
  }

  async #do(effect: SnapshotEffect): Promise<void> {
    if (effect.kind === "begin_snapshot") return this.#begin(effect.manifest);
    const open = this.#open;
    // It failed or was left since this was asked for.
    if (open?.name !== effect.snapshot) return;
    switch (effect.kind) {
      case "store_chunk": {
        const { snapshot, index, plain } = effect;
        const stored = await open.file.put(index, plain);
        if (!stored.ok) return this.#fail(snapshot, stored.fault);
        return this.#tell({ kind: "chunk_stored", snapshot, index });
      }
      case "finish_snapshot":
        return this.#finish(open);
      case "abandon_snapshot":
        this.#open = undefined;
        return open.file.abandon();
      default:
        return unreachable(effect);
    }
  }

  async #begin(manifest: SnapshotManifest): Promise<void> {
    const snapshot = snapshotName(manifest);
    this.#open = undefined;
    const begun = await this.#store.beginSnapshot(manifest);
    if (!begun.ok) return this.#fail(snapshot, begun.fault);
    this.#open = { name: snapshot, file: begun.value };
    this.#tell({ kind: "snapshot_begun", snapshot, missing: begun.value.missing() });
  }

  async #finish({ name, file }: OpenSnapshot): Promise<void> {
    const finished = await file.finish();
    if (!finished.ok) return this.#fail(name, finished.fault);
    this.#open = undefined;
    this.#tell({ kind: "snapshot_applied", table: finished.value.mark });
  }

  #fail(snapshot: string, fault: SnapshotFault): void {
    this.#open = undefined;
    this.#tell({ kind: "snapshot_failed", snapshot, ...failureOf(fault) });
  }
}

function failureOf(fault: SnapshotFault): SnapshotFailure {
  if (fault instanceof HalError) return { cause: "not_stored", detail: fault.message };
  switch (fault) {
    case "damaged":
      return { cause: "invalid", detail: "the snapshot is no table of this controller" };
    case "older":
      return { cause: "overtaken", detail: "deltas have led further" };
    default:
      return unreachable(fault);
  }
}
