import type { Measurement } from "../../bench/measurement.ts";
import { type FramesRead, type Load, readFrames } from "../frames.ts";
import { cpuMsOf } from "../process-usage.ts";
import type { ListenOptions, RigTarget } from "../rig-target.ts";

type Driver = ListenOptions["driver"];

export const subjectOf: Readonly<Record<Driver, string>> = {
  character_device: "postern",
  sysfs: "onoff",
  gpiomon: "gpiomon",
};

/** As most readers send. */
const intervalUs = 1_000;

/**
 * Longer than the silence that ends a frame whose bits are stamped by a process that wakes up late, and
 * than the one after a misread: each frame has its chance by every driver.
 */
const restMs = 120;

/**
 * The same frames over two readers at once, read by one driver after the other: how many were right, how
 * many came as a card that nobody presented, and what that took of the machine.
 */
export async function measureDrivers(
  rig: RigTarget,
  options: {
    readonly drivers: readonly Driver[];
    readonly loads: readonly Load[];
    readonly count: number;
  },
): Promise<readonly Measurement[]> {
  const { drivers, loads, count } = options;
  const measurements: Measurement[] = [];
  for (const driver of drivers) {
    for (const load of loads) {
      const childMsBefore = driver === "gpiomon" ? await gpiomonMs(rig) : 0;
      const read = await readFrames(rig, { intervalUs, restMs, load, driver, count });
      // Its processes outlive the one that started them until they have something to say.
      const childMs = driver === "gpiomon" ? (await gpiomonMs(rig)) - childMsBefore : 0;
      if (driver === "gpiomon") await rig.run(["sh", "-c", "pkill gpiomon; true"]);
      measurements.push(...measurementsOf(read, { subject: subjectOf[driver], load, childMs }));
    }
  }
  return measurements;
}

function measurementsOf(
  read: FramesRead,
  of: { readonly subject: string; readonly load: Load; readonly childMs: number },
): readonly Measurement[] {
  const { subject, load, childMs } = of;
  const cpu = 100 * (read.cpuShare + childMs / read.forMs);
  const named = (name: string, value: number, unit: string) => {
    return { name: `${name}, ${load}`, subject, value, unit };
  };
  return [
    named("frames right", (100 * read.right) / read.count, "%"),
    named("frames that were another card", read.wrong, ""),
    named("CPU, two readers", cpu, "% of a core"),
    named("RSS, two readers", read.rssBytes / 1024 / 1024, "MiB"),
  ];
}

/** User and system time of all that run. */
async function gpiomonMs(rig: RigTarget): Promise<number> {
  const { stdout } = await rig.run(["sh", "-c", "cat /proc/[0-9]*/stat | grep '(gpiomon)'; true"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .reduce((sum, stat) => sum + cpuMsOf(stat), 0);
}
