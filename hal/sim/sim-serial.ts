import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import type { Clock } from "../clock.ts";
import { expectSerialSettings } from "../lines/expect-serial-settings.ts";
import { OneListener } from "../lines/one-listener.ts";
import { SerialOutbox } from "../lines/serial-outbox.ts";
import type { Serial, SerialPort, SerialSettings, SerialState } from "../serial.ts";

/** Ports with adapters that are plugged in and out, and the far end of their wires in our hands. */
export class SimSerial implements Serial {
  readonly #clock: Clock;
  readonly #plugged = new Set<string>();
  readonly #open = new Map<string, SimSerialPort>();
  #farEnd: ((port: string, bytes: Uint8Array) => void) | undefined;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  open(settings: SerialSettings): SerialPort {
    expectSerialSettings(settings);
    const { port } = settings;
    const opened = new SimSerialPort(port, {
      clock: this.#clock,
      state: () => (this.#plugged.has(port) ? "open" : "lost"),
      send: (bytes) => this.#farEnd?.(port, bytes),
      closed: () => this.#open.delete(port),
    });
    this.#open.set(port, opened);
    return opened;
  }

  plug(port: string): void {
    this.#plugged.add(port);
    this.#open.get(port)?.changed("open");
  }

  unplug(port: string): void {
    this.#plugged.delete(port);
    this.#open.get(port)?.changed("lost");
  }

  /** What the device at the far end sends. */
  send(port: string, bytes: Uint8Array): void {
    if (this.#plugged.has(port)) this.#open.get(port)?.received(bytes);
  }

  /** What comes at the far end. One listener. */
  listen(farEnd: (port: string, bytes: Uint8Array) => void): void {
    this.#farEnd = farEnd;
  }
}

interface Wire {
  readonly clock: Clock;
  state(): SerialState;
  send(bytes: Uint8Array): void;
  closed(): void;
}

class SimSerialPort implements SerialPort {
  readonly port: string;
  readonly #wire: Wire;
  readonly #outbox: SerialOutbox;
  readonly #listener = new OneListener<[bytes: Uint8Array, at: EdgeNs]>("this port");
  readonly #watcher = new OneListener<[state: SerialState]>("this port's state");
  #closed = false;

  constructor(port: string, wire: Wire) {
    this.port = port;
    this.#wire = wire;
    this.#outbox = new SerialOutbox(port);
  }

  state(): SerialState {
    return this.#closed ? "lost" : this.#wire.state();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#expectOpen();
    await this.#outbox.write(bytes, async (own) => {
      this.#expectOpen();
      this.#wire.send(own);
    });
  }

  listen(listener: Parameters<SerialPort["listen"]>[0]): void {
    this.#listener.set(listener);
  }

  watch(watcher: Parameters<SerialPort["watch"]>[0]): void {
    this.#watcher.set(watcher);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wire.closed();
  }

  changed(state: SerialState): void {
    this.#watcher.tell(state);
  }

  received(bytes: Uint8Array): void {
    const at = edgeNs(Math.round(this.#wire.clock.monotonic() * 1e6));
    this.#listener.tell(Uint8Array.from(bytes), at);
  }

  #expectOpen(): void {
    if (this.state() === "open") return;
    throw new HalError("disconnected", `${this.port} is ${this.#closed ? "closed" : "lost"}`);
  }
}
