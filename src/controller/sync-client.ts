import { createHash } from "node:crypto";
import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { ControllerId, SiteId } from "../domain/ids.ts";
import type { TableDelta } from "../domain/table-change.ts";
import type { MessageScope } from "../protocols/sync/authenticated-message.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { deriveKeys, type Provision } from "../protocols/sync/provision.ts";
import { encodeStatus } from "../protocols/sync/status-message.ts";
import { sealTableAck } from "../protocols/sync/table-ack-message.ts";
import { sealTableGet } from "../protocols/sync/table-get.ts";
import { type ControllerTopics, siteKeyTopic, topicsFor } from "../protocols/sync/topics.ts";
import { type CarryOut, CommandReceiver } from "./command-receiver.ts";
import { EventPublisher } from "./event-publisher.ts";
import type { Journal, TroubleReporter } from "./journal.ts";
import type { SiteKeyStore } from "./site-key-store.ts";
import { type OnlineStatus, StatusPublisher } from "./status-publisher.ts";
import { TableReceiver } from "./table-receiver.ts";
import type { TableStore } from "./table-store.ts";

export interface SyncClientOptions {
  readonly link: BrokerLink;
  readonly provision: Provision;
  readonly siteKeys: SiteKeyStore;
  readonly journal: Journal;
  readonly tableStore: TableStore;
  readonly clock: Clock;
  readonly troubles: TroubleReporter;
  /** What this controller is now; asked at each `statusChanged`. */
  readonly status: () => OnlineStatus;
  /**
   * For `table_applied` (of those that deltas make one in 10 s at most, and the newest always) and
   * `table_refused`; they go into `journal` with their circumstances.
   */
  readonly record: (event: DoorEvent) => void;
  /**
   * Another table object takes the place of the one in force: a newer one, or the same laid out
   * anew. It is durable. Called between two decisions; must not throw.
   */
  readonly onTable: (table: AccessTable) => void;
  /** The table in force became another one in place, durably. Called as `onTable` is. */
  readonly onChange: (delta: TableDelta) => void;
  /** What the site has this controller do there and then. */
  readonly carryOut: CarryOut;
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

/** The same for a controller always, and another for each. */
function spreadOf(controller: ControllerId): number {
  return createHash("sha256").update(controller).digest().readUInt32BE() / 2 ** 32;
}

export function createSyncClient(options: SyncClientOptions): SyncClient {
  return new WiredSyncClient(options);
}

class WiredSyncClient implements SyncClient {
  readonly #link: BrokerLink;
  readonly #scope: MessageScope;
  readonly #topics: ControllerTopics;
  readonly #status: StatusPublisher;
  readonly #events: EventPublisher;
  readonly #tables: TableReceiver;
  readonly #commands: CommandReceiver;
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
    this.#topics = topics;
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
      answer: (ack) => this.#publish(topics.tableAck, sealTableAck(this.#scope, ack)),
      get: (get) => this.#publish(topics.tableGet, sealTableGet(this.#scope, get)),
      onSiteSeen: () => this.#events.siteSeen(),
      spread: spreadOf(controller),
    });
    const commandTopics = { offer: topics.commandOffer, answer: topics.commandAnswer };
    this.#commands = new CommandReceiver({
      ...options,
      send: (what, message) =>
        link.publish(commandTopics[what], message, { qos: 1, retain: false }),
    });
    this.#stopListening = journal.onCommitted(() => this.#events.pump());
    this.#subscribed = Promise.all(
      this.#subscriptions(site).map(([topic, take]) =>
        link.subscribe(topic, (_, payload) => {
          if (!this.#isClosed) take(payload);
        }),
      ),
    );
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
    this.#commands.close();
    await this.#tables.close();
    await this.#status.close();
    await this.#subscribed;
  }

  /** The site's key first: the retained messages come in this order, and it opens the others. */
  #subscriptions(site: SiteId): readonly (readonly [string, (payload: Uint8Array) => void])[] {
    const topics = this.#topics;
    return [
      [siteKeyTopic(site), (payload) => this.#tables.takeKey(payload)],
      [topics.tableHead, (payload) => this.#tables.takeHead(payload)],
      [topics.tableDelta, (payload) => this.#tables.takeDelta(payload)],
      [topics.tableManifest, (payload) => this.#tables.takeManifest(payload)],
      [topics.tableChunk, (payload) => this.#tables.takeChunk(payload)],
      [topics.eventAck, (payload) => this.#events.takeAck(payload)],
      [topics.commandAsk, (payload) => this.#commands.takeAsk(payload)],
      [topics.command, (payload) => this.#commands.takeCommand(payload)],
    ];
  }

  #onUp(): void {
    if (this.#isClosed) return;
    this.#isUp = true;
    this.#status.up();
    this.#events.up();
    this.#tables.up();
    this.#commands.up();
  }

  #onDown(): void {
    this.#isUp = false;
    this.#status.down();
    this.#events.down();
    this.#tables.down();
  }

  #publish(topic: string, message: Uint8Array): void {
    this.#link.publish(topic, message, { qos: 1, retain: false }).catch((error: unknown) => {
      // The head is retained: it comes again with the link, and all is asked and answered then.
      if (!(error instanceof HalError)) throw error;
    });
  }
}
