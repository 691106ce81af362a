import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { MqttClient } from "mqtt";
import type { Alarm, Clock } from "../../hal/clock.ts";
import { settlesWithin } from "../controller/settles-within.ts";
import { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";
import { GuardedStream } from "./guarded-stream.ts";
import { PacketGuard } from "./packet-guard.ts";
import { TurnQueue } from "./turn-queue.ts";

/** What the broker publishes for us when we are gone without a word. */
export interface MqttWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface MqttConnectionOptions {
  /** `mqtt:` or `mqtts:`; a user name and password in it are used. */
  readonly url: URL;
  readonly clientId: string;
  readonly clock: Clock;
  readonly packetBytesMax: number;
  readonly will?: MqttWill;
  readonly username?: string;
  readonly password?: string;
}

export interface MqttConnectionEvents {
  /** The broker took us and every subscription. */
  readonly up: () => void;
  readonly message: (topic: string, payload: Uint8Array) => void;
  /** Once, and the last of all. */
  readonly ended: (why: string) => void;
}

interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly options: { readonly qos: 0 | 1; readonly retain: boolean };
  /** With why it is lost, or without once the broker has it. */
  readonly settle: (why?: string) => void;
}

const keepaliveSeconds = 15;
const connectMaxMs = 10_000;
/** From the start of a connection until the broker has every subscription. */
const upMaxMs = 20_000;
/** Messages that wait to be looked at, until no more are read from the broker. */
const receivedMax = 256;
/** A broker that leaves a message unanswered for so long is not one to go on talking to. */
const publishAnswerMaxMs = 10_000;
/** Messages that the broker has and has not answered: brokers of the field keep more than this. */
const publishesInFlightMax = 500;
/** Messages behind those, of this connection: a site speaks to each of its controllers at once. */
const publishesWaitingMax = 10_000;
const goodbyeMaxMs = 1_000;

/**
 * One connection to the broker, from its making to its end. A lost one is never mended: MQTT.js
 * would keep unanswered messages in memory and send them again in an order of its own, and the
 * journal does that better. A new connection knows nothing of the one before.
 */
export class MqttConnection {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #events: MqttConnectionEvents;
  readonly #unanswered = new Set<(why: string) => void>();
  readonly #waiting: Publication[] = [];
  readonly #received: TurnQueue<{ readonly topic: string; readonly payload: Uint8Array }>;
  readonly #late: Alarm;
  #stream: GuardedStream | undefined;
  #endedBecause: string | undefined;
  #hasEnded = false;
  #isUp = false;

