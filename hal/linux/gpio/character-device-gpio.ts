import { HalError } from "../../../src/domain/hal-error.ts";
import type { Gpio } from "../../gpio.ts";

/** The lines of the GPIO character devices (Linux 5.10 or newer). */
export function openCharacterDeviceGpio(
  options: { readonly deviceFolder?: string; readonly consumer?: string } = {},
): Gpio {
  throw new HalError("not_supported", `not yet: ${options.deviceFolder ?? "/dev"}`);
}
