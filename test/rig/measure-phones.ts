import type { Measurement } from "../bench/measurement.ts";
import { Readings } from "../bench/readings.ts";
import { usePhone } from "./phone-runs.ts";
import type { RigTarget } from "./rig-target.ts";
import { front } from "./rig-world.ts";

/** A strike that moved later than this was moved by something else. */
const strikeMsMax = 3_000;

export interface MeasuredPhones {
  readonly faults: readonly string[];
  readonly summary: string;
  readonly measurements: readonly Measurement[];
}

/**
 * Presents Ada's phone so often, one time after the other, and looks at the strike's line: from the
 * connection, as the phone has it, to the strike. Services are looked for in between, as by a phone that
 * has not kept them.
 */
export async function measurePhones(
  rig: RigTarget,
  options: {
    readonly form: "full" | "fast";
    readonly times: number;
    readonly file: string;
    readonly flags?: readonly string[];
  },
): Promise<MeasuredPhones> {
  const { form, times, file, flags = [] } = options;
  const own = form === "full" ? ["--full"] : [];
  const runs = await usePhone(rig, { action: "present", file, times, flags: [...flags, ...own] });
  const released = (await rig.strikeChanges()).filter(
    ({ door, state }) => door === front && state === "released",
  );
  const faults: string[] = [];
  if (runs.length !== times) faults.push(`${runs.length} of ${times} presentations were made`);
  const toStrike = new Readings();
  const forms = { full: 0, fast: 0 };
  for (const [index, { result, at, form: taken }] of runs.entries()) {
    if (taken !== undefined) forms[taken] += 1;
    if (result !== "granted") faults.push(`presentation ${index}: ${result}`);
    const from = at.connected;
    if (from === undefined) continue;
    const moved = released.find(
      (change) => change.at >= from * 1e6 && change.at <= (from + strikeMsMax) * 1e6,
    );
    if (moved === undefined) faults.push(`presentation ${index}: the strike did not move`);
    else toStrike.add(moved.at / 1e6 - from);
  }
  // The first one of a phone that the reader has forgotten may be in the full form.
  if (forms[form] < times - 1) faults.push(`${forms[form]} of ${times} in the ${form} form`);
  const percentiles = [50, 95].map((percent) => ({
    name: `connection to strike p${percent}, ${form} form`,
    subject: "postern",
    value: Math.round(toStrike.percentile(percent / 100) * 10) / 10,
    unit: "ms",
  }));
  const granted = runs.filter(({ result }) => result === "granted").length;
  const figures = percentiles.map(({ name, value, unit }) => `${name} ${value} ${unit}`).join(", ");
  return {
    faults,
    summary: `${granted} of ${times} granted (${forms.full} full, ${forms.fast} fast); ${figures}`,
    measurements: percentiles,
  };
}
