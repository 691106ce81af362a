import type { Seeded } from "../../../../hal/sim/seeded.ts";
import type { TableDelta, TableMark } from "../../../../src/domain/table-change.ts";
import { snapshotName } from "../../../../src/protocols/sync/snapshot-chunk.ts";
import type { SnapshotManifest } from "../../../../src/protocols/sync/snapshot-manifest.ts";
import { isNewer, isSameTable, newerOf } from "../../../../src/protocols/sync/table-order.ts";
import type {
  SnapshotFailure,
  TransferEffect,
  TransferInput,
} from "../../../../src/protocols/sync/transfer-state.ts";

export type DiskEffect = Extract<
  TransferEffect,
  {
    readonly kind:
      | "store_deltas"
      | "begin_snapshot"
      | "store_chunk"
      | "finish_snapshot"
      | "abandon_snapshot"
      | "fold";
  }
>;

const foldAfter = 10;

/** A table store that keeps marks and no tables, and holds a transfer to what it was promised. */
export class PaperTableDisk {
  inForce: TableMark | undefined;
  newest: TableMark | undefined;
  isFull = false;
  /** Whole snapshots turn out to be no tables. */
  areSnapshotsSpoilt = false;
  /** The next delta contradicts the table in force. */
  isNextDeltaInvalid = false;
  /** A snapshot that is to come into force takes its time. */
  holdsFinish = false;
  readonly faults: string[] = [];
  #logged = 0;
  #part: { readonly manifest: SnapshotManifest; readonly stored: Set<number> } | undefined;
  readonly #running = new Map<string, number>();
  readonly #random: Seeded;

  constructor(random: Seeded) {
    this.#random = random;
  }

  get isFoldDue(): boolean {
    return this.#logged >= foldAfter;
  }

  /** Noted when it is asked for, done when it is done. */
  begin({ kind }: DiskEffect): void {
    const running = (this.#running.get(kind) ?? 0) + 1;
    this.#running.set(kind, running);
    const isAlone = kind === "store_deltas" || kind === "fold" || kind === "finish_snapshot";
    if (isAlone && running > 1) this.faults.push(`${kind} twice at once`);
    if (kind === "store_chunk" && running > 8) this.faults.push("more than 8 chunks in memory");
    const both = [...this.#running].filter(([, count]) => count > 0).map(([name]) => name);
    if (both.includes("fold") && both.includes("finish_snapshot")) {
      this.faults.push("a fold while a snapshot comes into force");
    }
  }

  /** The process has ended. */
  forget(): void {
    this.#running.clear();
  }

  end(effect: DiskEffect): TransferInput | undefined {
    this.#running.set(effect.kind, (this.#running.get(effect.kind) ?? 1) - 1);
    switch (effect.kind) {
      case "store_deltas":
        return this.#append(effect.deltas);
      case "begin_snapshot":
        return this.#beginSnapshot(effect.manifest);
      case "store_chunk":
        return this.#put(effect);
      case "finish_snapshot":
        return this.#finish(effect.snapshot);
      case "abandon_snapshot":
        if (this.#isPart(effect.snapshot)) this.#part = undefined;
        return undefined;
      case "fold":
        if (this.isFull) return { kind: "not_folded" };
        this.#logged = 0;
        return { kind: "folded", isFoldDue: false };
    }
  }

  #append(deltas: readonly TableDelta[]): TransferInput {
    const { inForce } = this;
    const [first] = deltas;
    if (inForce === undefined || first === undefined) throw new Error("deltas and no table");
    // A snapshot has overtaken them: the store takes none, and its shell looks at none.
    if (isNewer(inForce, first.from)) return this.#applied(inForce);
    if (this.isFull) return { kind: "deltas_not_stored", detail: "the disk is full" };
    const valid = this.isNextDeltaInvalid ? deltas.slice(0, -1) : deltas;
    for (const { from, to } of valid) this.#apply(from, to);
    const table = this.inForce ?? inForce;
    if (!this.isNextDeltaInvalid) return this.#applied(table);
    this.isNextDeltaInvalid = false;
    const newest = deltas.at(-1)?.to ?? table;
    this.newest = newerOf(this.newest, newest);
    return { kind: "delta_invalid", table, newest: this.newest, detail: "on paper" };
  }

  #apply(from: TableMark, to: TableMark): void {
    if (this.inForce === undefined || !isSameTable(from, this.inForce)) {
      this.faults.push(`a delta that does not follow: ${from.version}`);
      return;
    }
    this.#logged += 1;
    this.#force(to);
  }

  #applied(table: TableMark): TransferInput {
    return { kind: "deltas_applied", table, isFoldDue: this.isFoldDue };
  }

  #beginSnapshot(manifest: SnapshotManifest): TransferInput {
    const snapshot = snapshotName(manifest);
    if (this.isFull) return this.#failed(snapshot, "not_stored");
    if (!this.#isPart(snapshot)) this.#part = { manifest, stored: new Set() };
    const stored = this.#part?.stored;
    const all = manifest.chunkHashes.map((_, index) => index);
    return {
      kind: "snapshot_begun",
      snapshot,
      missing: all.filter((index) => stored?.has(index) !== true),
    };
  }

  #put({ snapshot, index }: Extract<DiskEffect, { kind: "store_chunk" }>): TransferInput {
    if (this.isFull || !this.#isPart(snapshot)) return this.#failed(snapshot, "not_stored");
    this.#part?.stored.add(index);
    return { kind: "chunk_stored", snapshot, index };
  }

  #finish(snapshot: string): TransferInput {
    if (this.isFull) return this.#failed(snapshot, "not_stored");
    const part = this.#part;
    if (part === undefined || !this.#isPart(snapshot)) {
      this.faults.push("a snapshot is finished that was not begun");
      return this.#failed(snapshot, "not_stored");
    }
    const { manifest, stored } = part;
    if (stored.size !== manifest.chunkHashes.length) this.faults.push("finished with a gap");
    this.#part = undefined;
    if (!this.#allows(manifest.mark)) return this.#failed(snapshot, "overtaken");
    if (this.areSnapshotsSpoilt) return this.#failed(snapshot, "invalid");
    this.#logged = 0;
    this.#force(manifest.mark);
    return { kind: "snapshot_applied", table: manifest.mark };
  }

  #failed(snapshot: string, cause: SnapshotFailure["cause"]): TransferInput {
    return { kind: "snapshot_failed", snapshot, cause, detail: "on paper" };
  }

  #isPart(snapshot: string): boolean {
    return this.#part !== undefined && snapshotName(this.#part.manifest) === snapshot;
  }

  #force(mark: TableMark): void {
    if (this.inForce !== undefined && isNewer(this.inForce, mark)) {
      this.faults.push(`back from ${this.inForce.version} to ${mark.version}`);
    }
    this.inForce = mark;
    this.newest = newerOf(this.newest, mark);
  }

  /** Nothing older than what was accepted, and no other table of its number. */
  #allows(mark: TableMark): boolean {
    const { newest } = this;
    return newest === undefined || isNewer(mark, newest) || isSameTable(mark, newest);
  }

  /** A restart after damage: the table is gone, and that it was there is not. */
  loseTable(): void {
    this.inForce = undefined;
    this.#logged = 0;
    if (this.#random.chance(0.5)) this.#part = undefined;
  }
}
