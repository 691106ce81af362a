import type { Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { sealTableHead } from "../protocols/sync/table-head.ts";
import { siteKeyTopic, topicsFor } from "../protocols/sync/topics.ts";
import { Gathering } from "./gathering.ts";
import { type SiteKeys, sealerOf } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import type { TableShelf } from "./table-shelf.ts";

/**
 * How long changes gather until heads say so. Who is connected has the deltas by then, also where there
 * are a thousand of them; a head is for those who are not, and for whom a delta was lost.
 */
export const headGatherMs = 1_500;

export interface TableHeadsParts {
  readonly keys: SiteKeys;
  readonly shelf: TableShelf;
  readonly link: BrokerLink;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
}

/** The word, retained at the broker, which table each controller is to have. */
export class TableHeads {
  readonly #parts: TableHeadsParts;
  readonly #sealed = new Map<ControllerId, Uint8Array>();
  readonly #due: Gathering<ControllerId>;

  constructor(parts: TableHeadsParts) {
    this.#parts = parts;
    this.#due = new Gathering({
      clock: parts.clock,
      gatherMs: headGatherMs,
      retryMs: headGatherMs,
      due: (controllers) => {
        this.publish(controllers);
        return "done";
      },
    });
  }

  /** Their tables are others now. */
  renew(controllers: Iterable<ControllerId>): void {
    const renewed = [...controllers];
    for (const controller of renewed) this.#sealed.delete(controller);
    this.#due.add(renewed);
  }

  publish(controllers: Iterable<ControllerId>): void {
    const { link, log, keys } = this.#parts;
    const publications = [...controllers].flatMap((controller) => {
      const head = this.#headOf(controller);
      const topic = topicsFor(keys.site, controller).tableHead;
      return head === undefined ? [] : [link.publish(topic, head, { qos: 1, retain: true })];
    });
    // They go out again when the link is up.
    void logLost(publications, (lost) => log.info({ lost }, "heads could not be published yet"));
  }

  /**
   * In answer to a request, which it names: nobody can have kept it from before. Undefined where the
   * site knows no such controller.
   */
  answer(controller: ControllerId, request: string): Uint8Array | undefined {
    return this.#seal(controller, request);
  }

  /** All, and first how to come to the key that they are signed with. */
  publishAll(): void {
    const { link, log, keys, shelf } = this.#parts;
    const { handOvers } = keys;
    if (handOvers !== undefined) {
      const sent = link.publish(siteKeyTopic(keys.site), handOvers, { qos: 1, retain: true });
      void logLost([sent], () => log.info({}, "the site's key could not be published yet"));
    }
    this.publish(shelf.tables().keys());
  }

  /** The key is another now. */
  signAnew(): void {
    this.#sealed.clear();
    this.publishAll();
  }

  /** What has gathered goes out at once. */
  close(): void {
    this.publish(this.#due.take());
  }

  #headOf(controller: ControllerId): Uint8Array | undefined {
    const head = this.#sealed.get(controller) ?? this.#seal(controller);
    if (head !== undefined) this.#sealed.set(controller, head);
    return head;
  }

  #seal(controller: ControllerId, request?: string): Uint8Array | undefined {
    const { keys, shelf } = this.#parts;
    const mark = shelf.tables().get(controller)?.mark;
    if (mark === undefined) return undefined;
    const deltasFrom = shelf.deltasFrom(controller) ?? mark.version + 1;
    const head = { mark, deltasFrom, ...(request !== undefined && { request }) };
    return sealTableHead(sealerOf(keys, controller), head);
  }
}

/** Of many messages that one lost link loses, it is said once. */
export async function logLost(
  publications: readonly Promise<void>[],
  log: (lostCount: number) => void,
): Promise<void> {
  const settled = await Promise.allSettled(publications);
  const lostCount = settled.filter(({ status }) => status === "rejected").length;
  if (lostCount > 0) log(lostCount);
}
