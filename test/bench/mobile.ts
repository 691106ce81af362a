import type { BleEvent, BlePeripheral } from "../../hal/ble.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimPhone } from "../../hal/sim/sim-phone.ts";
import {
  entropy,
  openMobile,
  phoneOn,
  phonePassOf,
  withPhones,
} from "../unit/controller/mobile-rig.ts";
import type { Measurement } from "./measurement.ts";
import { Readings } from "./readings.ts";

export const name = "mobile";

const fullTransactions = 2_000;
const smokeTransactions = 20;
const warmUps = 200;
/** Longer than the door is unlocked after a grant. */
const betweenMs = 4_000;

/**
 * A phone at a reader over a link of no length: from the connection to the relay's line, and what each
 * side computes. The radio's time is not in these figures, and that of the phone's secure hardware, which
 * takes most of a signature, is not either; beside them stands what the field has published with both.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const count = smoke ? smokeTransactions : fullTransactions;
  const world = new TimedWorld();
  for (const form of ["full", "fast"] as const) await world.use(form, smoke ? 1 : warmUps);
  const full = await world.use("full", count);
  const fast = await world.use("fast", count);
  return [...measurementsOf("full", full), ...measurementsOf("fast", fast), ...published];
}

const published: readonly Measurement[] = [
  ["fast", 396],
  ["full", 1_334],
].map(([form, value]) => ({
  name: `phone, ${form} form, to the strike p50`,
  subject: "Home Key, published, tap to GPIO",
  value: Number(value),
  unit: "ms",
}));

interface Times {
  /** From the reader hearing of the connection to its strike's line. */
  readonly toStrike: Readings;
  /** Of one transaction, from its connection until the next phone is prepared for. */
  readonly readerCpu: Readings;
  /** From looking for the reader to what it answered. */
  readonly phoneCpu: Readings;
}

/** One controller and one phone. */
class TimedWorld {
  readonly #clock = new SimClock();
  readonly #ada = phoneOn(this.#clock);
  readonly #new = this.#ada.state;
  readonly #world;
  #connectedAt = 0;
  #strikeAt = 0;
  #readerCpuMs = 0;

  constructor() {
    const wired = (radio: BlePeripheral): BlePeripheral => {
      const listen = radio.listen.bind(radio);
      radio.listen = (listener) => listen((event) => this.#timed(event, listener));
      return radio;
    };
    const table = withPhones([phonePassOf("phone", "ada", this.#ada)]);
    const onDriven = (driven: string) => {
      if (driven === "relay1=1") this.#strikeAt = performance.now();
    };
    this.#world = openMobile(table, { clock: this.#clock, wired, onDriven });
  }

  async use(form: "full" | "fast", count: number): Promise<Times> {
    const times = {
      toStrike: new Readings(),
      readerCpu: new Readings(),
      phoneCpu: new Readings(),
    };
    const { radio } = this.#world;
    for (let done = 0; done < count; done += 1) {
      // As if it had never been here: it has nothing to be recognised by.
      const asNew = new SimPhone({ state: this.#new, clock: this.#clock, entropy });
      const phone = form === "full" ? asNew : this.#ada;
      this.#readerCpuMs = 0;
      const from = cpuMs();
      const told = await phone.use(radio.central({ address: "c0:00:00:00:00:01" }), "present");
      const phoneCpuMs = cpuMs() - from - this.#readerCpuMs;
      await this.#clock.elapse(1);
      // The first of the fast ones, after full ones of the same phone elsewhere, may be full.
      if (told.outcome !== "granted") throw new Error(JSON.stringify(told));
      if (told.form === form) {
        times.toStrike.add(this.#strikeAt - this.#connectedAt);
        times.readerCpu.add(this.#readerCpuMs);
        times.phoneCpu.add(phoneCpuMs);
      }
      await this.#clock.elapse(betweenMs);
    }
    return times;
  }

  #timed(event: BleEvent, listener: (event: BleEvent) => void): void {
    if (event.kind === "connected") this.#connectedAt = performance.now();
    const from = cpuMs();
    listener(event);
    this.#readerCpuMs += cpuMs() - from;
  }
}

/** Of this process, which does nothing else: other processes of a busy machine are not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function measurementsOf(form: string, { toStrike, readerCpu, phoneCpu }: Times): Measurement[] {
  const of = (what: string, value: number): Measurement => ({
    name: `phone, ${form} form, ${what}`,
    subject: "postern, without the radio",
    value,
    unit: "ms",
  });
  return [
    of("to the strike p50", toStrike.percentile(0.5)),
    of("to the strike p95", toStrike.percentile(0.95)),
    of("reader's CPU p50", readerCpu.percentile(0.5)),
    of("reader's CPU p95", readerCpu.percentile(0.95)),
    of("phone's CPU p50", phoneCpu.percentile(0.5)),
    of("phone's CPU p95", phoneCpu.percentile(0.95)),
  ];
}
