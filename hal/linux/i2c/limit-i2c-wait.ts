import { HalError } from "../../../src/domain/hal-error.ts";
import { nativeSystem } from "../system/native-system.ts";

/**
 * Tells the kernel how long one transaction of a bus may take, in ms; its own idea is a second, for which
 * every door would wait. It holds for whoever else uses that bus, until the next start of the machine.
 * Without the addon, or on a bus that has no say in it, the kernel's idea stays.
 */
export function limitI2cWait(bus: number, ms: number): void {
  try {
    nativeSystem().limitI2cWait(`/dev/i2c-${bus}`, ms);
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
  }
}
