import { Seeded } from "../../../hal/sim/seeded.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";

export interface PaperMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** Chances, per message, of what a network and a broker without a memory do to it. */
export interface Weather {
  readonly lost: number;
  readonly doubled: number;
  /** Kept back and delivered behind later ones. */
  readonly late: number;
}

const fair: Weather = { lost: 0, doubled: 0, late: 0 };

/** A broker in this process with one client, in weather that a seed chooses. Fair unless told. */
export class PaperBroker {
  /** All that the client published, delivered or not. */
  readonly published: PaperMessage[] = [];
  readonly link: BrokerLink;
  readonly #seeded: Seeded;
  readonly #listeners: { topic: string; listener: (topic: string, payload: Uint8Array) => void }[] =
    [];
  readonly #ups: (() => void)[] = [];
  readonly #downs: (() => void)[] = [];
  readonly #late: (() => void)[] = [];
  #weather = fair;
  #isUp = false;
  #refusesNext = false;
  #onPublished: (message: PaperMessage) => void = () => {};

  constructor(seed = 1) {
    this.#seeded = new Seeded(seed);
    this.link = {
      publish: (topic, payload, { retain }) => this.#publish({ topic, payload, retain }),
      subscribe: async (topic, listener) => {
        this.#listeners.push({ topic, listener });
      },
      onUp: (listener) => this.#ups.push(listener),
      onDown: (listener) => this.#downs.push(listener),
      close: async () => {},
    };
  }

  /** What the world does with what the client published. */
  onPublished(listener: (message: PaperMessage) => void): void {
    this.#onPublished = listener;
  }

  setWeather(weather: Weather): void {
    this.#weather = weather;
  }

  up(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    for (const listener of this.#ups) listener();
  }

  down(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const listener of this.#downs) listener();
  }

  /** The next message is not taken, although the link stays up. */
  refuseNext(): void {
    this.#refusesNext = true;
  }

  /** To the client. */
  deliver(topic: string, payload: Uint8Array): void {
    this.#carry(() => {
      if (!this.#isUp) return;
      for (const { topic: wanted, listener } of this.#listeners) {
        if (wanted === topic) listener(topic, new Uint8Array(payload));
      }
    });
  }

  /** What was kept back arrives, in an order of its own. */
  settle(): void {
    while (this.#late.length > 0) {
      const [next] = this.#late.splice(this.#seeded.between(0, this.#late.length - 1), 1);
      next?.();
    }
  }

  to(topic: string): readonly PaperMessage[] {
    return this.published.filter((message) => message.topic === topic);
  }

  async #publish(message: PaperMessage): Promise<void> {
    const isRefused = this.#refusesNext;
    this.#refusesNext = false;
    if (!this.#isUp || isRefused) throw new HalError("disconnected", "the paper broker is down");
    const kept = { ...message, payload: new Uint8Array(message.payload) };
    this.published.push(kept);
    this.#carry(() => this.#onPublished(kept));
  }

  #carry(arrive: () => void): void {
    if (this.#seeded.next() < this.#weather.lost) return;
    const times = this.#seeded.next() < this.#weather.doubled ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      if (this.#seeded.next() < this.#weather.late) this.#late.push(arrive);
      else arrive();
    }
  }
}
