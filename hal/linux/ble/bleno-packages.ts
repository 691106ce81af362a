import { createRequire } from "node:module";
import type { BleDriver } from "./radio-messages.ts";

export const blenoPackages = {
  abandonware: "@abandonware/bleno",
  stoprocent: "@stoprocent/bleno",
} as const satisfies Record<BleDriver, string>;

/** What is compiled on the machine, where it is; the other brings its own. */
const compiled: Readonly<Record<BleDriver, readonly string[]>> = {
  abandonware: ["@abandonware/bluetooth-hci-socket/build/Release/bluetooth_hci_socket.node"],
  stoprocent: [],
};

/** Whether a library is there. Loads nothing of it. */
export function isBlenoInstalled(driver: BleDriver): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    for (const file of [blenoPackages[driver], ...compiled[driver]]) resolve(file);
    return true;
  } catch {
    return false;
  }
}
