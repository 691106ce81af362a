import { monotonicMs } from "../../../src/domain/time.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import {
  type BleEvent,
  type BleHealth,
  type BleLink,
  type BlePeripheral,
  type BleService,
  type BleState,
  bleLink,
} from "../../ble.ts";
import type { Alarm, Clock } from "../../clock.ts";
import { OneListener } from "../../lines/one-listener.ts";
import { type Adapter, adaptersIn, findAdapter } from "./adapters.ts";
import { DriverProcess, type DriverProgram, type RadioNews } from "./driver-process.ts";
import { attributeBytesMax, type BleDriver, type RadioFailure } from "./radio-messages.ts";

const restartMsMin = 250;
const restartMsMax = 60_000;
/** How long a driver must have worked for its failure to count as the first one. */
const workedMsMin = 30_000;
/** How often it is seen whether the adapter is still plugged in, which no library tells. */
const lookMs = 2_000;
/** From asking for a disconnection to its end, a last frame included. */
const leaveMsMax = 2_000;

export interface LinuxBleOptions {
  readonly clock: Clock;
  /** N of `hciN`, or the socket that it is plugged into. */
  readonly adapter: number | string;
  readonly driver: BleDriver;
  readonly service: BleService;
  /** Where the kernel lists its adapters; another in tests. */
  readonly classFolder?: string;
  /** The driver's process; another in tests. */
  readonly program?: DriverProgram;
}

/**
 * A radio of this machine, by a process of its own for each adapter. Nothing else may use the
 * adapter meanwhile. Opens at once, whether there is one or not.
 */
export function openLinuxBlePeripheral(options: LinuxBleOptions): BlePeripheral {
  return new LinuxBlePeripheral(options);
}

interface Connection {
  readonly link: BleLink;
  /** Its number in its driver's process. */
  readonly number: number;
  frameBytesMax: number | undefined;
  leaving: Alarm | undefined;
}

class LinuxBlePeripheral implements BlePeripheral {
  readonly #options: LinuxBleOptions;
  readonly #listener = new OneListener<[event: BleEvent]>("this radio");
  #process: DriverProcess | undefined;
  /** That which the process drives, or the last one did. */
  #adapter: Adapter | undefined;
  #connection: Connection | undefined;
  #wanted: "on" | "off" = "on";
  #state: BleState = "starting";
  #reason: RadioFailure | undefined;
  #connectionCount = 0;
  #restartCount = 0;
  #restartMs = restartMsMin;
  #upAt: number | undefined;
  #restart: Alarm | undefined;
  #look: Alarm | undefined;
  #closed = false;

  constructor(options: LinuxBleOptions) {
    this.#options = options;
    this.#start();
  }

  listen(listener: (event: BleEvent) => void): void {
    this.#listener.set(listener);
    this.#tell({ kind: "health", health: this.health() });
  }

  offerHello(link: BleLink, hello: Uint8Array): void {
    const connection = this.#connectionOf(link);
    if (connection === undefined || hello.length === 0 || hello.length > attributeBytesMax) return;
    this.#process?.send({ kind: "hello", link: connection.number, bytes: hello });
  }

  notify(link: BleLink, frame: Uint8Array): void {
    const connection = this.#connectionOf(link);
    const { frameBytesMax = 0 } = connection ?? {};
    if (connection === undefined || frame.length === 0 || frame.length > frameBytesMax) return;
    this.#process?.send({ kind: "notify", link: connection.number, bytes: frame });
  }

  disconnect(link: BleLink): void {
    const connection = this.#connectionOf(link);
    if (connection === undefined || connection.leaving !== undefined) return;
    connection.leaving = this.#after(leaveMsMax, () => this.#process?.end("driver_hangs"));
    this.#process?.send({ kind: "disconnect", link: connection.number });
  }

