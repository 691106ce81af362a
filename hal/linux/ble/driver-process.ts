import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { BleService } from "../../ble.ts";
import type { Alarm, Clock } from "../../clock.ts";
import { LineSplitter } from "./line-splitter.ts";
import {
  type BleDriver,
  type FromDriver,
  messageBytesMax,
  parseFromDriver,
  type RadioFailure,
  serialiseRadioMessage,
  type ToDriver,
} from "./radio-messages.ts";

/** From its start to the adapter's first answer: a second or two on a small board. */
const startMsMax = 30_000;
/** How often it is asked whether it lives; twice without an answer, and it does not. */
const askMs = 2_000;
const unansweredMax = 2;
/**
 * A phone can write once in a connection interval, which is 7.5 ms or more: 133 a second, and a few answers.
 * What goes beyond comes from no phone.
 */
const messagesPerSecondMax = 500;
const bytesPerSecondMax = 256 * 1_024;
/** Of what it does not read. */
const waitingBytesMax = 64 * 1_024;
/** Of its heap: it needs some 10. */
const heapMegabytes = 48;
/** Of advertising: a phone that scans hears a reader in the first of its windows, as a rule. */
const advertisingMs = 50;

/** What a program is, beside the real one: a test's. */
export interface DriverProgram {
  readonly file: string;
  readonly flags: readonly string[];
  readonly args?: readonly string[];
}

/** What it says of the radio; what it says of itself is seen to here. */
export type RadioNews = Exclude<FromDriver, { readonly kind: "alive" | "failed" }>;

export interface DriverProcessOptions {
  readonly clock: Clock;
  /** N of `hciN`. */
  readonly adapter: number;
  readonly driver: BleDriver;
  readonly service: BleService;
  readonly program?: DriverProgram;
  readonly onMessage: (message: RadioNews) => void;
  /** Once, at once, and nothing more comes. */
  readonly onEnd: (reason: RadioFailure) => void;
}

/**
 * One process that drives an adapter, from its start to its end. It is trusted with nothing: what it says
 * is parsed, in bounded lines and at a bounded pace, and it is ended where it says more or nothing.
 */
export class DriverProcess {
  readonly #options: DriverProcessOptions;
  readonly #child: ChildProcess;
  readonly #channel: Duplex | undefined;
  readonly #splitter = new LineSplitter(messageBytesMax);
  #alarm: Alarm;
  #unansweredCount = 0;
  #secondFrom: number;
  #messageCount = 0;
  #byteCount = 0;
  #hasEnded = false;

  /** Throws what `spawn` throws. */
  constructor(options: DriverProcessOptions) {
    this.#options = options;
    const { clock, adapter, driver, service } = options;
    const { file, flags, args = [] } = options.program ?? ownProgram();
    this.#child = spawn(
      process.execPath,
      [`--max-old-space-size=${heapMegabytes}`, "--max-semi-space-size=1", ...flags, file, ...args],
      {
        // The libraries are told by it alone; nothing of ours is their business.
        env: {
          HCI_CHANNEL_USER: "1",
          BLENO_HCI_DEVICE_ID: String(adapter),
          BLENO_ADVERTISING_INTERVAL: String(advertisingMs),
          // Else the machine's name, which is read without a question.
          BLENO_DEVICE_NAME: "Postern",
        },
        stdio: ["ignore", "ignore", "ignore", "pipe"],
      },
    );
    // First of all: a process that could not be started says so here, and unheard it would end ours.
    this.#child.once("error", () => this.end("driver_exited"));
    this.#child.once("exit", () => this.end("driver_exited"));
    const channel = this.#child.stdio[3];
    this.#channel = isDuplex(channel) ? channel : undefined;
    this.#secondFrom = clock.monotonic();
    this.#alarm = this.#after(startMsMax, () => this.end("driver_hangs"));
    // A broken channel is a process that ends or is confused; its exit comes next, or its silence shows.
    this.#channel?.on("error", () => undefined);
    this.#channel?.on("data", (piece: Uint8Array) => this.#heard(piece));
    this.send({ kind: "open", driver, service });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToDriver): void {
    if (this.#hasEnded || this.#channel === undefined) return;
    this.#channel.write(serialiseRadioMessage(message));
    if (this.#channel.writableLength > waitingBytesMax) this.end("driver_hangs");
  }

  /** Kills it. Safe to call again. */
  end(reason: RadioFailure): void {
    if (this.#hasEnded) return;
    this.close();
    this.#options.onEnd(reason);
  }

  /** As `end`, and nobody is told. */
  close(): void {
    this.#hasEnded = true;
    this.#alarm.cancel();
    this.#channel?.destroy();
    this.#child.kill("SIGKILL");
    this.#child.unref();
  }

  #heard(piece: Uint8Array): void {
    if (this.#hasEnded) return;
    if (!this.#isWithinPace(piece.length)) return this.end("driver_flooded");
    const lines = this.#splitter.push(piece);
    if (lines === "too_long") return this.end("driver_confused");
    for (const line of lines) {
      this.#messageCount += 1;
      if (this.#messageCount > messagesPerSecondMax) return this.end("driver_flooded");
      const message = parseFromDriver(line);
      if (!message.ok) return this.end("driver_confused");
      this.#take(message.value);
      if (this.#hasEnded) return;
    }
  }

  #take(message: FromDriver): void {
    if (message.kind === "alive") {
      this.#unansweredCount = 0;
      return;
    }
    if (message.kind === "failed") return this.end(message.reason);
    if (message.kind === "powered") this.#askLater();
    this.#options.onMessage(message);
  }

  /** A count for each second, which begins anew with the first message after it. */
  #isWithinPace(byteCount: number): boolean {
    const now = this.#options.clock.monotonic();
    if (now - this.#secondFrom >= 1_000) {
      this.#secondFrom = now;
      this.#messageCount = 0;
      this.#byteCount = 0;
    }
    this.#byteCount += byteCount;
    return this.#byteCount <= bytesPerSecondMax;
  }

  /** Answers that wait in our own event loop are read before it is asked again. */
  #askLater(): void {
    this.#alarm.cancel();
    this.#alarm = this.#after(askMs, () => {
      if (this.#unansweredCount >= unansweredMax) return this.end("driver_hangs");
      this.#unansweredCount += 1;
      this.send({ kind: "ask" });
      if (!this.#hasEnded) this.#askLater();
    });
  }

  #after(ms: number, due: () => void): Alarm {
    const { clock } = this.#options;
    return clock.alarm(monotonicMs(clock.monotonic() + ms), due);
  }
}

/** As it is compiled, .js. From source its .ts is run, by the loader that runs this one. */
function ownProgram(): DriverProgram {
  const isSource = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(new URL(`./radio-program.${isSource ? "ts" : "js"}`, import.meta.url));
  return { file, flags: isSource ? ["--import", import.meta.resolve("tsx")] : [] };
}

function isDuplex(stream: unknown): stream is Duplex {
  return typeof stream === "object" && stream !== null && "writableLength" in stream;
}
