import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLinuxI2c } from "../../hal/linux/i2c/linux-i2c.ts";
import type { I2cRig } from "./i2c-conformance.ts";

const parameters = "/sys/module/rig_i2c/parameters";

export const expanderPlace = { bus: 1, address: 0x20 };
export const clockPlace = { bus: 1, address: 0x68 };

/** Why the kernel has no bus of ours, or false. */
export function missingForI2c(): string | false {
  return existsSync(parameters) ? false : "no kernel module rig_i2c: npm run rig has one";
}

export function readChip(parameter: "outputs" | "clock_at" | "clock_stopped"): string {
  return readFileSync(join(parameters, parameter), "latin1").trim();
}

export function setChip(
  parameter: "expander" | "clock_chip" | "pins" | "clock_at" | "clock_stopped",
  text: string,
): void {
  writeFileSync(join(parameters, parameter), text);
}

/** The rig's bus, with its expander plugged in. */
export function i2cKernelRig(): I2cRig {
  const setConnection = (connection: "connected" | "disconnected") =>
    setChip("expander", connection === "connected" ? "1" : "0");
  setConnection("connected");
  return {
    i2c: openLinuxI2c(),
    place: expanderPlace,
    emptyAddress: 0x21,
    setConnection,
    close: async () => setConnection("disconnected"),
  };
}
