import type { Alarm, Clock } from "../../hal/clock.ts";
import { HalError } from "../domain/hal-error.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { parseBrokerUrl } from "./config/broker-url.ts";
import { MqttConnection, type MqttConnectionOptions, type MqttWill } from "./mqtt-connection.ts";

export interface MqttLinkOptions {
  /** `mqtt://host:1883` or `mqtts://host:8883`; see `parseBrokerUrl`. */
  readonly url: string;
  readonly clientId: string;
  readonly clock: Clock;
  readonly will?: MqttWill;
  readonly username?: string;
  readonly password?: string;
  /** A larger packet ends the connection before it is in memory. */
  readonly packetBytesMax?: number;
  /** Why a connection ended or was not to be had; once for each, for a log. */
  readonly onLost?: (why: string) => void;
  /** From 0 up to 1; where a test wants to know. */
  readonly random?: () => number;
}

/** Room for the largest message, a delta of 1 MiB, and its topic. */
const packetBytesMaxDefault = 2 * 1_024 * 1_024;
const reconnectMinMs = 100;
const reconnectMaxMs = 5_000;
/** A connection that held for so long was a good one: the next is tried without delay. */
const settledMs = 2_000;

/**
 * A link to an MQTT 3.1.1 broker that comes back by itself, at most 5 s after the broker does.
 * Returns at once, not yet up. Throws a TypeError for a URL that `parseBrokerUrl` does not take.
 */
export function connectMqtt(options: MqttLinkOptions): BrokerLink {
  return new MqttLink(options);
}

interface Subscription {
  readonly filter: string;
  readonly listener: (topic: string, payload: Uint8Array) => void;
}

class MqttLink implements BrokerLink {
  readonly #options: MqttConnectionOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onLost: (why: string) => void;
  readonly #subscriptions: Subscription[] = [];
  readonly #upListeners: (() => void)[] = [];
  readonly #downListeners: (() => void)[] = [];
  #connection: MqttConnection | undefined;
  #upAt: MonotonicMs | undefined;
  #reconnect: Alarm | undefined;
  #reconnectMs = reconnectMinMs;
  #closed: Promise<void> | undefined;

  constructor(options: MqttLinkOptions) {
    const url = parseBrokerUrl(options.url);
    if (url === undefined) throw new TypeError("expected mqtt://host:port or mqtts://host:port");
    const { clientId, clock, will, username, password } = options;
    this.#clock = clock;
    this.#random = options.random ?? Math.random;
    this.#onLost = options.onLost ?? (() => {});
    this.#options = {
      url,
      clientId,
      clock,
      packetBytesMax: options.packetBytesMax ?? packetBytesMaxDefault,
      ...(will === undefined ? {} : { will }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
    this.#connect();
  }

  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): Promise<void> {
    if (this.#connection === undefined) {
      return Promise.reject(new HalError("disconnected", "the broker is not connected"));
    }
    return this.#connection.publish(topic, payload, options);
  }

  async subscribe(
    filter: string,
    listener: (topic: string, payload: Uint8Array) => void,
  ): Promise<void> {
    this.#subscriptions.push({ filter, listener });
    if (this.#connection?.isUp === true) await this.#connection.subscribe(filter);
  }

  onUp(listener: () => void): void {
    this.#upListeners.push(listener);
    const upAt = this.#upAt;
    if (upAt === undefined) return;
    queueMicrotask(() => {
      if (this.#upAt === upAt) listener();
    });
  }

  onDown(listener: () => void): void {
    this.#downListeners.push(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#reconnect?.cancel();
    await this.#connection?.close();
  }

  #connect(): void {
    const filters = () => [...new Set(this.#subscriptions.map(({ filter }) => filter))];
    this.#connection = new MqttConnection(this.#options, filters, {
      up: () => this.#onUp(),
      message: (topic, payload) => this.#onMessage(topic, payload),
      ended: (why) => this.#onEnded(why),
    });
  }

  #onUp(): void {
    this.#upAt = this.#clock.monotonic();
    for (const listener of [...this.#upListeners]) listener();
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    for (const { filter, listener } of [...this.#subscriptions]) {
      if (filterMatches(filter, topic)) listener(topic, payload);
    }
  }

  #onEnded(why: string): void {
    const upAt = this.#upAt;
    this.#upAt = undefined;
    this.#connection = undefined;
    const now = this.#clock.monotonic();
    if (upAt !== undefined && now - upAt >= settledMs) this.#reconnectMs = reconnectMinMs;
    if (this.#closed === undefined) {
      // Spread, so that the controllers of a site do not all come back in the same instant.
      const waitMs = this.#reconnectMs * (0.5 + this.#random() / 2);
      this.#reconnectMs = Math.min(this.#reconnectMs * 2, reconnectMaxMs);
      this.#reconnect = this.#clock.alarm(monotonicMs(now + waitMs), () => this.#connect());
      this.#onLost(why);
    }
    if (upAt !== undefined) for (const listener of [...this.#downListeners]) listener();
  }
}

/** `+` stands for one level, a last `#` for all below and the level itself. */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (level !== "+" && level !== levels[index]) return false;
    if (levels[index] === undefined) return false;
  }
  return wanted.length === levels.length;
}
