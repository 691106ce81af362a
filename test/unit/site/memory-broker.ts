import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";

export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

type Listener = (topic: string, payload: Uint8Array) => void;

function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const parts = topic.split("/");
  return (
    wanted.length === parts.length && wanted.every((part, at) => part === "+" || part === parts[at])
  );
}

/** A broker in memory that delivers at once, and a link to it that can be cut. */
export class MemoryBroker implements BrokerLink {
  /** Everything that reached the broker, in order. */
  readonly published: Publication[] = [];
  readonly #subscriptions: { readonly filter: string; readonly listener: Listener }[] = [];
  readonly #upListeners: (() => void)[] = [];
  #isUp = true;
  #onPublished: (publication: Publication) => void = () => {};

  /** What the world does with what is published. */
  onPublished(listener: (publication: Publication) => void): void {
    this.#onPublished = listener;
  }

  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): Promise<void> {
    if (!this.#isUp) return Promise.reject(new Error("the link is down"));
    const publication = { topic, payload, ...options };
    this.published.push(publication);
    this.#onPublished(publication);
    return Promise.resolve();
  }

  subscribe(filter: string, listener: Listener): Promise<void> {
    this.#subscriptions.push({ filter, listener });
    return Promise.resolve();
  }

  onUp(listener: () => void): void {
    this.#upListeners.push(listener);
    if (this.#isUp) listener();
  }

  onDown(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** As if somebody else had published it. */
  deliver(topic: string, payload: Uint8Array): void {
    for (const { filter, listener } of this.#subscriptions) {
      if (matches(filter, topic)) listener(topic, payload);
    }
  }

  cut(): void {
    this.#isUp = false;
  }

  restore(): void {
    this.#isUp = true;
    for (const listener of this.#upListeners) listener();
  }

  payloadsOn(topic: string): readonly Uint8Array[] {
    return this.published.filter((each) => each.topic === topic).map(({ payload }) => payload);
  }
}