  constructor(
    options: MqttConnectionOptions,
    filters: () => readonly string[],
    events: MqttConnectionEvents,
  ) {
    this.#clock = options.clock;
    this.#events = events;
    this.#client = new MqttClient(() => this.#openStream(options), clientOptions(options));
    this.#client.on("connect", () => this.#subscribe(filters, []));
    this.#received = new TurnQueue(options.clock, ({ topic, payload }) => {
      if (!this.#hasEnded) events.message(topic, payload);
    });
    this.#received.onEmptied(() => this.#stream?.resume());
    this.#client.on("message", (topic, payload) => {
      // Its own copy: the codec's buffer is a window on whatever else came with it.
      this.#received.push({ topic, payload: new Uint8Array(payload) });
      if (this.#received.count >= receivedMax) this.#stream?.pause();
    });
    this.#late = options.clock.alarm(monotonicMs(options.clock.monotonic() + upMaxMs), () => {
      if (!this.#isUp) this.end("the broker did not take the subscriptions");
    });
    this.#client.on("error", (error) => this.end(error.message));
    this.#client.on("close", () => this.#onClosed());
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): Promise<void> {
    if (!this.#isUp) return Promise.reject(lost("the broker is not connected"));
    if (this.#waiting.length >= publishesWaitingMax) {
      return Promise.reject(lost(`${publishesWaitingMax} messages wait for the broker`));
    }
    return new Promise((resolve, reject) => {
      const settle = (why?: string) => (why === undefined ? resolve() : reject(lost(why)));
      this.#waiting.push({ topic, payload, options, settle });
      this.#sendWaiting();
    });
  }

  #sendWaiting(): void {
    while (this.#isUp && this.#unanswered.size < publishesInFlightMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#send(next);
    }
  }

  #send({ topic, payload, options, settle }: Publication): void {
    const overdueAt = monotonicMs(this.#clock.monotonic() + publishAnswerMaxMs);
    const overdue = this.#clock.alarm(overdueAt, () => this.end("a message was not answered"));
    const answered = (why?: string) => {
      overdue.cancel();
      this.#unanswered.delete(answered);
      settle(why);
      this.#sendWaiting();
    };
    this.#unanswered.add(answered);
    this.#client.publish(topic, asBuffer(payload), options, (error) => answered(error?.message));
  }

  /** Resolves once the broker took it. A refusal ends the connection. */
  subscribe(filter: string): Promise<void> {
    return new Promise((resolve) => {
      this.#client.subscribe(filter, { qos: 1 }, (error) => {
        if (error !== null && error !== undefined) this.end(error.message);
        resolve();
      });
    });
  }

  /** Drops the connection as it is; the broker publishes our will. */
  end(why: string): void {
    this.#endedBecause ??= why;
    this.#isUp = false;
    this.#client.end(true);
    this.#stream?.destroy();
  }

  /** Takes leave, so that the broker keeps our will to itself; at most 1 s. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    this.#endedBecause ??= "closed";
    const goodbye = new Promise<void>((resolve) => {
      this.#client.once("close", resolve);
      this.#client.end(!this.#isUp);
    });
    await settlesWithin(this.#clock, goodbyeMaxMs, goodbye);
    this.end("closed");
    this.#onClosed();
  }

  #openStream({ url, packetBytesMax }: MqttConnectionOptions): GuardedStream {
    const isTls = url.protocol === "mqtts:";
    const port = url.port === "" ? (isTls ? 8883 : 1883) : Number(url.port);
    // A literal IPv6 address stands in brackets in a URL only.
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const socket = isTls
      ? connectTls({ host, port, servername: host })
      : connectTcp({ host, port });
    socket.setNoDelay(true);
    this.#stream = new GuardedStream(socket, {
      guard: new PacketGuard("broker", packetBytesMax),
      onRefused: () => this.end("a packet that no broker may send us"),
    });
    return this.#stream;
  }

  /** Up is who has every subscription, those included that were noted on the way. */
  #subscribe(filters: () => readonly string[], done: readonly string[]): void {
    if (this.#hasEnded || this.#endedBecause !== undefined) return;
    const wanted = filters();
    const missing = wanted.filter((filter) => !done.includes(filter));
    if (missing.length === 0) {
      this.#isUp = true;
      this.#events.up();
      return;
    }
    this.#client.subscribe([...missing], { qos: 1 }, (error) => {
      if (error === null || error === undefined) this.#subscribe(filters, wanted);
      else this.end(error.message);
    });
  }

  #onClosed(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isUp = false;
    this.#late.cancel();
    this.#received.clear();
    const why = this.#endedBecause ?? "the broker ended the connection";
    for (const answered of [...this.#unanswered]) answered(why);
    for (const { settle } of this.#waiting.splice(0)) settle(why);
    this.#events.ended(why);
  }
}

function clientOptions(
  options: MqttConnectionOptions,
): ConstructorParameters<typeof MqttClient>[1] {
  const { url, clientId, will } = options;
  const username = options.username ?? decodeURIComponent(url.username);
  const password = options.password ?? decodeURIComponent(url.password);
  return {
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId,
    // A table of the bytes of all 65,536 message ids: 7 MB, to save some nanoseconds in each packet.
    writeCache: false,
    clean: true,
    keepalive: keepaliveSeconds,
    connectTimeout: connectMaxMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(username === "" ? {} : { username, password }),
    ...(will === undefined ? {} : { will: { ...will, payload: asBuffer(will.payload) } }),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function lost(why: string): HalError {
  return new HalError("disconnected", why);
}
