import { HalError } from "../../../src/domain/hal-error.ts";
import type { Gpio } from "../../gpio.ts";

/** The lines of /sys/class/gpio. */
export function openSysfsGpio(
  options: { readonly classFolder?: string; readonly acceptWeakWiegand?: boolean } = {},
): Gpio {
  throw new HalError("not_supported", `not yet: ${options.classFolder ?? "/sys/class/gpio"}`);
}
