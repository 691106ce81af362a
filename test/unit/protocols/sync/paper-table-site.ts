import { createHash } from "node:crypto";
import type { Seeded } from "../../../../hal/sim/seeded.ts";
import type { TableDelta, TableMark } from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import { unreachable } from "../../../../src/domain/unreachable.ts";
import { snapshotName } from "../../../../src/protocols/sync/snapshot-chunk.ts";
import type { SnapshotManifest } from "../../../../src/protocols/sync/snapshot-manifest.ts";
import type { TableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import type { TableWant } from "../../../../src/protocols/sync/table-get.ts";
import { isNewer, isSameTable } from "../../../../src/protocols/sync/table-order.ts";
import type { TransferInput } from "../../../../src/protocols/sync/transfer-state.ts";

/** What a site says of its table. Signed, as far as these tests are concerned. */
export type SiteWord = Extract<
  TransferInput,
  { readonly kind: "head" | "delta" | "manifest" | "chunk" }
>;

/** All that a copy of the site's disk has. */
interface SiteDisk {
  readonly mark: TableMark;
  /** The step to its table is there for each; they end at `mark`. */
  readonly deltas: readonly TableDelta[];
}

const deltasKeptMax = 30;
const imagesKeptMax = 2;
const deltaBytes = 200;

/** A site with one controller: it changes tables, answers, loses its disk and gets an old copy. */
export class PaperTableSite {
  /** Every table that was ever signed, by name: what may be in force. */
  readonly signed = new Set<string>();
  overtakeCount = 0;
  /** Deltas that it has, as it believes, and that nobody can open. */
  areDeltasSpoilt = false;
  /** What is asked of it before there were manifests for an answer: the head, again and again. */
  answersDeltasWithHead = false;
  readonly #random: Seeded;
  readonly #say: (word: SiteWord) => void;
  #disk: SiteDisk;
  #images: SnapshotManifest[] = [];

  constructor(random: Seeded, say: (word: SiteWord) => void) {
    this.#random = random;
    this.#say = say;
    this.#disk = { mark: this.#sign(1, 1), deltas: [] };
  }

  get mark(): TableMark {
    return this.#disk.mark;
  }

  /** Its retained message. */
  head(): Extract<SiteWord, { readonly kind: "head" }> {
    const { mark, deltas } = this.#disk;
    const deltasFrom = deltas[0]?.to.version ?? mark.version + 1;
    return { kind: "head", head: { mark, deltasFrom }, isAnswer: false };
  }

  change(): void {
    const { mark: from, deltas } = this.#disk;
    const to = this.#sign(from.epoch, from.version + 1);
    const delta = { from, to, compiledAt: epochMs(0), changes: [] };
    this.#disk = { mark: to, deltas: [...deltas, delta].slice(-deltasKeptMax) };
    this.#say({ kind: "delta", delta, bytes: deltaBytes });
  }

  /** A change that is too large for a delta. */
  changeAtOnce(): void {
    const { epoch, version } = this.#disk.mark;
    this.#disk = { mark: this.#sign(epoch, version + 1), deltas: [] };
  }

  copy(): SiteDisk {
    return this.#disk;
  }

  restore(copy: SiteDisk): void {
    this.#disk = copy;
    this.#images = [];
  }

  take(ack: TableAck): void {
    if (ack.outcome === "progress" || ack.table === undefined) return;
    const { mark } = this.#disk;
    const { table } = ack;
    const isTaken =
      table.epoch === mark.epoch && table.version === mark.version && table.tag !== mark.tag;
    const isForeign = ack.outcome === "refused" && ack.reason === "number_taken";
    if (!isTaken && !isForeign && !isNewer(table, mark)) return;
    this.overtakeCount += 1;
    this.#disk = { mark: this.#sign(Math.max(table.epoch, mark.epoch) + 1, 1), deltas: [] };
    this.#say(this.head());
  }

  answer(want: TableWant): void {
    switch (want.want) {
      case "head":
        return this.#say({ ...this.head(), isAnswer: true });
      case "deltas":
        return this.#sayDeltas(want.after);
      case "snapshot":
        return this.#say({ kind: "manifest", manifest: this.#image() });
      case "chunks":
        return this.#sayChunks(want);
      default:
        return unreachable(want);
    }
  }

  #sayDeltas(after: TableMark): void {
    const { deltas } = this.#disk;
    const first = deltas.findIndex(({ from }) => isSameTable(from, after));
    if (first < 0) {
      if (this.answersDeltasWithHead) return this.#say(this.head());
      return this.#say({ kind: "manifest", manifest: this.#image() });
    }
    if (this.areDeltasSpoilt) return;
    for (const delta of deltas.slice(first)) {
      this.#say({ kind: "delta", delta, bytes: deltaBytes });
    }
  }

  #sayChunks({ snapshot, from, count }: Extract<TableWant, { want: "chunks" }>): void {
    const image = this.#images.find((other) => snapshotName(other) === snapshot);
    if (image === undefined) return this.#say({ kind: "manifest", manifest: this.#image() });
    for (let index = from; index < from + count; index += 1) {
      const plain = Buffer.from(`${snapshot} ${index}`);
      this.#say({ kind: "chunk", snapshot, index, plain });
    }
  }

  #image(): SnapshotManifest {
    const { mark } = this.#disk;
    const known = this.#images.find((image) => isSameTable(image.mark, mark));
    if (known !== undefined) return known;
    const count = 1 + (mark.tag % 40);
    const image = {
      mark,
      imageBytes: count,
      imageHash: createHash("sha256").update(nameOf(mark)).digest("hex"),
      chunkBytes: 1,
      chunkHashes: Array.from({ length: count }, (_, index) => `${index}`),
    };
    this.#images = [...this.#images, image].slice(-imagesKeptMax);
    return image;
  }

  #sign(epoch: number, version: number): TableMark {
    const mark = { epoch, version, tag: this.#random.between(0, 2 ** 32 - 1) };
    this.signed.add(nameOf(mark));
    return mark;
  }
}

export function nameOf({ epoch, version, tag }: TableMark): string {
  return `${tag}.${version}.${epoch}`;
}
