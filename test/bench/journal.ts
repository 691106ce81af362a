import { printedBy } from "./fresh-process.ts";
import type { Measured } from "./journal/measure.ts";
import type { Measurement } from "./measurement.ts";

export const name = "journal";

const script = new URL("./journal/measure.ts", import.meta.url);
const subjects = ["postern", "better-sqlite3"] as const;
const patterns = [
  { words: "one by one", burst: 1, full: 2_000, smoke: 50 },
  { words: "in bursts of 50", burst: 50, full: 10_000, smoke: 200 },
  // Nobody taps like that: it is what an offline backlog or a storm of misreads looks like.
  { words: "all at once", burst: 5_000, full: 20_000, smoke: 1_000 },
] as const;

/**
 * What an entry of evidence costs: how many become durable in a second, and how much is written for each,
 * which is what wears out an SD card. A burst is durable before the next begins. Beside it
 * better-sqlite3 as it comes (its default journal mode, one INSERT a transaction) with the same chained
 * entries, which it does on the thread that moves strikes.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { words, burst, ...counts } of patterns) {
    for (const subject of subjects) {
      const count = smoke ? counts.smoke : counts.full;
      const keptBefore = smoke ? 200 : 10_500;
      const one = await printedBy<Measured>(script, [subject, burst, count, keptBefore]);
      measurements.push(...measurementsOf(words, subject, one));
    }
  }
  return measurements;
}

function measurementsOf(words: string, subject: string, one: Measured): readonly Measurement[] {
  const of = (what: string, value: number, unit: string) => ({
    name: `journal ${what}, ${words}`,
    subject,
    value,
    unit,
  });
  return [
    of("rate", Math.round(one.perSecond), "entries/s"),
    of("writes", Math.round(one.writtenBytes), "bytes/entry"),
    of("writes to the disk", Math.round(one.diskBytes), "bytes/entry"),
    of("holds the doors up p99.9", Math.round(one.appendUsP999 * 10) / 10, "us/entry"),
  ];
}
