import type { Clock } from "../../../hal/clock.ts";
import type { Seeded } from "../../../hal/sim/seeded.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";

export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** Chances, for each message on each way. */
export interface Weather {
  readonly lost: number;
  readonly doubled: number;
  /** Comes behind later ones. */
  readonly late: number;
}

export const fair: Weather = { lost: 0, doubled: 0, late: 0 };

const latencyMs = 2;
const lateMsMax = 20_000;
/** What an attacker keeps of all that went by. */
const recordedMax = 5_000;

/** Whoever is connected, or was. */
export interface Client {
  readonly link: BrokerLink;
  up(): void;
  down(): void;
  /** Its process is gone: it hears nothing more and says nothing more. */
  die(): void;
}

interface Subscription {
  readonly filter: string;
  readonly listener: (topic: string, payload: Uint8Array) => void;
}

/** A broker in memory that belongs to the weather and to whoever pays it. */
export class StormyBroker {
  weather: Weather = fair;
  /** What goes by on topics that end so is swallowed. */
  readonly withheld = new Set<string>();
  readonly recorded: Message[] = [];
  readonly #clock: Clock;
  readonly #random: Seeded;
  readonly #retained = new Map<string, Uint8Array>();
  readonly #clients = new Set<StormyClient>();

  constructor(clock: Clock, random: Seeded) {
    this.#clock = clock;
    this.#random = random;
  }

  connect(): Client {
    const client = new StormyClient(this);
    this.#clients.add(client);
    return client;
  }

  /** From anybody: nothing here asks who says it. */
  publish(message: Message): void {
    this.#record(message);
    const { topic, payload, retain } = message;
    if (this.#isWithheld(topic)) return;
    if (retain) this.#retained.set(topic, payload);
    for (const client of this.#clients) this.#carry(client, topic, payload);
  }

  /** As `publish`, and not kept by the attacker, whose own it is. */
  inject(message: Message): void {
    const { length } = this.recorded;
    this.publish(message);
    this.recorded.length = Math.min(length, this.recorded.length);
  }

  forgetRetained(): void {
    this.#retained.clear();
  }

  carryRetained(client: StormyClient, filter: string): void {
    for (const [topic, payload] of this.#retained) {
      if (matches(filter, topic) && !this.#isWithheld(topic)) {
        this.#transmit(client, { filter, topic, payload });
      }
    }
  }

  isLost(): boolean {
    return this.#random.chance(this.weather.lost);
  }

  forget(client: StormyClient): void {
    this.#clients.delete(client);
  }

  #record(message: Message): void {
    this.recorded.push({ ...message, payload: Uint8Array.from(message.payload) });
    if (this.recorded.length > recordedMax) this.recorded.shift();
  }

  #isWithheld(topic: string): boolean {
    return [...this.withheld].some((end) => topic.endsWith(end));
  }

  #carry(client: StormyClient, topic: string, payload: Uint8Array): void {
    for (const { filter } of client.subscriptions) {
      if (matches(filter, topic)) this.#transmit(client, { filter, topic, payload });
    }
  }

  #transmit(
    client: StormyClient,
    what: { readonly filter: string; readonly topic: string; readonly payload: Uint8Array },
  ): void {
    if (!client.isUp || this.isLost()) return;
    const copies = this.#random.chance(this.weather.doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const isLate = this.#random.chance(this.weather.late);
      const delayMs = isLate ? this.#random.between(latencyMs, lateMsMax) : latencyMs;
      const { connection } = client;
      this.#clock.alarm(monotonicMs(this.#clock.monotonic() + delayMs), () => {
        // A clean session: what was on its way when the link was lost is lost.
        if (client.connection === connection) client.hear(what.filter, what.topic, what.payload);
      });
    }
  }
}

class StormyClient implements Client {
  readonly link: BrokerLink;
  readonly subscriptions: Subscription[] = [];
  isUp = false;
  connection = 0;
  readonly #broker: StormyBroker;
  readonly #ups: (() => void)[] = [];
  readonly #downs: (() => void)[] = [];
  #isDead = false;

  constructor(broker: StormyBroker) {
    this.#broker = broker;
    this.link = {
      publish: (topic, payload, { retain }) => this.#publish({ topic, payload, retain }),
      subscribe: (filter, listener) => this.#subscribe({ filter, listener }),
      onUp: (listener) => {
        this.#ups.push(listener);
        if (this.isUp) queueMicrotask(() => this.isUp && listener());
      },
      onDown: (listener) => this.#downs.push(listener),
      close: () => Promise.resolve(),
    };
  }

  up(): void {
    if (this.isUp || this.#isDead) return;
    this.isUp = true;
    for (const { filter } of this.subscriptions) this.#broker.carryRetained(this, filter);
    for (const listener of this.#ups) listener();
  }

  down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.connection += 1;
    for (const listener of this.#downs) listener();
  }

  die(): void {
    this.isUp = false;
    this.#isDead = true;
    this.connection += 1;
    this.#broker.forget(this);
  }

  hear(filter: string, topic: string, payload: Uint8Array): void {
    const listeners = this.subscriptions.filter((one) => one.filter === filter);
    for (const { listener } of listeners) listener(topic, Uint8Array.from(payload));
  }

  #publish(message: Message): Promise<void> {
    // Nobody is there any more to be answered.
    if (this.#isDead) return new Promise(() => undefined);
    if (!this.isUp) return Promise.reject(new HalError("disconnected", "the link is down"));
    if (!this.#broker.isLost()) this.#broker.publish(message);
    return Promise.resolve();
  }

  #subscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.push(subscription);
    if (this.isUp) this.#broker.carryRetained(this, subscription.filter);
    return Promise.resolve();
  }
}

function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const parts = topic.split("/");
  return (
    wanted.length === parts.length && wanted.every((part, at) => part === "+" || part === parts[at])
  );
}
