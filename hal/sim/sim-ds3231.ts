import { type EpochMs, epochMs } from "../../src/domain/time.ts";
import type { Clock } from "../clock.ts";
import type { SimChip } from "./sim-i2c.ts";

// Maxim 19-5170, figure 1.
const registerCount = 0x13;
const timeRegisterCount = 7;
const control = 0x0e;
const status = 0x0f;
const eosc = 0x80;
const osf = 0x80;

const millennium = Date.UTC(2000, 0, 1);

/** A DS3231 with a battery, which counts by the monotonic time of `clock`. */
export class SimDs3231 implements SimChip {
  readonly #clock: Clock;
  readonly #registers = new Uint8Array(registerCount);
  #hours: "twelve" | "twenty_four" = "twenty_four";
  /** Wall time less monotonic time. */
  #offsetMs = 0;
  /** Registers that are no time, as they are shown until the chip is set. */
  #nonsense: Uint8Array | undefined;

  constructor(options: { readonly clock: Clock; readonly at: EpochMs }) {
    this.#clock = options.clock;
    this.setTime(options.at);
  }

  /** As another program set it, with that many hours to a day's half. */
  setTime(at: EpochMs, hours: "twelve" | "twenty_four" = "twenty_four"): void {
    this.#offsetMs = at - this.#clock.monotonic();
    this.#hours = hours;
    this.#nonsense = undefined;
  }

  /** Its battery is taken out and put back: it begins anew and knows that it did. */
  changeBattery(): void {
    this.setTime(epochMs(millennium));
    this.#registers[status] = osf;
  }

  showNonsense(bytes: Uint8Array): void {
    this.#nonsense = bytes;
  }

  timeAt(): EpochMs {
    return epochMs(this.#clock.monotonic() + this.#offsetMs);
  }

  read(first: number, count: number): Uint8Array {
    const shown = this.#shown();
    return Uint8Array.from({ length: count }, (_, index) => {
      return shown[(first + index) % registerCount] ?? 0;
    });
  }

  write(first: number, values: Uint8Array): void {
    const shown = this.#shown();
    for (const [index, value] of values.entries()) shown[first + index] = value;
    const last = first + values.length - 1;
    if (first < timeRegisterCount) this.#setFrom(shown);
    // Only ever cleared by a write: data sheet, "Status Register".
    if (first <= status && last >= status) {
      this.#registers[status] = (shown[status] ?? 0) & (this.#registers[status] ?? 0);
    }
    if (first <= control && last >= control) this.#registers[control] = shown[control] ?? 0;
  }

  /** Whether it counts on by its battery alone. */
  isKeptByBattery(): boolean {
    return ((this.#registers[control] ?? 0) & eosc) === 0;
  }

  stopOnBattery(): void {
    this.#registers[control] = eosc;
  }

  #shown(): Uint8Array {
    const shown = Uint8Array.from(this.#registers);
    const date = new Date(this.timeAt());
    const years = date.getUTCFullYear() - 2000;
    shown.set([
      toBcd(date.getUTCSeconds()),
      toBcd(date.getUTCMinutes()),
      this.#shownHour(date.getUTCHours()),
      date.getUTCDay() + 1,
      toBcd(date.getUTCDate()),
      toBcd(date.getUTCMonth() + 1) | (years > 99 ? 0x80 : 0),
      toBcd(years % 100),
    ]);
    if (this.#nonsense !== undefined) shown.set(this.#nonsense);
    return shown;
  }

  #shownHour(hour: number): number {
    if (this.#hours === "twenty_four") return toBcd(hour);
    return 0x40 | (hour >= 12 ? 0x20 : 0) | toBcd(hour % 12 === 0 ? 12 : hour % 12);
  }

  #setFrom(shown: Uint8Array): void {
    const [second = 0, minute = 0, hour = 0, , day = 0, month = 0, year = 0] = shown;
    const years = fromBcd(year) + ((month & 0x80) === 0 ? 0 : 100);
    const isHalf = (hour & 0x40) !== 0;
    const afternoon = (hour & 0x20) === 0 ? 0 : 12;
    const hours = isHalf ? (fromBcd(hour & 0x1f) % 12) + afternoon : fromBcd(hour);
    const at = Date.UTC(
      2000 + years,
      fromBcd(month & 0x1f) - 1,
      fromBcd(day),
      hours,
      fromBcd(minute),
      fromBcd(second),
    );
    this.setTime(epochMs(at), isHalf ? "twelve" : "twenty_four");
  }
}

const toBcd = (value: number): number => Math.trunc(value / 10) * 16 + (value % 10);
const fromBcd = (byte: number): number => (byte >> 4) * 10 + (byte & 15);
