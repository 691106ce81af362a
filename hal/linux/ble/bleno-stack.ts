import { createRequire } from "node:module";
import type { BleService } from "../../ble.ts";
import { blenoPackages } from "./bleno-packages.ts";
import type { GattStack, GattStackListener } from "./gatt-stack.ts";
import type { BleDriver } from "./radio-messages.ts";
import { systemFailure } from "./system-failure.ts";

type Listener = (...told: readonly unknown[]) => void;

/**
 * What both libraries have, as we use it. `@stoprocent/bleno` gives every callback of a characteristic
 * the connection's handle first; that is the whole difference.
 */
interface Bleno {
  on(event: string, listener: Listener): unknown;
  setServices(services: readonly object[]): void;
  startAdvertisingWithEIRData(advertisement: Buffer, scanResponse: Buffer): void;
  stopAdvertising(): void;
  disconnect(handle?: unknown): void;
  updateRssi(): void;
  readonly PrimaryService: new (options: object) => object;
  readonly Characteristic: new (options: object) => object;
  readonly _bindings?: {
    readonly _handle?: number | null;
    readonly _hci?: {
      disconnect?(handle: number): void;
      readonly _socket?: { on?(event: string, listener: Listener): unknown };
    };
  };
}

/** ATT error codes and success (Core Specification, Vol 3, Part F, 3.4.1.1). */
const attSuccess = 0x00;
const attInvalidOffset = 0x07;
const attInvalidLength = 0x0d;

/** Opens one of the two; its environment says which adapter. */
export async function openBleno(
  driver: BleDriver,
  service: BleService,
  listener: GattStackListener,
): Promise<GattStack> {
  const load = createRequire(import.meta.url);
  if (driver === "stoprocent") leaveOutKeyStore(load);
  const bleno = load(blenoPackages[driver]) as Bleno;
  const stack = new BlenoStack(driver, bleno, listener);
  stack.start(service);
  return stack;
}

/**
 * `@stoprocent/bleno` (0.12.4) opens a second socket for each phone, in which it would leave the keys of a
 * pairing with the kernel, and when the phone goes it waits for that socket's thread, which sleeps for a
 * second: so long nothing is heard, and nobody can connect. Nobody pairs with a reader.
 */
function leaveOutKeyStore(load: NodeJS.Require): void {
  const file = load.resolve(`${blenoPackages.stoprocent}/lib/hci-socket/mgmt.js`);
  load(file);
  const loaded = load.cache[file];
  if (loaded === undefined) return;
  loaded.exports = class {
    close(): void {}
    addLongTermKey(): void {}
    clearLongTermKeys(): void {}
  };
}

class BlenoStack implements GattStack {
  readonly #driver: BleDriver;
  readonly #bleno: Bleno;
  readonly #listener: GattStackListener;
  #advertisement: Buffer = Buffer.alloc(0);
  /** Of the phone that is connected; of `abandonware` always undefined. */
  #handle: unknown;
  #isConnected = false;

  constructor(driver: BleDriver, bleno: Bleno, listener: GattStackListener) {
    this.#driver = driver;
    this.#bleno = bleno;
    this.#listener = listener;
  }

