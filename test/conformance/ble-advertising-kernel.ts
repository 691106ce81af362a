// A reader's radio that is disturbed over and over, on a real kernel with emulated adapters: root, and BlueZ's
// btvirt. The rig's guest runs it: `node test/conformance/ble-advertising-kernel.ts DRIVER COUNT`.
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import t from "tap";
import type { BleState } from "../../hal/ble.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import type { PhoneAsk } from "./ble-phone-kernel.ts";

const [driverName = "abandonware", countText = "200"] = process.argv.slice(2);
const driver = driverName === "stoprocent" ? "stoprocent" : "abandonware";
const count = Number(countText);

const clock = createSystemClock({ quality: () => "unknown" });
/** How long a phone looks for the reader before it has stayed away. */
const backMsMax = 10_000;
/** A driver that worked for so long is started again at once: see linux-ble-peripheral.ts. */
const settledMs = 31_000;

type Disturbance = "phone leaves" | "reader hangs up" | "adapter is replugged" | "driver dies";

function disturbanceOf(round: number): Disturbance {
  if (round % 10 === 3) return "adapter is replugged";
  if (round % 10 === 7) return "driver dies";
  return round % 2 === 0 ? "phone leaves" : "reader hangs up";
}

const pass = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), resolve);
  });

class Phone {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async open(): Promise<Phone> {
    const own = import.meta.filename.replace("ble-advertising", "ble-phone");
    const phone = new Phone(fork(own, [driver], { stdio: "inherit" }));
    await phone.#answer();
    return phone;
  }

  async ask(ask: PhoneAsk): Promise<boolean> {
    this.#process.send(ask);
    return await this.#answer();
  }

  async close(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  async #answer(): Promise<boolean> {
    const ended = once(this.#process, "exit").then(() => {
      throw new Error("the phone ended");
    });
    const [told] = await Promise.race([once(this.#process, "message"), ended]);
    return (told as { readonly isDone: boolean }).isDone;
  }
}

const adapters = [0, 1].map((number) => `/sys/class/bluetooth/hci${number}`);

/** Emulated adapters have no socket to be known by, so that their number has to be free again. */
async function replug(untilFree: Promise<void>): Promise<void> {
  spawnSync("pkill", ["-KILL", "-x", "btvirt"]);
  await untilFree;
  while (adapters.some((adapter) => existsSync(adapter))) await pass(10);
  spawn("btvirt", ["-l2"], { stdio: "ignore", detached: true }).unref();
  while (!adapters.every((adapter) => existsSync(adapter))) await pass(10);
}

t.test(`a reader can be found again after each of ${count} disturbances (${driver})`, async (t) => {
  const service = mobilePassService;
  const reader = openLinuxBlePeripheral({ clock, adapter: 0, driver, service });
  let connectedCount = 0;
  let hangUp = (): void => undefined;
  let onState: (state: BleState) => void = () => undefined;
  reader.listen((event) => {
    if (event.kind === "health") onState(event.health.state);
    if (event.kind !== "connected") return;
    connectedCount += 1;
    const { link } = event;
    hangUp = () => reader.disconnect(link);
  });
  const isDown = (): Promise<void> =>
    new Promise((resolve) => {
      onState = (state) => {
        if (state === "down") resolve();
      };
    });
  let phone = await Phone.open();
  t.teardown(async () => {
    reader.close();
    await phone.close();
  });

  const heard = async (): Promise<number> => {
    const from = clock.monotonic();
    const isHeard = await phone.ask({ do: "hear", ms: backMsMax });
    return isHeard ? clock.monotonic() - from : Number.NaN;
  };
  const worst = new Map<Disturbance, number>();
  await heard();
  for (let round = 0; round < count; round += 1) {
    const disturbance = disturbanceOf(round);
    if (disturbance === "adapter is replugged") {
      await pass(settledMs);
      await phone.close();
      await replug(isDown());
      phone = await Phone.open();
    } else if (disturbance === "driver dies") {
      await pass(settledMs);
      spawnSync("pkill", ["-KILL", "-P", `${process.pid}`, "-f", "radio-program"]);
    } else {
      const before = connectedCount;
      const isConnected = await phone.ask({ do: "connect", ms: backMsMax });
      if (!isConnected) throw new Error(`round ${round}: nothing to connect to`);
      t.equal(connectedCount, before + 1, `round ${round}: the reader knows of the phone`);
      if (disturbance === "reader hangs up") hangUp();
      await phone.ask({ do: disturbance === "phone leaves" ? "leave" : "wait" });
    }
    const ms = await heard();
    t.ok(ms <= backMsMax, `round ${round}, ${disturbance}: found after ${ms.toFixed(0)} ms`);
    worst.set(disturbance, Math.max(worst.get(disturbance) ?? 0, ms));
  }
  const { restartCount } = reader.health();
  t.comment(
    [...worst].map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`).join(", "),
    `at worst; ${restartCount} restarts`,
  );
});
