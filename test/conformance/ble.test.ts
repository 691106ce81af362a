import t from "tap";
import type { BleHealth } from "../../hal/ble.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { SimBlePeripheral } from "../../hal/sim/sim-ble.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import { bleConformance } from "./ble-conformance.ts";
import { FakeAir } from "./ble-fake-air.ts";

t.setTimeout(120_000);

const clock = createSystemClock({ quality: () => "trusted" });

t.test("a driver's process over a library that is none", async (t) => {
  bleConformance(
    t,
    async () => {
      const air = new FakeAir();
      await air.open();
      const { classFolder, program } = air;
      const peripheral = openLinuxBlePeripheral({
        clock,
        adapter: 0,
        driver: "abandonware",
        service: mobilePassService,
        classFolder,
        program,
      });
      return {
        peripheral,
        central: air.central(),
        clock,
        killDriver: () => air.misbehave("crash"),
        close: () => air.close(),
      };
    },
    { loopCount: 200, silenceMs: 50 },
  );
});

t.test("a simulated reader and phone", async (t) => {
  bleConformance(
    t,
    async () => {
      const peripheral = new SimBlePeripheral({ clock });
      return {
        peripheral,
        central: peripheral.central({ address: "aa:00:00:00:00:01" }),
        clock,
        killDriver: () => {
          peripheral.fail("driver_exited");
          queueMicrotask(() => peripheral.recover());
        },
        close: async () => undefined,
      };
    },
    { loopCount: 200, silenceMs: 50 },
  );
});

t.test("what a kernel without Bluetooth says keeps nobody from opening a radio", async (t) => {
  const air = new FakeAir();
  await air.open();
  t.teardown(() => air.close());
  for (const driver of ["abandonware", "stoprocent"] as const) {
    const { classFolder } = air;
    const service = mobilePassService;
    const radio = openLinuxBlePeripheral({ clock, adapter: 0, driver, service, classFolder });
    const health = await new Promise<BleHealth>((resolve) => {
      radio.listen((event) => {
        if (event.kind === "health" && event.health.state === "down") resolve(event.health);
      });
    });
    radio.close();
    // Where there is Bluetooth, hci0 need not be, or is somebody else's.
    t.match(
      health.reason,
      /^(not_supported|not_permitted|no_adapter|switched_off|adapter_(busy|hangs))$/,
    );
  }
});
