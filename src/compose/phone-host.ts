import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import type { PhoneHost } from "../cli/phone-verbs.ts";
import { CommandFailed, type Terminal } from "../cli/terminal.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";

const keysFileName = ".postern-phones.json";

/** The process that a phone is played in. Its radio's driver is loaded when it is first needed. */
export function phoneHost(terminal: Terminal): PhoneHost {
  const clock = createSystemClock({ quality: () => "unknown" });
  return {
    terminal,
    clock,
    keysFile: join(homedir(), keysFileName),
    drivers: ["abandonware", "stoprocent"],
    entropy: (byteCount) => randomBytes(byteCount),
    pause: (forMs) =>
      new Promise((resolve) => {
        clock.alarm(monotonicMs(clock.monotonic() + forMs), resolve);
      }),
    openRadio: async (driver, adapter) => {
      const { centralDrivers } = await import("../../hal/linux/ble/noble-driver.ts");
      const { openLinuxCentral } = await import("../../hal/linux/ble/central.ts");
      const { mobilePassService } = await import("../protocols/mobile-pass/gatt.ts");
      const chosen = centralDrivers.find((one) => one === driver);
      if (chosen === undefined) throw new CommandFailed(2, `--driver: there is no ${driver}`);
      // Both lines throw out of their event handlers at what an adapter should not say.
      process.once("uncaughtException", (error) => {
        terminal.err(`postern: the Bluetooth driver failed: ${describeFailure(error)}\n`);
        process.exit(1);
      });
      try {
        return await openLinuxCentral({
          driver: chosen,
          adapter,
          service: mobilePassService,
          clock,
        });
      } catch (error) {
        if (error instanceof HalError) throw new CommandFailed(1, `--adapter: ${error.message}`);
        throw error;
      }
    },
  };
}
