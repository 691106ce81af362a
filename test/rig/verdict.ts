import type { Measurement } from "../bench/measurement.ts";
import type { ScenarioResult } from "./scenario.ts";

/** Failed with all that was wrong, or passed with what was seen. */
export function verdict(
  faults: readonly string[],
  summary: string,
  measurements: readonly Measurement[] = [],
): ScenarioResult {
  const kind = faults.length === 0 ? "passed" : "failed";
  return { kind, summary: [...faults, summary].join("; "), measurements };
}
