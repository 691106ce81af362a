import { HalError } from "../../src/domain/hal-error.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import type { BleEvent, BleLink } from "../ble.ts";
import type { CentralLink } from "../ble-central.ts";
import type { Clock } from "../clock.ts";
import type { SimAir, SimHop } from "./sim-air.ts";

/** Who hears at once that a link was lost. */
type Hearing = "both" | "phone";

/** One connection of one phone to one simulated reader, as the phone has it, and what the reader's end does. */
export class SimBleLink implements CentralLink {
  readonly number: BleLink;
  readonly frameBytesMax: number;
  readonly gone: Promise<void>;
  readonly #clock: Clock;
  readonly #air: SimAir;
  readonly #tell: (event: BleEvent) => void;
  /** Each way, packets keep their order: when the last of them arrives. */
  readonly #lastAt = { toReader: 0, toPhone: 0 };
  readonly #waiting = new Set<() => void>();
  #isUp = { reader: true, phone: true };
  #isSubscribed = false;
  #hello: Uint8Array | undefined;
  #helloAsked: (() => void)[] = [];
  #onFrame: (frame: Uint8Array) => void = () => undefined;
  #resolveGone: () => void = () => undefined;

  constructor(options: {
    readonly number: BleLink;
    readonly clock: Clock;
    readonly air: SimAir;
    readonly frameBytesMax: number;
    readonly tell: (event: BleEvent) => void;
  }) {
    this.number = options.number;
    this.frameBytesMax = options.frameBytesMax;
    this.#clock = options.clock;
    this.#air = options.air;
    this.#tell = options.tell;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  begin(address: string, rssi: number | undefined): void {
    const hop = this.#air();
    // A phone that the reader never heard of keeps nobody out.
    if (hop.kind !== "carried") return queueMicrotask(() => this.lose("both"));
    this.#arriveBy(hop, "toReader", () => {
      if (!this.#isUp.reader) return;
      this.#tell({ kind: "connected", link: this.number, address });
      if (rssi !== undefined) this.#tell({ kind: "heard", link: this.number, rssi });
    });
  }

  offer(hello: Uint8Array): void {
    this.#hello = hello;
    const asked = this.#helloAsked;
    this.#helloAsked = [];
    for (const answer of asked) answer();
  }

  notify(frame: Uint8Array): void {
    if (!this.#isSubscribed) return;
    // What does not fit is cut off, as the specification has it.
    this.#toPhone(() => this.#onFrame(frame.subarray(0, this.frameBytesMax)));
  }

  /** The reader's end is free then, wherever the phone is. */
  hangUp(): void {
    this.#arriveBy({ kind: "carried", delayMs: 0 }, "toPhone", () => this.lose("both"));
  }

  readHello(): Promise<Uint8Array> {
    return this.#ask<Uint8Array>((answer) => {
      this.#toReader(() => {
        const send = () => this.#toPhone(() => answer(this.#hello ?? new Uint8Array()));
        if (this.#hello === undefined) this.#helloAsked.push(send);
        else send();
      });
    });
  }

  subscribe(listener: (frame: Uint8Array) => void): Promise<void> {
    this.#onFrame = listener;
    const { number: link, frameBytesMax } = this;
    return this.#ask<void>((answer) => {
      this.#toReader(() => {
        this.#isSubscribed = true;
        this.#tell({ kind: "subscribed", link, frameBytesMax });
        this.#toPhone(() => answer());
      });
    });
  }

  async write(frame: Uint8Array): Promise<void> {
    if (frame.length > this.frameBytesMax) {
      throw new HalError("io", `a frame of ${frame.length} bytes: expected ${this.frameBytesMax}`);
    }
    const bytes = Uint8Array.from(frame);
    await this.#ask<void>((answer) => {
      this.#toReader(() => {
        this.#tell({ kind: "written", link: this.number, bytes });
        this.#toPhone(() => answer());
      });
    });
  }

  disconnect(): void {
    if (!this.#isUp.phone) return;
    this.#toReader(() => this.lose("both"));
    this.lose("phone");
  }

  lose(hearing: Hearing): void {
    if (this.#isUp.phone) {
      this.#isUp.phone = false;
      this.#resolveGone();
      for (const reject of this.#waiting) reject();
      this.#waiting.clear();
    }
    if (hearing === "phone" || !this.#isUp.reader) return;
    this.#isUp.reader = false;
    // Never from within the call that hangs up.
    queueMicrotask(() => this.#tell({ kind: "disconnected", link: this.number }));
  }

  /** Rejects when the link is lost before the answer. */
  #ask<T>(send: (answer: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(new HalError("disconnected", "the reader is out of range"));
      if (!this.#isUp.phone) return lost();
      this.#waiting.add(lost);
      send((value) => {
        this.#waiting.delete(lost);
        resolve(value);
      });
    });
  }

  #toReader(arrive: () => void): void {
    this.#carry("toReader", () => {
      if (this.#isUp.reader) arrive();
    });
  }

  #toPhone(arrive: () => void): void {
    this.#carry("toPhone", () => {
      if (this.#isUp.phone) arrive();
    });
  }

  #carry(way: "toReader" | "toPhone", arrive: () => void): void {
    const hop = this.#air();
    if (hop.kind === "cut") return queueMicrotask(() => this.lose("both"));
    if (hop.kind === "vanished") return queueMicrotask(() => this.lose("phone"));
    this.#arriveBy(hop, way, arrive);
  }

  #arriveBy(
    { delayMs }: Extract<SimHop, { readonly kind: "carried" }>,
    way: "toReader" | "toPhone",
    arrive: () => void,
  ): void {
    const now = this.#clock.monotonic();
    const at = Math.max(now + delayMs, this.#lastAt[way]);
    this.#lastAt[way] = at;
    if (at <= now) return queueMicrotask(arrive);
    this.#clock.alarm(monotonicMs(at), arrive);
  }
}
