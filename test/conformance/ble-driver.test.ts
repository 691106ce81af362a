import t, { type Test } from "tap";
import type { BleEvent, BleHealth } from "../../hal/ble.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import { FakeAir, type FakeFault } from "./ble-fake-air.ts";

// Each starts processes, some twice, and a hang shows after six seconds.
t.setTimeout(300_000);

const clock = createSystemClock({ quality: () => "trusted" });

/** A radio over a fake driver, up, and all that it tells. */
async function openUp(t: Test) {
  const air = new FakeAir();
  await air.open();
  const { classFolder, program } = air;
  const service = mobilePassService;
  const options = { clock, adapter: 0, driver: "stoprocent", service, classFolder } as const;
  const radio = openLinuxBlePeripheral({ ...options, program });
  t.teardown(async () => {
    radio.close();
    await air.close();
  });
  const events: BleEvent[] = [];
  let look: () => void = () => undefined;
  radio.listen((event) => {
    events.push(event);
    look();
  });
  const until = async (fits: (event: BleEvent) => boolean): Promise<BleEvent> => {
    for (;;) {
      for (let event = events.shift(); event !== undefined; event = events.shift()) {
        if (fits(event)) return event;
      }
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  const health = async (state: BleHealth["state"]): Promise<BleHealth> => {
    const event = await until((event) => event.kind === "health" && event.health.state === state);
    if (event.kind !== "health") throw new Error("not a state");
    return event.health;
  };
  await health("up");
  return { air, radio, until, health, central: air.central() };
}

const fatal: readonly (readonly [what: string, how: FakeFault, reason: string])[] = [
  ["that crashes", "crash", "driver_exited"],
  ["that says what is no message", "garble", "driver_confused"],
  ["that never ends its line", "endless_line", "driver_confused"],
  ["that tells of a phone that never came", "stranger", "driver_confused"],
  ["that tells of two phones at once", "second_phone", "driver_confused"],
  ["that says it has failed and does not end", "linger", "driver_failed"],
  ["that says more than phones can", "flood", "driver_flooded"],
  ["that hangs", "hang", "driver_hangs"],
];

for (const [what, how, reason] of fatal) {
  t.test(`a driver ${what} is ended, and the reader comes back by another`, async (t) => {
    const { air, radio, until, health, central } = await openUp(t);
    await central.connect({ id: "", rssi: 0 }, 1_000);
    const connected = await until(({ kind }) => kind === "connected");
    const from = clock.monotonic();
    air.misbehave(how);
    const gone = await until(({ kind }) => kind === "disconnected");
    t.match([gone], [{ link: "link" in connected ? connected.link : undefined }]);
    t.equal((await health("down")).reason, reason);
    const tookMs = clock.monotonic() - from;
    t.ok(tookMs < (how === "hang" ? 10_000 : 5_000), `${tookMs} ms`);
    t.equal((await health("up")).reason, undefined);
    t.equal(radio.health().restartCount, 1);
    t.equal(air.driverCount, 2);
    const phone = await central.connect({ id: "", rssi: 0 }, 1_000);
    await phone.write(Uint8Array.of(1));
    await until(({ kind }) => kind === "written");
  });
}

t.test("a driver that is flooding does not keep the doors' event loop", async (t) => {
  const { air, health } = await openUp(t);
  let lateMs = 0;
  let before = clock.monotonic();
  let isOver = false;
  const turn = () => {
    const now = clock.monotonic();
    lateMs = Math.max(lateMs, now - before);
    before = now;
    if (!isOver) setImmediate(turn);
  };
  air.misbehave("flood");
  turn();
  await health("down");
  isOver = true;
  // A busy machine stops everybody for some time; a whole flood would take seconds.
  t.ok(lateMs < 250, `${lateMs} ms`);
});

t.test("a driver that hangs when a phone is to go costs that phone two seconds", async (t) => {
  const { air, radio, until, health, central } = await openUp(t);
  await central.connect({ id: "", rssi: 0 }, 1_000);
  const event = await until(({ kind }) => kind === "connected");
  if (event.kind !== "connected") throw new Error("not a connection");
  air.misbehave("hang");
  const from = clock.monotonic();
  radio.disconnect(event.link);
  await until(({ kind }) => kind === "disconnected");
  const tookMs = clock.monotonic() - from;
  t.ok(tookMs >= 2_000 && tookMs < 3_500, `${tookMs} ms`);
  t.equal((await health("down")).reason, "driver_hangs");
});

t.test(
  "a request that makes the library throw costs that phone its connection alone",
  async (t) => {
    const { air, radio, until, central } = await openUp(t);
    for (let count = 0; count < 8; count += 1) {
      const phone = await central.connect({ id: "", rssi: 0 }, 1_000);
      await until(({ kind }) => kind === "connected");
      air.misbehave("throw");
      await phone.gone;
      await until(({ kind }) => kind === "disconnected");
    }
    t.match(radio.health(), { state: "up", restartCount: 0, connectionCount: 8 });
    t.equal(air.driverCount, 1);
  },
);

t.test("a library that throws while nobody is connected is begun anew", async (t) => {
  const { air, health } = await openUp(t);
  air.misbehave("throw");
  t.equal((await health("down")).reason, "driver_failed");
  await health("up");
});

t.test("an adapter that does not answer any more is begun anew", async (t) => {
  const { air, until, health, central } = await openUp(t);
  const phone = await central.connect({ id: "", rssi: 0 }, 1_000);
  await until(({ kind }) => kind === "connected");
  await settled();
  air.misbehave("mute");
  phone.disconnect();
  await phone.gone;
  await until(({ kind }) => kind === "disconnected");
  t.equal((await health("down")).reason, "adapter_hangs");
  await health("up");
});

t.test("an adapter that is pulled out is missed, and found when it is put in again", async (t) => {
  const { air, radio, health, central } = await openUp(t);
  air.plug("out");
  t.equal((await health("down")).reason, "no_adapter");
  air.plug("in");
  await health("up");
  t.equal(radio.health().reason, undefined);
  await central.connect({ id: "", rssi: 0 }, 1_000);
});

t.test("an adapter that comes back with another number is known by its socket", async (t) => {
  const { air, health, central } = await openUp(t);
  t.equal(air.adapter, 0);
  air.plug("out");
  air.plug("in", { number: 0, socket: "1-1.3" });
  air.plug("in", { number: 2 });
  t.equal((await health("down")).reason, "no_adapter");
  await health("up");
  t.equal(air.adapter, 2);
  await central.connect({ id: "", rssi: 0 }, 1_000);
});

t.test("an adapter that was put into another socket is known by its number", async (t) => {
  const { air, health } = await openUp(t);
  air.plug("out");
  t.equal((await health("down")).reason, "no_adapter");
  air.plug("in", { number: 0, socket: "1-1.3" });
  await health("up");
  t.equal(air.adapter, 0);
});

t.test("a phone that writes without end has to go", async (t) => {
  const { radio, until, central } = await openUp(t);
  const phone = await central.connect({ id: "", rssi: 0 }, 1_000);
  await until(({ kind }) => kind === "connected");
  let writeCount = 0;
  const write = async () => {
    for (;;) {
      await phone.write(new Uint8Array(20));
      writeCount += 1;
    }
  };
  await t.rejects(write(), { name: "HalError" });
  await phone.gone;
  t.equal(writeCount, 400);
  t.match(radio.health(), { state: "up", restartCount: 0 });
});

t.test("a write that is empty or longer than an attribute is refused", async (t) => {
  const { radio, until, central } = await openUp(t);
  const phone = await central.connect({ id: "", rssi: 0 }, 1_000);
  await until(({ kind }) => kind === "connected");
  await t.rejects(phone.write(new Uint8Array(0)), { message: "it was refused" });
  await t.rejects(phone.write(new Uint8Array(513)), { message: "it was refused" });
  await phone.write(new Uint8Array(512));
  const written = await until(({ kind }) => kind === "written");
  t.equal("bytes" in written && written.bytes.length, 512);
  t.equal(radio.health().state, "up");
});

t.test("a driver whose parent is gone goes too", async (t) => {
  const { air, radio } = await openUp(t);
  const left = air.driverLeft();
  radio.close();
  await left;
});

t.test("where there is no adapter no process is started for it", async (t) => {
  const air = new FakeAir();
  await air.open();
  t.teardown(() => air.close());
  air.plug("out");
  const { classFolder, program } = air;
  const radio = openLinuxBlePeripheral({
    clock,
    adapter: 0,
    driver: "abandonware",
    service: mobilePassService,
    classFolder,
    program,
  });
  t.match(radio.health(), { state: "down", reason: "no_adapter", restartCount: 0 });
  await elapsed(700);
  t.match(radio.health(), { state: "down", reason: "no_adapter", restartCount: 0 });
  t.equal(air.driverCount, 0);
  radio.close();
});

/** For what an adapter was told to be answered. */
const settled = () => elapsed(100);

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), resolve);
  });
}
