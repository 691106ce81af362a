// A reader's radio that is disturbed over and over, on a real kernel with emulated adapters: root, and BlueZ's
// btvirt. The rig's guest runs it: `node test/conformance/ble-advertising-kernel.ts DRIVER COUNT`.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import t from "tap";
import type { BleCentral } from "../../hal/ble-central.ts";
import { openLinuxCentral } from "../../hal/linux/ble/central.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";

const [driverName = "abandonware", countText = "200"] = process.argv.slice(2);
const driver = driverName === "stoprocent" ? "stoprocent" : "abandonware";
const count = Number(countText);

const service = mobilePassService;
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

async function replug(): Promise<void> {
  spawnSync("pkill", ["-KILL", "-x", "btvirt"]);
  const adapters = [0, 1].map((number) => `/sys/class/bluetooth/hci${number}`);
  while (adapters.some((adapter) => existsSync(adapter))) await pass(10);
  spawn("btvirt", ["-l2"], { stdio: "ignore", detached: true }).unref();
  while (!adapters.every((adapter) => existsSync(adapter))) await pass(10);
}

t.test(`a reader can be found again after each of ${count} disturbances (${driver})`, async (t) => {
  const reader = openLinuxBlePeripheral({ clock, adapter: 0, driver, service });
  let connectedCount = 0;
  let hangUp = (): void => undefined;
  reader.listen((event) => {
    if (event.kind !== "connected") return;
    connectedCount += 1;
    const { link } = event;
    hangUp = () => reader.disconnect(link);
  });
  const openPhone = (): Promise<BleCentral> =>
    openLinuxCentral({ driver, adapter: 1, service, clock });
  let phone = await openPhone();
  t.teardown(async () => {
    reader.close();
    await phone.close();
  });

  const heard = async (): Promise<number> => {
    const from = clock.monotonic();
    for (;;) {
      const [found] = await phone.scan({ forMs: 500, isEnough: () => true });
      if (found !== undefined) return clock.monotonic() - from;
      if (clock.monotonic() - from > backMsMax) return Number.NaN;
    }
  };
  const worst = new Map<Disturbance, number>();
  await heard();
  for (let round = 0; round < count; round += 1) {
    const disturbance = disturbanceOf(round);
    if (disturbance === "adapter is replugged") {
      await pass(settledMs);
      await phone.close();
      await replug();
      phone = await openPhone();
    } else if (disturbance === "driver dies") {
      await pass(settledMs);
      spawnSync("pkill", ["-KILL", "-P", `${process.pid}`, "-f", "radio-program"]);
    } else {
      const [found] = await phone.scan({ forMs: backMsMax, isEnough: () => true });
      if (found === undefined) throw new Error(`round ${round}: nothing to connect to`);
      const before = connectedCount;
      const link = await phone.connect(found, backMsMax);
      t.equal(connectedCount, before + 1, `round ${round}: the reader knows of the phone`);
      if (disturbance === "phone leaves") link.disconnect();
      else hangUp();
      await link.gone;
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
