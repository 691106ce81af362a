import type { Measurement } from "../bench/measurement.ts";
import type { Readings } from "../bench/readings.ts";

/** From the beginning of a card's last pulse to its strike's line; of a sample in microseconds. */
export function latencyMeasurements(
  load: string,
  readings: Readings,
  subject = "postern",
): readonly Measurement[] {
  return [50, 99].map((percent) => ({
    name: `last bit to strike p${percent}, ${load}`,
    subject,
    value: Math.round(readings.percentile(percent / 100)),
    unit: "us",
  }));
}
