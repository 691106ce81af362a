import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureDrivers } from "../rig/bench/measure-drivers.ts";
import { measureTaps } from "../rig/bench/measure-taps.ts";
import { RigMissing } from "../rig/kernel/missing-parts.ts";
import type { RigTarget, TargetKind } from "../rig/rig-target.ts";
import { prepareRig } from "../rig/run-scenarios.ts";
import type { Scenario } from "../rig/scenario.ts";
import type { Measurement } from "./measurement.ts";

export const name = "rig";

const hogCount = 2;
const fullFrames = 400;
const fullTaps = 200;
/** Of these most move nothing, and that is waited for. */
const weakTaps = 10;
const smokeFrames = 10;
const smokeTaps = 2;

/**
 * What drives the lines, side by side in one guest with simulated chips: our character device driver,
 * `onoff` over sysfs, and `gpiomon` as a child process, which can read and not drive. Small sizes are
 * played on the simulated board, where only ours is.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  try {
    return smoke ? await measure("sim", measureSmoke) : await measure("kernel", measureAll);
  } catch (error) {
    if (!(error instanceof RigMissing)) throw error;
    process.stderr.write(`bench: rig: skipped: ${error.message}\n`);
    return [];
  }
}

async function measureSmoke(rig: RigTarget): Promise<readonly Measurement[]> {
  const frames = { drivers: ["character_device"], loads: ["idle"], count: smokeFrames } as const;
  return [
    ...(await measureDrivers(rig, frames)),
    ...(await measureTaps(rig, { count: smokeTaps, subject: "postern", hogCount })),
  ];
}

async function measureAll(rig: RigTarget): Promise<readonly Measurement[]> {
  const weak = {
    "board.driver": "sysfs",
    "board.accept_weak_wiegand": true,
    "board.profile_file": join(rig.programFolder, "test/rig/boards/two-doors-sysfs.toml"),
  };
  return [
    ...(await measureDrivers(rig, {
      drivers: ["character_device", "sysfs", "gpiomon"],
      loads: ["idle", "hog", "stall"],
      count: fullFrames,
    })),
    ...(await measureTaps(rig, { hogCount, count: fullTaps, subject: "postern" })),
    ...(await measureTaps(rig, { hogCount, count: weakTaps, subject: "onoff", settings: weak })),
  ];
}

async function measure(
  target: TargetKind,
  measureOn: (rig: RigTarget) => Promise<readonly Measurement[]>,
): Promise<readonly Measurement[]> {
  const seed = randomInt(1, 2 ** 31);
  process.stderr.write(`bench: rig: seed ${seed}\n`);
  const note = (text: string) => process.stderr.write(`bench: rig: ${text}\n`);
  const parts = await prepareRig([target], { say: note });
  const folder = await mkdtemp(join(tmpdir(), "postern-rig-bench-"));
  const scenario: Scenario = {
    name: "bench",
    title: "What drives the lines, side by side",
    targets: [target],
    time: "exact",
    isSmoke: false,
    secondsMax: 86_400,
    run: async () => ({ kind: "skipped", summary: "a benchmark" }),
  };
  try {
    const open = await parts.open(target, {
      scenario,
      folder,
      isSmoke: target === "sim",
      count: undefined,
      seed,
      note,
    });
    return await measureOn(open.rig).finally(() => open.close());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
