import { HalError } from "../../src/domain/hal-error.ts";
import { type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import {
  type BleEvent,
  type BleHealth,
  type BleLink,
  type BlePeripheral,
  type BleState,
  bleLink,
} from "../ble.ts";
import type { BleCentral, CentralLink, HeardReader } from "../ble-central.ts";
import type { Alarm, Clock } from "../clock.ts";
import { type SimAir, stillAir } from "./sim-air.ts";
import { SimBleLink } from "./sim-ble-link.ts";

/** How one phone appears on the air. */
export interface SimBlePhone {
  readonly address: string;
  /** How strongly the reader hears it. Absent: its radio cannot tell. */
  readonly rssi?: number;
  /** 23 to 517; what the two agree on. */
  readonly mtu?: number;
}

interface Waiting {
  readonly connect: () => void;
  readonly alarm: Alarm;
}

/** As BLE has it: 23 at least, of which three are the protocol's; an attribute holds 512. */
const mtuMin = 23;
const mtuMax = 517;
const mtuCommon = 247;
const frameBytesMax = 509;

/** The radio of a simulated reader, and the air around it. */
export class SimBlePeripheral implements BlePeripheral {
  /** How many links there were: each has its number. */
  #linkCount = 0;
  #restartCount = 0;
  #link: SimBleLink | undefined;
  #wanted: "on" | "off" = "on";
  #downFor: string | undefined;
  #closed = false;
  #air: SimAir;
  #listener: ((event: BleEvent) => void) | undefined;
  readonly #clock: Clock;
  /** Phones that look for the reader, and those that want to connect, until it advertises. */
  #waiting: Waiting[] = [];

  constructor(options: { readonly clock: Clock; readonly air?: SimAir }) {
    this.#clock = options.clock;
    this.#air = options.air ?? stillAir;
  }

  listen(listener: (event: BleEvent) => void): void {
    if (this.#listener !== undefined) throw new Error("a radio has one listener");
    this.#listener = listener;
    listener({ kind: "health", health: this.health() });
  }

  offerHello(link: BleLink, hello: Uint8Array): void {
    this.#at(link)?.offer(Uint8Array.from(hello));
  }

  notify(link: BleLink, frame: Uint8Array): void {
    this.#at(link)?.notify(Uint8Array.from(frame));
  }

  disconnect(link: BleLink): void {
    this.#at(link)?.hangUp();
  }

  setAdvertising(wanted: "on" | "off"): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#tellHealth();
    this.#advertise();
  }

  health(): BleHealth {
    const reason = this.#downFor;
    return {
      state: this.#state(),
      ...(reason !== undefined && { reason }),
      connectionCount: this.#linkCount,
      restartCount: this.#restartCount,
    };
  }

  close(): void {
    this.#closed = true;
    this.#link?.lose("both");
    for (const { alarm } of this.#waiting) alarm.cancel();
    this.#waiting = [];
  }

  /** Whether a phone in range would see it now. */
  get isAdvertising(): boolean {
    return this.#state() === "up" && this.#link === undefined;
  }

  setAir(air: SimAir): void {
    this.#air = air;
  }

  /** The adapter is unplugged, or its driver dies: whoever is connected is lost, which is told first. */
  fail(reason: string): void {
    if (this.#downFor !== undefined) return;
    this.#downFor = reason;
    const link = this.#link;
    link?.lose("phone");
    if (link !== undefined) this.#tell(link, { kind: "disconnected", link: link.number });
    this.#tellHealth();
  }

  recover(): void {
    if (this.#downFor === undefined) return;
    this.#downFor = undefined;
    this.#restartCount += 1;
    this.#tellHealth();
    this.#advertise();
  }

  /** A phone's radio, in range of this reader alone. */
  central(phone: SimBlePhone): BleCentral {
    const heard: HeardReader = { id: "sim", rssi: phone.rssi ?? -50 };
    return {
      scan: async ({ forMs, isEnough = () => false }) => {
        const from = this.#clock.monotonic();
        if (!(await this.#whenAdvertising(forMs))) return [];
        if (isEnough(heard)) return [heard];
        const restMs = forMs - (this.#clock.monotonic() - from);
        if (restMs > 0) await this.#rest(restMs);
        return [heard];
      },
      connect: (_, withinMs) => this.#connect(phone, withinMs),
      close: async () => undefined,
    };
  }

  async #connect(phone: SimBlePhone, withinMs: number): Promise<CentralLink> {
    return await new Promise<CentralLink>((resolve, reject) => {
      const refuse = () =>
        reject(new HalError("disconnected", "the reader did not answer in time"));
      this.#wait(withinMs, { due: () => resolve(this.#open(phone)), over: refuse });
    });
  }

  #open(phone: SimBlePhone): CentralLink {
    this.#linkCount += 1;
    const number = bleLink(this.#linkCount);
    const mtu = Math.min(Math.max(phone.mtu ?? mtuCommon, mtuMin), mtuMax);
    const link = new SimBleLink({
      number,
      clock: this.#clock,
      air: () => this.#air(),
      frameBytesMax: Math.min(mtu - 3, frameBytesMax),
      tell: (event) => this.#tell(link, event),
    });
    this.#link = link;
    const { address, rssi } = phone;
    link.begin(address, rssi);
    return link;
  }

  #tell(link: SimBleLink, event: BleEvent): void {
    if (link !== this.#link || this.#closed) return;
    if (event.kind === "disconnected") this.#link = undefined;
    this.#listener?.(event);
    if (event.kind === "disconnected") this.#advertise();
  }

  #tellHealth(): void {
    if (!this.#closed) this.#listener?.({ kind: "health", health: this.health() });
  }

  #state(): BleState {
    if (this.#closed || this.#downFor !== undefined) return "down";
    return this.#wanted === "on" ? "up" : "silent";
  }

  #at(link: BleLink): SimBleLink | undefined {
    return this.#link?.number === link ? this.#link : undefined;
  }

  /** One at a time gets the reader; whoever only looked leaves it to the next. */
  #advertise(): void {
    while (this.isAdvertising) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.alarm.cancel();
      next.connect();
    }
  }

  #wait(
    withinMs: number,
    { due, over }: { readonly due: () => void; readonly over: () => void },
  ): void {
    if (this.isAdvertising) return due();
    const alarm = this.#clock.alarm(this.#in(withinMs), () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
      over();
    });
    const waiting: Waiting = { connect: due, alarm };
    this.#waiting.push(waiting);
  }

  #whenAdvertising(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#wait(withinMs, { due: () => resolve(true), over: () => resolve(false) });
    });
  }

  #rest(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.alarm(this.#in(forMs), resolve);
    });
  }

  #in(ms: number): MonotonicMs {
    return monotonicMs(this.#clock.monotonic() + ms);
  }
}
