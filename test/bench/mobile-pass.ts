import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";
import type { MeasuredMobilePass } from "./mobile-pass/measure.ts";

export const name = "mobile-pass";

/**
 * What one session costs each end in processor time, from the first byte to the last, a new hello
 * included: no radio and no table, only what the protocol computes.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const script = new URL("./mobile-pass/measure.ts", import.meta.url);
  const measured = await printedBy<MeasuredMobilePass>(script, [smoke ? 50 : 2_000]);
  return measured.map(({ form, end, cpuMs }) => ({
    name: `mobile pass, ${form} form: processor time of the ${end}`,
    subject: "postern",
    value: Math.round(cpuMs * 1_000) / 1_000,
    unit: "ms/session",
  }));
}
