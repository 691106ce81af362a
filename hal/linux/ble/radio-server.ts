import { type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import type { Alarm, Clock } from "../../clock.ts";
import type { GattStack, GattStackListener } from "./gatt-stack.ts";
import {
  attributeBytesMax,
  type FromDriver,
  frameBytesMin,
  frameBytesMost,
  type RadioFailure,
  type ToDriver,
} from "./radio-messages.ts";
import { systemFailure } from "./system-failure.ts";

/** For an adapter to answer a command: it takes some milliseconds. */
const answerMsMax = 3_000;
const refusalsMax = 5;
const retryMs = 300;
/**
 * How often an adapter that nobody talks to is told to be seen anew. It shows that it still answers, and
 * brings back an adapter that began anew by itself and has forgotten what it was told.
 */
const renewMs = 20_000;
/** A last notification is on the air within some connection intervals, of 50 ms at most as a rule. */
const lastFrameMs = 150;
/** Whatever is said to us: nobody has the reader for longer. A pass takes 3 s at the most. */
const linkMsMax = 15_000;
/** A pass is some 30 of them, in the smallest frames. */
const writesPerLinkMax = 400;
/** How often one phone may make a library throw before the library is believed to be at fault. */
const faultsMax = 3;

interface Link {
  readonly number: number;
  readonly until: Alarm;
  hello: Uint8Array | undefined;
  waiting: { readonly offset: number; readonly answer: Answer } | undefined;
  notify: ((frame: Uint8Array) => void) | undefined;
  frameBytesMax: number;
  lastFrameAt: MonotonicMs | undefined;
  leaving: Alarm | undefined;
  writeCount: number;
}

type Answer = (value: Uint8Array | "invalid_offset") => void;
type Visibility = "unseen" | "appearing" | "seen" | "vanishing";

export interface RadioServerOptions {
  readonly clock: Clock;
  readonly send: (message: FromDriver) => void;
  /** The end of this process. */
  readonly fail: (reason: RadioFailure) => void;
}

/**
 * What a driver's process does between its parent and a library: one phone at a time, advertising while
 * there is none. Where the adapter or the library is at fault it fails, and its parent starts another.
 */
export class RadioServer {
  readonly #options: RadioServerOptions;
  #stack: GattStack | undefined;
  #isPowered = false;
  /** Undefined until the parent says. */
  #wanted: "on" | "off" | undefined;
  #visibility: Visibility = "unseen";
  /** What the parent was last told of it. */
  #told: "advertising" | "silent" | undefined;
  #refusalCount = 0;
  #faultCount = 0;
  #answer: Alarm | undefined;
  #next: Alarm | undefined;
  #link: Link | undefined;
  #linkCount = 0;
  #failed = false;

  constructor(options: RadioServerOptions) {
    this.#options = options;
  }

  /** `openStack` loads a library and takes the adapter; it may reject with whatever that throws. */
  async open(openStack: (listener: GattStackListener) => Promise<GattStack>): Promise<void> {
    this.#awaitAnswer();
    try {
      this.#stack = await openStack(this.#listener());
    } catch (error) {
      this.#fail(systemFailure(error) ?? "driver_failed");
      return;
    }
    this.#update();
  }

  take(message: Exclude<ToDriver, { readonly kind: "open" }>): void {
    switch (message.kind) {
      case "advertise":
        this.#wanted = message.wanted;
        return this.#update();
      case "hello":
        return this.#offer(message);
      case "notify":
        return this.#notify(message);
      case "disconnect":
        return this.#leave(message.link);
      case "ask":
        return this.#options.send({ kind: "alive" });
      default:
        return unreachable(message);
    }
  }

  /**
   * The library threw where nobody could catch it. Most likely a phone sent what it does not expect, a
   * request that is cut short, and it keeps nothing of that: the phone has to go, and nothing else happens.
   * A process that died of it could be kept dead from the street.
   */
  threw(error: unknown): void {
    const link = this.#link;
    this.#faultCount += 1;
    if (link === undefined || this.#faultCount > faultsMax) {
      this.#fail(systemFailure(error) ?? "driver_failed");
      return;
    }
    this.#disconnect();
  }

  #listener(): GattStackListener {
    return {
      powered: () => {
        if (this.#isPowered) return;
        this.#isPowered = true;
        this.#answer?.cancel();
        this.#options.send({ kind: "powered" });
        this.#update();
      },
      failed: (reason) => this.#fail(reason),
      advertising: (outcome) => this.#answered(outcome),
      connected: (address) => this.#connected(address),
      subscribed: (asked, notify) => {
        const link = this.#link;
        if (link === undefined) return;
        const frameBytesMax = Math.min(frameBytesMost, Math.max(frameBytesMin, asked));
        link.notify = notify;
        link.frameBytesMax = frameBytesMax;
        this.#options.send({ kind: "subscribed", link: link.number, frameBytesMax });
        // Again, as an adapter may not know it yet of a phone that has just come.
        this.#stack?.askRssi();
      },
      unsubscribed: () => {
        if (this.#link !== undefined) this.#link.notify = undefined;
      },
      read: (offset, answer) => {
        const link = this.#link;
        if (link === undefined) return;
        link.waiting = { offset, answer };
        answerRead(link);
      },
      written: (bytes) => this.#written(bytes),
      heard: (rssi) => {
        // 127 is "not known" (Core Specification, Vol 4, Part E, 7.5.4).
        const isKnown = Number.isSafeInteger(rssi) && rssi >= -127 && rssi <= 20;
        if (this.#link === undefined || !isKnown) return;
        this.#options.send({ kind: "heard", link: this.#link.number, rssi });
      },
      disconnected: () => this.#disconnected(),
    };
  }

  #update(): void {
    const stack = this.#stack;
    if (stack === undefined || !this.#isPowered || this.#failed) return;
    this.#next?.cancel();
    const isWanted = this.#wanted === "on" && this.#link === undefined;
    switch (this.#visibility) {
      case "unseen":
        if (this.#wanted === "off") this.#tell("silent");
        if (isWanted) this.#ask("appearing", () => stack.advertise());
        return;
      case "seen":
        if (isWanted) this.#next = this.#after(renewMs, () => this.#renew());
        else this.#ask("vanishing", () => stack.silence());
        return;
      case "appearing":
      case "vanishing":
        return;
      default:
        return unreachable(this.#visibility);
    }
  }

  #renew(): void {
    this.#ask("vanishing", () => this.#stack?.silence());
  }

  #answered(outcome: "started" | "refused" | "stopped"): void {
    if (this.#visibility === "vanishing" && outcome === "stopped") {
      this.#answer?.cancel();
      this.#visibility = "unseen";
      this.#update();
    } else if (this.#visibility === "appearing" && outcome === "started") {
      this.#answer?.cancel();
      this.#visibility = "seen";
      this.#refusalCount = 0;
      this.#faultCount = 0;
      this.#tell("advertising");
      this.#update();
    } else if (this.#visibility === "appearing" && outcome === "refused") {
      this.#answer?.cancel();
      this.#visibility = "unseen";
      this.#refusalCount += 1;
      if (this.#refusalCount > refusalsMax) this.#fail("advertising_refused");
      else this.#next = this.#after(retryMs, () => this.#update());
    }
  }

  #connected(address: string): void {
    this.#linkCount += 1;
    const number = this.#linkCount;
    this.#link = {
      number,
      until: this.#after(linkMsMax, () => this.#disconnect()),
      hello: undefined,
      waiting: undefined,
      notify: undefined,
      frameBytesMax: frameBytesMin,
      lastFrameAt: undefined,
      leaving: undefined,
      writeCount: 0,
    };
    this.#options.send({ kind: "connected", link: number, address: address.toLowerCase() });
    // An adapter stops by itself then; one of the libraries would start it again for a second phone.
    this.#update();
    this.#stack?.askRssi();
  }

  #disconnected(): void {
    const link = this.#link;
    if (link === undefined) return;
    link.until.cancel();
    link.leaving?.cancel();
    this.#link = undefined;
    this.#options.send({ kind: "disconnected", link: link.number });
    this.#update();
  }

  #written(bytes: Uint8Array): boolean {
    const link = this.#link;
    if (link === undefined || bytes.length === 0 || bytes.length > attributeBytesMax) return false;
    link.writeCount += 1;
    if (link.writeCount > writesPerLinkMax) {
      this.#disconnect();
      return false;
    }
    this.#options.send({ kind: "written", link: link.number, bytes });
    return true;
  }

  #offer({ link: number, bytes }: { readonly link: number; readonly bytes: Uint8Array }): void {
    const link = this.#linkOf(number);
    if (link === undefined) return;
    link.hello = bytes;
    answerRead(link);
  }

  #notify({ link: number, bytes }: { readonly link: number; readonly bytes: Uint8Array }): void {
    const link = this.#linkOf(number);
    if (link?.notify === undefined || bytes.length > link.frameBytesMax) return;
    link.lastFrameAt = this.#options.clock.monotonic();
    link.notify(bytes);
  }

  #leave(number: number): void {
    const link = this.#linkOf(number);
    if (link === undefined || link.leaving !== undefined) return;
    const { lastFrameAt } = link;
    const now = this.#options.clock.monotonic();
    const waitMs = lastFrameAt === undefined ? 0 : lastFrameMs - (now - lastFrameAt);
    if (waitMs <= 0) this.#disconnect();
    else link.leaving = this.#after(waitMs, () => this.#disconnect());
  }

  #disconnect(): void {
    this.#try(() => this.#stack?.disconnect());
  }

  #linkOf(number: number): Link | undefined {
    return this.#link?.number === number ? this.#link : undefined;
  }

  #ask(visibility: "appearing" | "vanishing", ask: () => void): void {
    this.#visibility = visibility;
    this.#awaitAnswer();
    this.#try(ask);
  }

  #awaitAnswer(): void {
    this.#answer?.cancel();
    this.#answer = this.#after(answerMsMax, () => this.#fail("adapter_hangs"));
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(systemFailure(error) ?? "driver_failed");
    }
  }

  #after(ms: number, due: () => void): Alarm {
    const { clock } = this.#options;
    return clock.alarm(monotonicMs(clock.monotonic() + ms), due);
  }

  #tell(what: "advertising" | "silent"): void {
    if (this.#told === what) return;
    this.#told = what;
    this.#options.send({ kind: what });
  }

  #fail(reason: RadioFailure): void {
    if (this.#failed) return;
    this.#failed = true;
    for (const alarm of [this.#answer, this.#next, this.#link?.until, this.#link?.leaving]) {
      alarm?.cancel();
    }
    this.#options.fail(reason);
  }
}

/** A value that is read in pieces is asked for anew at each offset. */
function answerRead(link: Link): void {
  const { hello, waiting } = link;
  if (hello === undefined || waiting === undefined) return;
  link.waiting = undefined;
  const { offset, answer } = waiting;
  answer(offset > hello.length ? "invalid_offset" : hello.subarray(offset));
}
