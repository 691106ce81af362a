import type { MeasuredEngine } from "./engine/measure.ts";
import { doorsPerRule } from "./engine/site-change.ts";
import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";

export const name = "engine";

const full = { passCounts: [250_000, 1_000_000], changeCount: 1_000, crowdCount: 5_000 };
const smokeSize = { passCounts: [2_000], changeCount: 20, crowdCount: 500 };

/**
 * The site's engine in its thread, over a disk and to no broker: what a start, a change of one pass
 * and one of many take, and for how long the thread that serves the API is held up meanwhile.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const { passCounts, changeCount, crowdCount } = smoke ? smokeSize : full;
  const measurements: Measurement[] = [];
  for (const passCount of passCounts) {
    const script = new URL("./engine/measure.ts", import.meta.url);
    const words = [passCount, changeCount, crowdCount];
    const measured = await printedBy<MeasuredEngine>(script, words);
    const of = (what: string, value: number, unit = "ms"): Measurement => ({
      name: `engine with ${passCount} passes in ${doorsPerRule} tables each: ${what}`,
      subject: "postern",
      value: Math.round(value * 100) / 100,
      unit,
    });
    measurements.push(
      of("first tables", measured.firstMs),
      of("API's thread held up meanwhile, max", measured.firstHoldUpMs),
      of("one pass changed, p50", measured.oneP50Ms),
      of("one pass changed, p99", measured.oneP99Ms),
      of("one pass changed, processor time", measured.oneCpuMs),
      of(`${crowdCount} passes changed at once`, measured.crowdMs),
      of("API's thread held up meanwhile, max", measured.crowdHoldUpMs),
      of("resident memory", measured.residentBytes / passCount, "bytes/pass"),
    );
  }
  return measurements;
}
