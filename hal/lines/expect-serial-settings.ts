import { HalError } from "../../src/domain/hal-error.ts";
import { type SerialSettings, serialSpeeds } from "../serial.ts";

/** Throws `HalError` `not_supported` for what can never be a port. */
export function expectSerialSettings({ port, speed }: SerialSettings): void {
  if (!port.startsWith("/")) {
    throw new HalError("not_supported", `serial port "${port}": expected a whole path`);
  }
  if (!serialSpeeds.includes(speed)) {
    const expected = serialSpeeds.join(", ");
    throw new HalError("not_supported", `${port}: ${speed} bit/s, expected one of ${expected}`);
  }
}
