import type { Measurement } from "../../bench/measurement.ts";
import { Readings } from "../../bench/readings.ts";
import { latencyMeasurements } from "../latency-measurements.ts";
import type { ControllerOptions, RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader, lab, labReader } from "../rig-world.ts";
import { tap } from "../tap.ts";

/** Code that runs for the first time is read and compiled first. */
const warmUpCount = 4;

export interface TapsOptions {
  readonly count: number;
  readonly subject: string;
  readonly hogCount: number;
  readonly settings?: ControllerOptions["settings"];
}

/** Taps at both doors in turn, with a controller of its own, idle and under CPU hogs. */
export async function measureTaps(
  rig: RigTarget,
  { count, subject, hogCount, settings }: TapsOptions,
): Promise<readonly Measurement[]> {
  await rig.controller.start(settings === undefined ? {} : { settings });
  try {
    const idle = await tapAll(rig, count);
    const hog = await rig.hog(hogCount);
    const hogged = await tapAll(rig, count).finally(() => hog.stop());
    return [
      ...latencyMeasurements("idle", idle.readings, subject),
      ...latencyMeasurements("hog", hogged.readings, subject),
      ...[idle, hogged].map(({ lost }, index) => ({
        name: `taps that moved nothing, ${index === 0 ? "idle" : "hog"}`,
        subject,
        value: (100 * lost) / (warmUpCount + count),
        unit: "%",
      })),
    ];
  } finally {
    await rig.controller.stop();
  }
}

interface Taps {
  /** Microseconds. */
  readonly readings: Readings;
  readonly lost: number;
}

export async function tapAll(rig: RigTarget, count: number): Promise<Taps> {
  const readings = new Readings();
  let lost = 0;
  for (let turn = 0; turn < warmUpCount + count; turn += 1) {
    const where =
      turn % 2 === 0 ? { reader: frontReader, door: front } : { reader: labReader, door: lab };
    const { released, latencyUs } = await tap(rig, { ...where, slots: bitsOf(adaCard) });
    if (released === undefined) lost += 1;
    else if (turn >= warmUpCount) readings.add(latencyUs);
  }
  return { readings, lost };
}
