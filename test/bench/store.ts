import { noPostgres } from "../unit/site/store/postgres-server.ts";
import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";
import type { MeasuredStore } from "./store/measure.ts";

export const name = "store";

const script = new URL("./store/measure.ts", import.meta.url);
const subjects = ["sqlite", "postgres"] as const;

/**
 * What the site's administrative store takes of 250,000 users with a card each: changes that are on
 * disk, one after another and in bulk; lists and searches of the API; a site file of all of them,
 * first, unchanged and with a card changed each; what a start reads. PostgreSQL is Debian's on this
 * machine, with its usual settings.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const counts = smoke ? [500, 20] : [250_000, 1_000];
  const measurements: Measurement[] = [];
  for (const subject of subjects) {
    if (subject === "postgres" && noPostgres !== false) continue;
    const measured = await printedBy<MeasuredStore>(script, [subject, ...counts]);
    for (const { what, value, unit } of measured.figures) {
      measurements.push({ name: `store ${what}`, subject, value, unit });
    }
  }
  return measurements;
}
