import type { BoardProfile } from "../../hal/board-profile.ts";
import type { Gpio } from "../../hal/gpio.ts";
import { closeAll } from "../../hal/lines/close-all.ts";
import { openWhole } from "../../hal/lines/open-whole.ts";
import { securedLevel } from "../../hal/lines/strike.ts";
import { strikesFile, writeStrikesFile } from "../../hal/linux/secure/strikes-file.ts";
import { keepSmallPages } from "../../hal/linux/system/small-pages.ts";
import type { SecuredOutput } from "../../hal/output-address.ts";
import { bootPattern } from "../controller/indication.ts";
import { HalError } from "../domain/hal-error.ts";
import { unreachable } from "../domain/unreachable.ts";
import { openBoardRadios } from "./board-radios.ts";
import { parseBoardProfile } from "./config/board-profile-file.ts";
import type { LinuxBoardConfig } from "./config/controller-config.ts";
import type { Hardware, HardwareOptions } from "./hardware.ts";
import { parseStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";
import { openWiredBoard } from "./wired-board.ts";

/**
 * The lines of this machine and the chips on its buses, wired up as the profile says. Throws as
 * `openHardware`; nothing is open then.
 */
export async function openLinuxHardware(
  config: LinuxBoardConfig,
  options: HardwareOptions,
): Promise<Hardware> {
  const { profileFile } = config;
  const { time } = options;
  const { profile, formats } = parseStartFile(profileFile, parseBoardProfile);
  try {
    refuseHugePages(options);
    const gpio = await openLines(config);
    const { openLinuxI2c } = await import("../../hal/linux/i2c/linux-i2c.ts");
    const wired = openWiredBoard({ profile, formats, gpio, i2c: openLinuxI2c, clock: time });
    const { clockChip } = wired;
    openWhole(
      () => {
        for (const { indicator } of wired.board.readers) indicator.show(bootPattern);
        keepStrikes(securedOutputs(profile, wired.gpio), options);
      },
      () => closeAll([() => wired.close(), () => clockChip?.close()]),
    );
    // Last of all, and nothing waits for them: a door goes on without.
    const radios = await openBoardRadios(profile, time);
    return {
      board: radios.addTo(wired.board),
      formats,
      ...(clockChip && { clockChip }),
      reportTo: (troubles) => wired.reportTo(troubles),
      openFace: async () => undefined,
      close: () => closeAll([() => wired.close(), () => radios.close()]),
    };
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    throw new StartRefused(`${profileFile}: the board cannot be opened: ${error.message}`);
  }
}

/** With them the doors work too, but late at times where the machine is busy. */
function refuseHugePages({ log }: HardwareOptions): void {
  try {
    keepSmallPages();
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    log.warn({ error: error.message }, "the kernel may use huge pages for us");
  }
}

async function openLines({ driver, acceptWeakWiegand }: LinuxBoardConfig): Promise<Gpio> {
  switch (driver) {
    case "character_device": {
      const { openCharacterDeviceGpio } = await import(
        "../../hal/linux/gpio/character-device-gpio.ts"
      );
      return openCharacterDeviceGpio();
    }
    case "sysfs": {
      const { openSysfsGpio } = await import("../../hal/linux/sysfs/sysfs-gpio.ts");
      return openSysfsGpio({ acceptWeakWiegand });
    }
    default:
      return unreachable(driver);
  }
}

/** Those that somebody else can still drive when this process is dead. */
function securedOutputs(profile: BoardProfile, gpio: Gpio): readonly SecuredOutput[] {
  return profile.doors.flatMap(({ strike }) => {
    const address = gpio.addressOf?.(strike.line);
    if (address === undefined) return [];
    return [{ line: strike.line, address, securedLevel: securedLevel(strike) }];
  });
}

/** For the program that secures them after our death. Without it the doors still work. */
function keepStrikes(
  outputs: readonly SecuredOutput[],
  { env, stateDir, log }: HardwareOptions,
): void {
  const file = strikesFile({ env, stateDir });
  try {
    writeStrikesFile(file, outputs);
  } catch (error) {
    log.error({ file, error: String(error) }, "after a kill nobody will secure the strikes");
  }
}