  setAdvertising(wanted: "on" | "off"): void {
    if (this.#closed || this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#process?.send({ kind: "advertise", wanted });
    if (wanted === "off" && this.#state === "up") this.#become("silent");
    if (wanted === "on" && this.#state === "silent") this.#become("starting");
  }

  health(): BleHealth {
    return {
      state: this.#state,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      connectionCount: this.#connectionCount,
      restartCount: this.#restartCount,
    };
  }

  close(): void {
    this.#closed = true;
    this.#restart?.cancel();
    this.#look?.cancel();
    this.#connection?.leaving?.cancel();
    this.#connection = undefined;
    this.#process?.close();
    this.#process = undefined;
  }

  #start(): void {
    const adapter = this.#find();
    if (adapter === undefined) return this.#failed("no_adapter");
    this.#adapter = adapter;
    // An adapter that is not there has no driver that could be started.
    if (this.#restart !== undefined) this.#restartCount += 1;
    const { clock, driver, service, program } = this.#options;
    try {
      this.#process = new DriverProcess({
        clock,
        adapter: adapter.number,
        driver,
        service,
        ...(program === undefined ? {} : { program }),
        onMessage: (message) => this.#heard(message),
        onEnd: (reason) => this.#failed(reason),
      });
    } catch {
      // No more processes or descriptors for us: there may be some later.
      return this.#failed("driver_exited");
    }
    this.#lookLater();
  }

  #find(): Adapter | undefined {
    const { classFolder, adapter } = this.#options;
    return findAdapter(adaptersIn(classFolder), adapter, this.#adapter?.socket);
  }

  #lookLater(): void {
    this.#look = this.#after(lookMs, () => {
      if (this.#find()?.number === this.#adapter?.number) this.#lookLater();
      else this.#process?.end("no_adapter");
    });
  }

  /** What the driver's process says makes sense, or it is ended. */
  #heard(message: RadioNews): void {
    switch (message.kind) {
      case "powered":
        this.#process?.send({ kind: "advertise", wanted: this.#wanted });
        return;
      case "advertising":
        if (this.#wanted === "on") this.#become("up");
        return;
      case "silent":
        if (this.#wanted === "off") this.#become("silent");
        return;
      case "connected":
        return this.#connected(message);
      case "subscribed":
      case "written":
      case "heard":
      case "disconnected":
        return this.#heardOfLink(message);
      default:
        return unreachable(message);
    }
  }

  #connected(message: Extract<RadioNews, { readonly kind: "connected" }>): void {
    if (this.#connection !== undefined) {
      this.#process?.end("driver_confused");
      return;
    }
    this.#connectionCount += 1;
    const link = bleLink(this.#connectionCount);
    this.#connection = {
      link,
      number: message.link,
      frameBytesMax: undefined,
      leaving: undefined,
    };
    this.#tell({ kind: "connected", link, address: message.address });
  }

  #heardOfLink(
    message: Extract<
      RadioNews,
      { readonly kind: "subscribed" | "written" | "heard" | "disconnected" }
    >,
  ): void {
    const connection = this.#connection;
    if (connection === undefined || connection.number !== message.link) {
      this.#process?.end("driver_confused");
      return;
    }
    const { link } = connection;
    switch (message.kind) {
      case "subscribed": {
        const { frameBytesMax } = message;
        connection.frameBytesMax = frameBytesMax;
        return this.#tell({ kind: "subscribed", link, frameBytesMax });
      }
      case "written":
        return this.#tell({ kind: "written", link, bytes: message.bytes });
      case "heard":
        return this.#tell({ kind: "heard", link, rssi: message.rssi });
      case "disconnected":
        return this.#disconnected();
      default:
        return unreachable(message);
    }
  }

  #disconnected(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.leaving?.cancel();
    this.#connection = undefined;
    this.#tell({ kind: "disconnected", link: connection.link });
  }

  #failed(reason: RadioFailure): void {
    this.#process = undefined;
    this.#look?.cancel();
    this.#disconnected();
    if (this.#closed) return;
    const { clock } = this.#options;
    const workedMs = this.#upAt === undefined ? 0 : clock.monotonic() - this.#upAt;
    if (workedMs >= workedMsMin) this.#restartMs = restartMsMin;
    this.#upAt = undefined;
    this.#become("down", reason);
    this.#restart = this.#after(this.#restartMs, () => this.#start());
    this.#restartMs = Math.min(this.#restartMs * 2, restartMsMax);
  }

  #become(state: BleState, reason?: RadioFailure): void {
    if (state === "up" || state === "silent") this.#upAt ??= this.#options.clock.monotonic();
    if (this.#state === state && this.#reason === reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#tell({ kind: "health", health: this.health() });
  }

  #connectionOf(link: BleLink): Connection | undefined {
    return this.#connection?.link === link ? this.#connection : undefined;
  }

  #tell(event: BleEvent): void {
    if (!this.#closed) this.#listener.tell(event);
  }

  #after(ms: number, due: () => void): Alarm {
    const { clock } = this.#options;
    return clock.alarm(monotonicMs(clock.monotonic() + ms), due);
  }
}
