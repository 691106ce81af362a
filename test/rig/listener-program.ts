// Runs on the target: reads the board's readers as the product does, decides nothing, and tells what it
// read when it gets SIGUSR2. Its one argument is JSON of `ListenerArguments`.
import { renameSync, writeFileSync } from "node:fs";
import type { Clock } from "../../hal/clock.ts";
import type { Gpio } from "../../hal/gpio.ts";
import { openWiegandReader } from "../../hal/lines/wiegand-reader.ts";
import { openCharacterDeviceGpio } from "../../hal/linux/gpio/character-device-gpio.ts";
import { openSysfsGpio } from "../../hal/linux/sysfs/sysfs-gpio.ts";
import { keepSmallPages } from "../../hal/linux/system/small-pages.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import { readRigProfile } from "./board-wires.ts";
import { openGpiomonGpio } from "./gpiomon-gpio.ts";
import type { Heard, ListenOptions, StallPattern } from "./rig-target.ts";

export interface ListenerArguments extends ListenOptions {
  readonly profile: string;
  /** What it read and its readers' health go into this file, which is whole once it is there. */
  readonly report: string;
}

const quietMs = 200;

function listen({ driver, stall, profile, report }: ListenerArguments): void {
  keepSmallPages();
  const board = readRigProfile(profile);
  const clock = createSystemClock({ quality: () => "unknown" });
  const gpio = openGpio(driver);
  const heard: Heard[] = [];
  let lastAt = clock.monotonic();
  const readers = board.profile.readers
    .filter(({ d0 }) => d0 !== undefined)
    .map((wiring) => ({
      id: wiring.id,
      reader: openWiegandReader({ gpio, clock, wiring, formats: board.formats }),
    }));
  for (const { id, reader } of readers) {
    reader.listen((one) => {
      heard.push({ ...one, reader: id });
      lastAt = clock.monotonic();
    });
  }
  if (stall !== undefined) stallLoop(clock, stall);
  const tell = () => {
    if (clock.monotonic() < lastAt + quietMs) {
      clock.alarm(monotonicMs(lastAt + quietMs), tell);
      return;
    }
    const health = Object.fromEntries(readers.map(({ id, reader }) => [id, reader.health()]));
    writeFileSync(`${report}.new`, JSON.stringify({ heard, health }));
    renameSync(`${report}.new`, report);
  };
  process.on("SIGUSR2", () => {
    lastAt = clock.monotonic();
    tell();
  });
  // Its lines stay exported after their program, and nobody else gets them. What gpiomon took of the
  // processor is asked of its processes, after this one's end.
  if (driver === "sysfs") {
    process.on("SIGTERM", () => {
      for (const { reader } of readers) reader.close();
      process.exit(0);
    });
  }
  process.send?.({ ready: {} });
}

function openGpio(driver: ListenOptions["driver"]): Gpio {
  switch (driver) {
    case "character_device":
      return openCharacterDeviceGpio({ consumer: "rig-listener" });
    case "sysfs":
      return openSysfsGpio({ acceptWeakWiegand: true });
    case "gpiomon":
      return openGpiomonGpio();
    default:
      return unreachable(driver);
  }
}

/** Blocks the event loop, as a slow write or a large garbage collection would. */
function stallLoop(clock: Clock, { everyMs, forMs }: StallPattern): void {
  const turn = (at: number) => {
    clock.alarm(monotonicMs(at), () => {
      const until = clock.monotonic() + forMs;
      while (clock.monotonic() < until);
      turn(Math.max(at + everyMs, clock.monotonic()));
    });
  };
  turn(clock.monotonic() + everyMs);
}

listen(JSON.parse(process.argv[2] ?? "{}") as ListenerArguments);
