import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../hal/clock.ts";
import { buildTableImage, type TableImageContent } from "../core/access-table/build-table-image.ts";
import type { HashKey } from "../core/access-table/keyed-hash.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { type SealedChunks, sealChunks, snapshotName } from "../protocols/sync/snapshot-chunk.ts";
import type { SiteKeys } from "./site-keys.ts";

/** A controller's table as it was at `mark`, to be sent in chunks. */
export interface TableSnapshot extends SealedChunks {
  readonly mark: TableMark;
}

/** Images that are kept at hand, all together. */
const snapshotBytesMax = 256 * 1_024 * 1_024;
/** Beyond this share the next is made only once nobody asks for the oldest any more. */
const fullShare = 0.75;
/** Who asked for chunks within this time is in the middle of a transfer. */
export const transferMs = 10_000;
/** For each second in which images are made, the site has this many for everybody else. */
const restShare = 1;

export interface TableSnapshotsParts {
  readonly keys: SiteKeys;
  readonly clock: Pick<Clock, "monotonic">;
  /** What the wanted table says; undefined where the site does not know it. */
  readonly contentOf: (controller: ControllerId) => TableImageContent | undefined;
  /** Whether deltas lead from a table to the wanted one, so that its snapshot will do. */
  readonly leadsOn: (controller: ControllerId, mark: TableMark) => boolean;
  /** Of all images together. Absent: `snapshotBytesMax`. */
  readonly bytesMax?: number;
}

interface KeptSnapshot {
  readonly snapshot: TableSnapshot;
  usedAt: number;
}

/**
 * Makes images when they are asked for, which is seldom, and keeps them for as long as their chunks
 * are. The same table gives the same chunks, so that a transfer goes on after a restart of the
 * site.
 */
export class TableSnapshots {
  readonly #parts: TableSnapshotsParts;
  readonly #bytesMax: number;
  readonly #kept: LRUCache<ControllerId, KeptSnapshot>;
  #restUntil = -Infinity;

  constructor(parts: TableSnapshotsParts) {
    this.#parts = parts;
    this.#bytesMax = parts.bytesMax ?? snapshotBytesMax;
    this.#kept = new LRUCache({
      maxSize: this.#bytesMax,
      sizeCalculation: ({ snapshot }) => snapshot.parts.imageBytes,
    });
  }

  /** One from which deltas lead on, or the newest. Undefined: not before `busyUntil`. */
  of(controller: ControllerId): TableSnapshot | undefined {
    const kept = this.#kept.get(controller);
    const { leadsOn, clock } = this.#parts;
    if (kept !== undefined && leadsOn(controller, kept.snapshot.mark)) {
      kept.usedAt = clock.monotonic();
      return kept.snapshot;
    }
    return this.busyUntil() === undefined ? this.#make(controller) : undefined;
  }

  /** None is made before this, and it may be put off again; undefined: one can be made now. */
  busyUntil(): MonotonicMs | undefined {
    const now = this.#parts.clock.monotonic();
    if (now < this.#restUntil) return monotonicMs(this.#restUntil);
    if (this.#kept.calculatedSize < this.#bytesMax * fullShare) return undefined;
    // Making room in the middle of transfers would have each of them make all others begin anew.
    const [oldest] = this.#kept.rvalues();
    const freeAt = oldest === undefined ? now : oldest.usedAt + transferMs;
    return freeAt > now ? monotonicMs(freeAt) : undefined;
  }

  /** The one that a controller has begun to fetch, unless it does not lead on any more. */
  named(controller: ControllerId, name: string): TableSnapshot | undefined {
    const snapshot = this.of(controller);
    return snapshot !== undefined && snapshotName(snapshot.parts) === name ? snapshot : undefined;
  }

  /** The one that a controller is fetching at this time, as far as it has asked for more lately. */
  fetchedBy(controller: ControllerId): TableMark | undefined {
    const kept = this.#kept.peek(controller);
    const isLately = kept && this.#parts.clock.monotonic() - kept.usedAt < transferMs;
    return isLately ? kept?.snapshot.mark : undefined;
  }

  #make(controller: ControllerId): TableSnapshot | undefined {
    const { keys, clock, contentOf } = this.#parts;
    const startedAt = clock.monotonic();
    const content = contentOf(controller);
    if (content === undefined) return undefined;
    const image = buildTableImage(content, hashKeyOf(keys, controller, content.mark));
    const chunks = sealChunks(keys.keysFor(controller).tableKey, image);
    const snapshot = { ...chunks, mark: content.mark };
    const usedAt = clock.monotonic();
    this.#restUntil = usedAt + restShare * (usedAt - startedAt);
    this.#kept.set(controller, { snapshot, usedAt });
    return snapshot;
  }
}

/** Unknown to whoever chooses card numbers, and the same for the same table each time. */
export function hashKeyOf(keys: SiteKeys, controller: ControllerId, mark: TableMark): HashKey {
  const { epoch, version, tag } = mark;
  const { controllerKey } = keys.provisionFor(controller);
  const digest = createHmac("sha256", controllerKey)
    .update(`postern/1\0table hash\0${epoch}.${version}.${tag}`)
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}
