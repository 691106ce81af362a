import type { Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { chunkBytes } from "../protocols/sync/snapshot-chunk.ts";
import { sealManifest } from "../protocols/sync/snapshot-manifest.ts";
import type { TableGet } from "../protocols/sync/table-get.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { ByteAllowance, type ByteLimits } from "./byte-allowance.ts";
import { type SiteKeys, sealerOf } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import type { TableShelf } from "./table-shelf.ts";
import type { TableSnapshot, TableSnapshots } from "./table-snapshots.ts";

/** A table of a million passes goes in one go; whoever replays requests gets no more for it. */
export const controllerLimits: ByteLimits = {
  bytesPerSecond: 128 * chunkBytes,
  burstBytes: 256 * chunkBytes,
};
/** Of all controllers together. */
const siteLimits: ByteLimits = {
  bytesPerSecond: 256 * chunkBytes,
  burstBytes: 1_024 * chunkBytes,
};
/** What an answer costs at least, so that short ones are limited too. */
const answerBytesMin = 4_096;
/** Requests of one controller that are known again. Older ones are answered within the limits. */
export const requestsKnownMax = 512;

export interface TableRequestsParts {
  readonly keys: SiteKeys;
  readonly link: BrokerLink;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: SiteLog;
  readonly shelf: TableShelf;
  readonly snapshots: TableSnapshots;
  readonly publishHead: (controller: ControllerId) => void;
  /**
   * Begins a new epoch where a controller's table is not the one of its number that the deltas on the
   * shelf follow. False: it is, or none follow.
   */
  readonly overtakeStray: (controller: ControllerId, mark: TableMark) => boolean;
}

/**
 * Answers what controllers ask for. A request proves that its controller asked once, and not that
 * it does so now: whoever owns the broker may say it again. Each is answered once, and all within
 * limits; what is not answered is asked for again.
 */
export class TableRequests {
  readonly #parts: TableRequestsParts;
  readonly #siteAllowance = new ByteAllowance(siteLimits);
  readonly #allowances = new Map<ControllerId, ByteAllowance>();
  readonly #known = new Map<ControllerId, Set<string>>();

  constructor(parts: TableRequestsParts) {
    this.#parts = parts;
  }

  take(controller: ControllerId, get: TableGet): void {
    if (this.#isRepeated(controller, get.request)) return;
    switch (get.want) {
      case "head":
        return this.#answerHead(controller);
      case "deltas":
        return this.#answerDeltas(controller, get);
      case "snapshot":
        return this.#answerSnapshot(controller);
      case "chunks":
        return this.#answerChunks(controller, get);
      default:
        return unreachable(get);
    }
  }

  #isRepeated(controller: ControllerId, request: string): boolean {
    const known = this.#known.get(controller) ?? new Set();
    this.#known.set(controller, known);
    if (known.has(request)) return true;
    known.add(request);
    const [oldest] = known;
    if (known.size > requestsKnownMax && oldest !== undefined) known.delete(oldest);
    return false;
  }

  #answerHead(controller: ControllerId): void {
    if (this.#mayAnswer(controller, 0)) this.#parts.publishHead(controller);
  }

  #answerDeltas(
    controller: ControllerId,
    { after }: Extract<TableGet, { readonly want: "deltas" }>,
  ): void {
    const { shelf, overtakeStray } = this.#parts;
    const deltas = shelf.deltasAfter(controller, after);
    // The head would have it ask for deltas again, for ever.
    if (deltas === undefined && overtakeStray(controller, after)) return;
    // The head says from where on there are deltas, and that there is nothing newer.
    if (deltas === undefined || deltas.length === 0) return this.#answerHead(controller);
    const topic = topicsFor(this.#parts.keys.site, controller).tableDelta;
    for (const message of deltas) {
      // In order, or those behind a missing one would be of no use.
      if (!this.#mayAnswer(controller, message.length)) return;
      this.#publish(controller, topic, message);
    }
  }

  #answerSnapshot(controller: ControllerId): void {
    if (!this.#mayAnswer(controller, 0)) return;
    const snapshot = this.#parts.snapshots.of(controller);
    if (snapshot !== undefined) this.#publishManifest(controller, snapshot);
  }

  #answerChunks(
    controller: ControllerId,
    { snapshot: name, from, count }: Extract<TableGet, { readonly want: "chunks" }>,
  ): void {
    const { snapshots, keys } = this.#parts;
    const snapshot = snapshots.named(controller, name);
    // What it had begun to fetch is no more: the manifest says what there is instead.
    if (snapshot === undefined) return this.#answerSnapshot(controller);
    const topic = topicsFor(keys.site, controller).tableChunk;
    const end = Math.min(from + count, snapshot.parts.chunkHashes.length);
    for (let index = from; index < end; index += 1) {
      if (!this.#mayAnswer(controller, chunkBytes)) return;
      this.#publish(controller, topic, snapshot.chunk(index));
    }
  }

  #publishManifest(controller: ControllerId, { parts, mark }: TableSnapshot): void {
    const { keys } = this.#parts;
    const message = sealManifest(sealerOf(keys, controller), { ...parts, mark });
    this.#publish(controller, topicsFor(keys.site, controller).tableManifest, message);
  }

  #mayAnswer(controller: ControllerId, answerBytes: number): boolean {
    const now = this.#parts.clock.monotonic();
    const own = this.#allowances.get(controller) ?? new ByteAllowance(controllerLimits);
    this.#allowances.set(controller, own);
    const bytes = Math.max(answerBytes, answerBytesMin);
    if (!own.has(bytes, now) || !this.#siteAllowance.has(bytes, now)) return false;
    own.spend(bytes);
    this.#siteAllowance.spend(bytes);
    return true;
  }

  #publish(controller: ControllerId, topic: string, message: Uint8Array): void {
    const { link, log } = this.#parts;
    link.publish(topic, message, { qos: 1, retain: false }).catch((error: unknown) => {
      // The controller asks again.
      log.info({ controller, error: String(error) }, "an answer to a controller was lost");
    });
  }
}
