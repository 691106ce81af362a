import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { chunkBytes } from "../protocols/sync/snapshot-chunk.ts";
import { sealManifest } from "../protocols/sync/snapshot-manifest.ts";
import type { TableGet } from "../protocols/sync/table-get.ts";
import { isNewer } from "../protocols/sync/table-order.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { ByteAllowance, type ByteLimits } from "./byte-allowance.ts";
import { type SiteKeys, sealerOf } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import type { TableHeads } from "./table-heads.ts";
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
/** And one that is signed for it: signatures take time, not room. */
export const signedAnswerBytes = 64 * 1_024;
/**
 * Bytes on their way to a broker that has not said that it has them. A broker that takes nothing in
 * would otherwise have the site hold all that it replays requests for. A request for most chunks has room.
 */
export const underWayMax = { controller: 18 * chunkBytes, site: 72 * chunkBytes } as const;
/** Requests of one controller that are known again. Older ones are answered within the limits. */
export const requestsKnownMax = 512;

export interface TableRequestsParts {
  readonly keys: SiteKeys;
  readonly link: BrokerLink;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
  readonly shelf: TableShelf;
  readonly snapshots: TableSnapshots;
  readonly heads: Pick<TableHeads, "answer">;
}

/**
 * Answers what controllers ask for. A request proves that its controller asked once, and not that
 * it does so now: whoever owns the broker may say it again. The last ones of each controller are
 * known again and answered once, and all within limits, of bytes in time and of bytes under way;
 * what is not answered is asked for again.
 */
export class TableRequests {
  readonly #parts: TableRequestsParts;
  readonly #siteAllowance = new ByteAllowance(siteLimits);
  readonly #allowances = new Map<ControllerId, ByteAllowance>();
  readonly #known = new Map<ControllerId, Set<string>>();
  readonly #underWay = new Map<ControllerId, number>();
  #allUnderWay = 0;
  /**
   * Who asked for a snapshot while none could be made, in that order. They would ask again, but in
   * seconds: a thousand new controllers would mostly wait for each other's patience.
   */
  readonly #awaiting = new Set<ControllerId>();
  #makeable: Alarm | undefined;
  /** Whether an answer is lost has been said, and none has arrived since. */
  #isLossTold = false;

  constructor(parts: TableRequestsParts) {
    this.#parts = parts;
  }

  take(controller: ControllerId, get: TableGet): void {
    if (this.#isRepeated(controller, get.request)) return;
    switch (get.want) {
      case "head":
        return this.#answerHead(controller, get);
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

  close(): void {
    this.#makeable?.cancel();
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

  #answerHead(controller: ControllerId, { request }: Pick<TableGet, "request">): void {
    const { keys, heads } = this.#parts;
    if (!this.#mayAnswer(controller, signedAnswerBytes)) return;
    const head = heads.answer(controller, request);
    if (head !== undefined)
      this.#publish(controller, topicsFor(keys.site, controller).tableHead, head);
  }

  #answerDeltas(
    controller: ControllerId,
    get: Extract<TableGet, { readonly want: "deltas" }>,
  ): void {
    const { shelf, keys } = this.#parts;
    // Before anything is read: an answer of which nothing may go out costs nothing.
    const room = this.#room(controller);
    if (room < answerBytesMin) return;
    const messages = shelf.deltasAfter(controller, get.after, room);
    const topic = topicsFor(keys.site, controller).tableDelta;
    for (const message of messages) {
      // In order, or those behind a missing one would be of no use.
      if (!this.#mayAnswer(controller, message.length)) return;
      this.#publish(controller, topic, message);
    }
    if (messages.length > 0) return;
    const wanted = shelf.tables().get(controller)?.mark;
    // None lead on from what it has, be it old or of another branch: a site that was restored from a
    // copy has forgotten it. Nothing but a snapshot helps, and it need not find that out by itself.
    if (wanted !== undefined && isNewer(wanted, get.after)) this.#answerSnapshot(controller);
    else this.#answerHead(controller, get);
  }

  #answerSnapshot(controller: ControllerId): void {
    if (this.#awaiting.has(controller)) return;
    if (!this.#mayAnswer(controller, signedAnswerBytes)) return;
    this.#awaiting.add(controller);
    this.#answerAwaiting([controller]);
  }

  /** As far as it goes now; an image in the making holds up all that are not made yet. */
  #answerAwaiting(controllers: Iterable<ControllerId>): void {
    const { snapshots, clock } = this.#parts;
    for (const controller of controllers) {
      const snapshot = snapshots.of(controller);
      const busyUntil = snapshot === undefined ? snapshots.busyUntil() : undefined;
      if (busyUntil !== undefined) {
        this.#makeable ??= clock.alarm(busyUntil, () => {
          this.#makeable = undefined;
          this.#answerAwaiting(this.#awaiting);
        });
        return;
      }
      this.#awaiting.delete(controller);
      if (snapshot !== undefined) this.#publishManifest(controller, snapshot);
    }
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

  /** How many bytes may be under way to it beside those that are. */
  #room(controller: ControllerId): number {
    const own = underWayMax.controller - (this.#underWay.get(controller) ?? 0);
    return Math.min(own, underWayMax.site - this.#allUnderWay);
  }

  #mayAnswer(controller: ControllerId, answerBytes: number): boolean {
    const now = this.#parts.clock.monotonic();
    const own = this.#allowances.get(controller) ?? new ByteAllowance(controllerLimits);
    this.#allowances.set(controller, own);
    const bytes = Math.max(answerBytes, answerBytesMin);
    if (this.#room(controller) < bytes) return false;
    if (!own.has(bytes, now) || !this.#siteAllowance.has(bytes, now)) return false;
    own.spend(bytes);
    this.#siteAllowance.spend(bytes);
    return true;
  }

  #publish(controller: ControllerId, topic: string, message: Uint8Array): void {
    const { link } = this.#parts;
    // As much as it was let through for: many short ones take room, too.
    const bytes = Math.max(message.length, answerBytesMin);
    this.#addUnderWay(controller, bytes);
    link
      .publish(topic, message, { qos: 1, retain: false })
      .then(
        () => {
          this.#isLossTold = false;
        },
        (error: unknown) => this.#tellLoss(controller, error),
      )
      .finally(() => this.#addUnderWay(controller, -bytes));
  }

  #addUnderWay(controller: ControllerId, bytes: number): void {
    const own = (this.#underWay.get(controller) ?? 0) + bytes;
    if (own > 0) this.#underWay.set(controller, own);
    else this.#underWay.delete(controller);
    this.#allUnderWay += bytes;
  }

  /** Once for many: whoever replays requests must not fill the log. The controller asks again. */
  #tellLoss(controller: ControllerId, error: unknown): void {
    if (this.#isLossTold) return;
    this.#isLossTold = true;
    this.#parts.log.info({ controller, error: String(error) }, "answers to controllers are lost");
  }
}
