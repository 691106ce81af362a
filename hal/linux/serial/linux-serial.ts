import { describeFailure } from "../../../src/domain/describe-failure.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../../src/domain/time.ts";
import type { Alarm, Clock } from "../../clock.ts";
import { expectSerialSettings } from "../../lines/expect-serial-settings.ts";
import { OneListener } from "../../lines/one-listener.ts";
import { SerialOutbox } from "../../lines/serial-outbox.ts";
import type { Serial, SerialPort, SerialSettings, SerialState } from "../../serial.ts";
import { type OpenTty, openTty } from "./open-tty.ts";

const reopenMsMin = 250;
const reopenMsMax = 5_000;

/** The kernel counts adapters in the order in which it finds them. */
const countedName = /^\/dev\/tty(USB|ACM)\d+$/;

export interface LinuxSerialOptions {
  readonly clock: Clock;
  /** For people: why a port is lost, once for each loss, and what is unwise about its name. */
  readonly onWarning: (detail: string) => void;
}

/** Serial ports by the package `serialport`, which is loaded when the first one opens. */
export function openLinuxSerial(options: LinuxSerialOptions): Serial {
  return {
    open: (settings) => {
      expectSerialSettings(settings);
      const { port } = settings;
      if (countedName.test(port)) {
        options.onWarning(
          `${port} may be another adapter after the next start: use its name in /dev/serial/by-id`,
        );
      }
      return new LinuxSerialPort(settings, options);
    },
  };
}

class LinuxSerialPort implements SerialPort {
  readonly port: string;
  readonly #settings: SerialSettings;
  readonly #options: LinuxSerialOptions;
  readonly #outbox: SerialOutbox;
  readonly #listener = new OneListener<[bytes: Uint8Array, at: EdgeNs]>("this port");
  readonly #watcher = new OneListener<[state: SerialState]>("this port's state");
  #tty: OpenTty | undefined;
  #opening: Promise<void> | undefined;
  #alarm: Alarm | undefined;
  #reopenMs = reopenMsMin;
  /** A port that is looked for again and again is complained of once. */
  #isWarned = false;
  #closed = false;

  constructor(settings: SerialSettings, options: LinuxSerialOptions) {
    this.port = settings.port;
    this.#settings = settings;
    this.#options = options;
    this.#outbox = new SerialOutbox(settings.port);
    this.#opening = this.#open();
  }

  state(): SerialState {
    return this.#tty === undefined ? "lost" : "open";
  }

  write(bytes: Uint8Array): Promise<void> {
    const tty = this.#tty;
    if (tty === undefined) return Promise.reject(this.#lostError());
    return this.#outbox.write(bytes, (own) => this.#writeTo(tty, own));
  }

  listen(listener: Parameters<SerialPort["listen"]>[0]): void {
    this.#listener.set(listener);
  }

  watch(watcher: Parameters<SerialPort["watch"]>[0]): void {
    this.#watcher.set(watcher);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#alarm?.cancel();
    await this.#opening;
    const tty = this.#tty;
    this.#tty = undefined;
    await tty?.close();
  }

  async #open(): Promise<void> {
    let tty: OpenTty;
    try {
      tty = await openTty(this.#settings);
    } catch (error) {
      this.#opening = undefined;
      this.#warn(describeFailure(error));
      this.#reopen();
      return;
    }
    this.#opening = undefined;
    if (this.#closed) {
      await tty.close();
      return;
    }
    this.#tty = tty;
    this.#isWarned = false;
    this.#reopenMs = reopenMsMin;
    void this.#readUntilLost(tty);
    this.#watcher.tell("open");
  }

  /** Never rejects. */
  async #readUntilLost(tty: OpenTty): Promise<void> {
    const why = await tty.read((bytes) => {
      if (this.#closed || this.#tty !== tty) return;
      this.#listener.tell(bytes, edgeNs(Math.round(this.#options.clock.monotonic() * 1e6)));
    });
    await this.#lose(tty, why);
  }

  async #writeTo(tty: OpenTty, bytes: Uint8Array): Promise<void> {
    try {
      const outcome = await Promise.race([tty.write(bytes), tty.lost]);
      if (outcome === "lost") throw this.#lostError();
    } catch (cause) {
      if (cause instanceof HalError) throw cause;
      await this.#lose(tty, describeFailure(cause));
      throw new HalError("disconnected", `${this.port}: ${describeFailure(cause)}`, { cause });
    }
  }

  async #lose(tty: OpenTty, why: string): Promise<void> {
    if (this.#tty !== tty) return;
    this.#tty = undefined;
    this.#warn(why);
    this.#watcher.tell("lost");
    await tty.close();
    this.#reopen();
  }

  #reopen(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + this.#reopenMs), () => {
      this.#opening = this.#open();
    });
    this.#reopenMs = Math.min(this.#reopenMs * 2, reopenMsMax);
  }

  #warn(why: string): void {
    if (this.#isWarned || this.#closed) return;
    this.#isWarned = true;
    this.#options.onWarning(`${this.port} is lost: ${why}`);
  }

  #lostError(): HalError {
    return new HalError("disconnected", `${this.port} is ${this.#closed ? "closed" : "lost"}`);
  }
}
