import type { Clock } from "../../hal/clock.ts";
import type { TableContent } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { MessageScope } from "../protocols/sync/authenticated-message.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { deriveKeys, type Provision } from "../protocols/sync/provision.ts";
import { encodeStatus } from "../protocols/sync/status-message.ts";
import { sealTableAck, type TableAck } from "../protocols/sync/table-ack-message.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { EventPublisher } from "./event-publisher.ts";
import type { Journal, TroubleReporter } from "./journal.ts";
import { type OnlineStatus, StatusPublisher } from "./status-publisher.ts";
import { TableReceiver } from "./table-receiver.ts";
import type { TableStore } from "./table-store.ts";

export interface SyncClientOptions {
  readonly link: BrokerLink;
  readonly provision: Provision;
  readonly journal: Journal;
  readonly tableStore: TableStore;
  readonly clock: Clock;
  readonly troubles: TroubleReporter;
  /** What this controller is now; asked at each `statusChanged`. */
  readonly status: () => OnlineStatus;
  /** For `table_applied` and `table_refused`; they go into `journal` with their circumstances. */
  readonly record: (event: DoorEvent) => void;
  /** A table that is newer and durable. Called between two decisions; must not throw. */
  readonly onTable: (content: TableContent) => void;
}

/** A controller's side of its conversation with the site. It works whenever the link does. */
export interface SyncClient {
  linkState(): "up" | "down";
  /** For whenever `status` may say something else. Goes out at most once a second. */
  statusChanged(): void;
  /** Messages on the acknowledgement topic that did not pass, since the start. */
  refusedAckCount(): number;
  /** Says that this controller is gone. The link and the journal are the caller's to close. */
  close(): Promise<void>;
}

/** The will to connect with: the broker says for us that we are gone, if we cannot. */
export function offlineWill({ site, controller }: Provision): {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 1;
  readonly retain: true;
} {
  const topic = topicsFor(site, controller).status;
  return { topic, payload: encodeStatus({ online: false }), qos: 1, retain: true };
}

export function createSyncClient(options: SyncClientOptions): SyncClient {
  return new WiredSyncClient(options);
}

class WiredSyncClient implements SyncClient {
  readonly #link: BrokerLink;
  readonly #scope: MessageScope;
  readonly #tableAckTopic: string;
  readonly #status: StatusPublisher;
  readonly #events: EventPublisher;
  readonly #tables: TableReceiver;
  readonly #stopListening: () => void;
  readonly #subscribed: Promise<unknown>;
  #isUp = false;
  #isClosed = false;

  constructor(options: SyncClientOptions) {
    const { link, provision, journal, clock, troubles } = options;
    const { site, controller } = provision;
    const topics = topicsFor(site, controller);
    const { messageKey } = deriveKeys(provision.controllerKey);
    this.#link = link;
    this.#scope = { site, controller, messageKey };
    this.#tableAckTopic = topics.tableAck;
    this.#status = new StatusPublisher({ ...options, topic: topics.status });
    const scope = this.#scope;
    this.#events = new EventPublisher({
      link,
      topic: topics.event,
      scope,
      journal,
      clock,
      troubles,
    });
    this.#tables = new TableReceiver({
      ...options,
      store: options.tableStore,
      answer: (ack) => this.#answer(ack),
      onSiteSeen: () => this.#events.siteSeen(),
    });
    this.#stopListening = journal.onCommitted(() => this.#events.pump());
    this.#subscribed = Promise.all([
      link.subscribe(topics.tableSnapshot, (_, payload) => this.#tables.take(payload)),
      link.subscribe(topics.eventAck, (_, payload) => {
        if (!this.#isClosed) this.#events.takeAck(payload);
      }),
    ]);
    link.onUp(() => this.#onUp());
    link.onDown(() => this.#onDown());
  }

  linkState(): "up" | "down" {
    return this.#isUp ? "up" : "down";
  }

  statusChanged(): void {
    this.#status.changed();
  }

  refusedAckCount(): number {
    return this.#events.refusedAckCount;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#events.down();
    await this.#tables.close();
    await this.#status.close();
    await this.#subscribed;
  }

  #onUp(): void {
    if (this.#isClosed) return;
    this.#isUp = true;
    this.#status.up();
    this.#events.up();
  }

  #onDown(): void {
    this.#isUp = false;
    this.#status.down();
    this.#events.down();
  }

  #answer(ack: TableAck): void {
    this.#link
      .publish(this.#tableAckTopic, sealTableAck(this.#scope, ack), { qos: 1, retain: false })
      .catch((error: unknown) => {
        // The table is retained: it comes again with the link, and is answered then.
        if (!(error instanceof HalError)) throw error;
      });
  }
}
