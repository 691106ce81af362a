import type { Test } from "tap";
import { gpioConformance } from "./gpio-conformance.ts";
import { makeKernelRig } from "./gpio-kernel-rig.ts";

/**
 * The drivers of a real kernel over its simulated chips. They are loaded when they are needed: a machine
 * without them need not have what was compiled for them.
 */
export function kernelConformance(t: Test, options: { readonly skip: string | false }): void {
  t.test("the lines of a character device", options, async (t) => {
    const driver = await import("../../hal/linux/gpio/character-device-gpio.ts");
    const gpio = driver.openCharacterDeviceGpio();
    gpioConformance(t, async () => makeKernelRig({ gpio, by: "name", pace: "at_once" }));
  });

  t.test("the lines of sysfs", options, async (t) => {
    const driver = await import("../../hal/linux/sysfs/sysfs-gpio.ts");
    const gpio = driver.openSysfsGpio({ acceptWeakWiegand: true });
    gpioConformance(t, async () => makeKernelRig({ gpio, by: "offset", pace: "one_by_one" }));
  });
}