  /** To listen to `stateChange` is what takes the adapter, so it comes last. */
  start(service: BleService): void {
    const bleno = this.#bleno;
    const listener = this.#listener;
    this.#advertisement = advertisementOf(service);
    bleno.on("accept", (address, handle) => this.#connected(String(address), handle));
    bleno.on("disconnect", (_, handle) => this.#disconnected(handle));
    bleno.on("advertisingStart", (error) =>
      listener.advertising(error === null || error === undefined ? "started" : "refused"),
    );
    bleno.on("advertisingStartError", () => listener.advertising("refused"));
    bleno.on("advertisingStop", () => listener.advertising("stopped"));
    bleno.on("rssiUpdate", (rssi) => {
      if (typeof rssi === "number") listener.heard(rssi);
    });
    // It tells nobody that somebody else has the adapter, or that there is none.
    bleno._bindings?._hci?._socket?.on?.("error", (error) => {
      const reason = systemFailure(error);
      if (reason !== undefined) listener.failed(reason);
    });
    bleno.setServices([this.#gattService(service)]);
    bleno.on("stateChange", (state) => this.#stateChanged(state));
  }

  advertise(): void {
    this.#bleno.startAdvertisingWithEIRData(this.#advertisement, Buffer.alloc(0));
  }

  silence(): void {
    this.#bleno.stopAdvertising();
  }

  disconnect(): void {
    const { _bindings } = this.#bleno;
    // Some controllers count from 0, which `@abandonware/bleno` (0.6.2) takes for no connection at all.
    if (_bindings?._handle === 0) _bindings._hci?.disconnect?.(0);
    else this.#bleno.disconnect();
  }

  askRssi(): void {
    this.#bleno.updateRssi();
  }

  #stateChanged(state: unknown): void {
    if (state === "poweredOn") this.#listener.powered();
    else if (state === "unauthorized") this.#listener.failed("not_permitted");
    else if (state === "unsupported") this.#listener.failed("not_supported");
    else this.#listener.failed("no_adapter");
  }

  #connected(address: string, handle: unknown): void {
    if (this.#isConnected) {
      // `@stoprocent/bleno` would serve several.
      this.#bleno.disconnect(handle);
      return;
    }
    this.#isConnected = true;
    this.#handle = handle;
    this.#listener.connected(address);
  }

  #disconnected(handle: unknown): void {
    if (!this.#isConnected || handle !== this.#handle) return;
    // Both libraries advertise again by themselves after they have told of this, if they are to advertise by
    // then, and tell nobody of the answer to that: so nobody may ask for it before they are done.
    queueMicrotask(() => {
      this.#isConnected = false;
      this.#handle = undefined;
      this.#listener.disconnected();
    });
  }

  #gattService(service: BleService): object {
    const { PrimaryService, Characteristic } = this.#bleno;
    const listener = this.#listener;
    /** Without the handle that one of them puts first; nothing where it is another's. */
    const own =
      (take: Listener): Listener =>
      (...told) => {
        if (this.#driver === "abandonware") take(...told);
        else if (this.#isConnected && told[0] === this.#handle) take(...told.slice(1));
      };
    return new PrimaryService({
      uuid: service.service,
      characteristics: [
        new Characteristic({
          uuid: service.hello,
          properties: ["read"],
          onReadRequest: own((offset, answer) => {
            const reply = answer as (code: number, value?: Buffer) => void;
            listener.read(Number(offset), (value) => {
              if (value === "invalid_offset") reply(attInvalidOffset);
              else reply(attSuccess, Buffer.from(value));
            });
          }),
        }),
        new Characteristic({
          uuid: service.pass,
          properties: ["write"],
          onWriteRequest: own((bytes, offset, _, answer) => {
            const reply = answer as (code: number) => void;
            if (offset !== 0) reply(attInvalidOffset);
            else reply(listener.written(bytes as Uint8Array) ? attSuccess : attInvalidLength);
          }),
        }),
        new Characteristic({
          uuid: service.result,
          properties: ["notify"],
          onSubscribe: own((frameBytesMax, notify) => {
            const send = notify as (frame: Buffer) => void;
            listener.subscribed(Number(frameBytesMax), (frame) => send(Buffer.from(frame)));
          }),
          onUnsubscribe: own(() => listener.unsubscribed()),
        }),
      ],
    });
  }
}

/** Flags and the service, 21 of 31 bytes (Core Specification Supplement, Part A, 1.1 and 1.3). */
function advertisementOf({ service }: BleService): Buffer {
  const flags = [2, 0x01, 0x06];
  return Buffer.from([...flags, 17, 0x07, ...Buffer.from(service, "hex").reverse()]);
}
