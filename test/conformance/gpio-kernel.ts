// The GPIO drivers over a real kernel and its simulated chips: root, gpio-sim, configfs. The rig's guest
// runs it: `node --import=tsx test/conformance/gpio-kernel.ts`.
import t from "tap";
import { openCharacterDeviceGpio } from "../../hal/linux/gpio/character-device-gpio.ts";
import { openSysfsGpio } from "../../hal/linux/sysfs/sysfs-gpio.ts";
import { gpioConformance } from "./gpio-conformance.ts";
import { makeKernelRig } from "./gpio-kernel-rig.ts";

t.test("the lines of a character device", async (t) => {
  gpioConformance(t, async () =>
    makeKernelRig({ gpio: openCharacterDeviceGpio(), by: "name", pace: "at_once" }),
  );
});

t.test("the lines of sysfs", async (t) => {
  gpioConformance(t, async () =>
    makeKernelRig({
      gpio: openSysfsGpio({ acceptWeakWiegand: true }),
      by: "offset",
      pace: "one_by_one",
    }),
  );
});
