import { HalError } from "../../src/domain/hal-error.ts";
import { edgeNs } from "../../src/domain/time.ts";
import type { Clock } from "../clock.ts";
import {
  type Serial,
  type SerialPort,
  type SerialSettings,
  type SerialState,
  serialQueuedBytesMax,
  serialSpeeds,
} from "../serial.ts";

/** Ports with adapters that are plugged in and out, and the far end of their wires in our hands. */
export class SimSerial implements Serial {
  readonly #clock: Clock;
  readonly #plugged = new Set<string>();
  readonly #open = new Map<string, SimSerialPort>();
  #farEnd: ((port: string, bytes: Uint8Array) => void) | undefined;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  open({ port, speed }: SerialSettings): SerialPort {
    if (!port.startsWith("/")) {
      throw new HalError("not_supported", `serial port "${port}": expected a whole path`);
    }
    if (!serialSpeeds.includes(speed)) {
      throw new HalError("not_supported", `${port}: ${speed} bit/s`);
    }
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
  #listener: Parameters<SerialPort["listen"]>[0] | undefined;
  #watcher: ((state: SerialState) => void) | undefined;
  #queuedBytes = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(port: string, wire: Wire) {
    this.port = port;
    this.#wire = wire;
  }

  state(): SerialState {
    return this.#closed ? "lost" : this.#wire.state();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#expectOpen();
    if (this.#queuedBytes + bytes.length > serialQueuedBytesMax) {
      throw new HalError("io", `${this.port}: ${this.#queuedBytes} bytes wait to be sent already`);
    }
    this.#queuedBytes += bytes.length;
    const own = Uint8Array.from(bytes);
    const written = this.#lastWrite.then(() => {
      this.#queuedBytes -= own.length;
      this.#expectOpen();
      this.#wire.send(own);
    });
    this.#lastWrite = written.catch(() => undefined);
    await written;
  }

  listen(listener: Parameters<SerialPort["listen"]>[0]): void {
    if (this.#listener !== undefined) throw new Error("this port has its one listener already");
    this.#listener = listener;
  }

  watch(watcher: (state: SerialState) => void): void {
    if (this.#watcher !== undefined) throw new Error("this port has its one watcher already");
    this.#watcher = watcher;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wire.closed();
  }

  changed(state: SerialState): void {
    this.#watcher?.(state);
  }

  received(bytes: Uint8Array): void {
    const at = edgeNs(Math.round(this.#wire.clock.monotonic() * 1e6));
    this.#listener?.(Uint8Array.from(bytes), at);
  }

  #expectOpen(): void {
    if (this.state() === "open") return;
    throw new HalError("disconnected", `${this.port} is ${this.#closed ? "closed" : "lost"}`);
  }
}
