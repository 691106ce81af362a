// A reader's radio that is disturbed over and over, on a real kernel with emulated adapters: root, and BlueZ's
// btvirt. The rig's guest runs it: `node test/conformance/ble-advertising-kernel.ts DRIVER COUNT`.
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import t from "tap";
import type { BleState } from "../../hal/ble.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
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

/**
 * Where time leaps to what is next when nothing runs, it would leap over a driver's whole patience while its
 * files are read from the host: something runs, therefore, but when we only wait.
 */
const busy = spawn("chrt", ["--idle", "0", "sh", "-c", "while :; do :; done"]);
process.on("exit", () => busy.kill("SIGKILL"));

async function settled(): Promise<void> {
  busy.kill("SIGSTOP");
  await pass(settledMs);
  busy.kill("SIGCONT");
}

class Phone {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = once(process, "exit");
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
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async #answer(): Promise<boolean> {
    const told = once(this.#process, "message");
    const first = await Promise.race([told, this.#ended.then(() => undefined)]);
    if (first === undefined) throw new Error("the phone ended");
    const [answer] = first as [{ readonly isDone: boolean }];
    return answer.isDone;
  }
}

const adapters = [0, 1].map((number) => `/sys/class/bluetooth/hci${number}`);

const driverOfOurs = ["-P", `${process.pid}`, "-f", "radio-program"];

async function until(what: string, isSo: () => boolean): Promise<void> {
  const from = clock.monotonic();
  while (!isSo()) {
    if (clock.monotonic() - from > backMsMax) throw new Error(`never: ${what}`);
    await pass(10);
  }
}

/**
 * Emulated adapters have no socket to be known by: they come back with the same numbers once nobody holds
 * the old ones any more.
 */
async function replug(readerIsDown: Promise<void>): Promise<void> {
  spawnSync("pkill", ["-KILL", "-x", "btvirt"]);
  await readerIsDown;
  await until("no driver", () => spawnSync("pgrep", driverOfOurs).status === 1);
  await until("no adapters", () => !adapters.some((adapter) => existsSync(adapter)));
  spawn("btvirt", ["-l2"], { stdio: "ignore", detached: true }).unref();
  await until("adapters", () => adapters.every((adapter) => existsSync(adapter)));
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
  const becomes = (wanted: BleState): Promise<void> =>
    new Promise((resolve) => {
      onState = (state) => {
        if (state === wanted) resolve();
      };
    });
  // An emulated adapter may advertise on after who had it is dead, until it is begun anew.
  await becomes("up");
  let phone = await Phone.open();
  t.teardown(async () => {
    reader.close();
    busy.kill("SIGKILL");
    await phone.close();
  });

  const heardAfter = async (from: MonotonicMs): Promise<number> => {
    const isHeard = await phone.ask({ do: "hear", ms: backMsMax });
    return isHeard ? clock.monotonic() - from : Number.NaN;
  };
  const worst = new Map<Disturbance, number>();
  await phone.ask({ do: "hear", ms: backMsMax });
  for (let round = 0; round < count; round += 1) {
    const disturbance = disturbanceOf(round);
    let from = clock.monotonic();
    if (disturbance === "adapter is replugged") {
      await settled();
      await phone.close();
      await replug(becomes("down"));
      from = clock.monotonic();
      phone = await Phone.open();
    } else if (disturbance === "driver dies") {
      await settled();
      from = clock.monotonic();
      const isUpAgain = becomes("down").then(() => becomes("up"));
      spawnSync("pkill", ["-KILL", ...driverOfOurs]);
      await isUpAgain;
    } else {
      const before = connectedCount;
      const isConnected = await phone.ask({ do: "connect", ms: backMsMax });
      if (!isConnected) throw new Error(`round ${round}: nothing to connect to`);
      t.equal(connectedCount, before + 1, `round ${round}: the reader knows of the phone`);
      if (disturbance === "reader hangs up") hangUp();
      await phone.ask({ do: disturbance === "phone leaves" ? "leave" : "wait" });
      from = clock.monotonic();
    }
    const ms = await heardAfter(from);
    t.ok(ms <= backMsMax, `round ${round}, ${disturbance}: found after ${ms.toFixed(0)} ms`);
    worst.set(disturbance, Math.max(worst.get(disturbance) ?? 0, ms));
  }
  const { restartCount } = reader.health();
  t.comment(
    [...worst].map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`).join(", "),
    `at worst; ${restartCount} restarts`,
  );
});
