// Both drivers of a reader's radio over a real kernel: root, and two adapters that hear each other, hci0
// the reader's and hci1 the phone's, both down. The rig's guest has BlueZ's btvirt for them and runs it:
// `node --import=tsx test/conformance/ble-kernel.ts`.
import { readFileSync } from "node:fs";
import t from "tap";
import { openLinuxCentral } from "../../hal/linux/ble/central.ts";
import { openLinuxBlePeripheral } from "../../hal/linux/ble/linux-ble-peripheral.ts";
import { bleDrivers } from "../../hal/linux/ble/radio-messages.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import { bleConformance } from "./ble-conformance.ts";

const clock = createSystemClock({ quality: () => "trusted" });

for (const driver of bleDrivers) {
  t.test(`a reader by ${driver}`, async (t) => {
    bleConformance(
      t,
      async () => {
        const peripheral = openLinuxBlePeripheral({
          clock,
          adapter: 0,
          driver,
          service: mobilePassService,
        });
        const central = await openLinuxCentral({
          driver: "stoprocent",
          adapter: 1,
          service: mobilePassService,
          clock,
        });
        return {
          peripheral,
          central,
          clock,
          killDriver: () => process.kill(childOf("radio-program"), "SIGKILL"),
          close: () => central.close(),
        };
      },
      { loopCount: 200, silenceMs: 3_000 },
    );
  });
}

/** The one process of ours that runs `program`. */
function childOf(program: string): number {
  const task = `/proc/${process.pid}/task/${process.pid}/children`;
  const children = readFileSync(task, "utf8").trim().split(" ").map(Number);
  const found = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(program),
  );
  if (found === undefined) throw new Error(`no child runs ${program}`);
  return found;
}
