import type { MeasuredEvents } from "./events/measure.ts";
import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";

export const name = "events";

const script = new URL("./events/measure.ts", import.meta.url);

/**
 * What it takes to find events among five million: one page of 100, from anywhere in them and both
 * ways, by each filter. And what the indexes cost: an event that is taken in, the file of an earlier
 * program that is brought up to date.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const count = smoke ? 5_000 : 5_000_000;
  const measured = await printedBy<MeasuredEvents>(script, [count, smoke ? 20 : 500]);
  const of = (what: string, value: number, unit: string) => ({
    name: `events ${what}`,
    subject: "postern",
    value,
    unit,
  });
  return [
    ...measured.pages.flatMap(({ filter, msP50, msP99 }) => [
      of(`by ${filter}, p50`, msP50, "ms/page"),
      of(`by ${filter}, p99`, msP99, "ms/page"),
    ]),
    of("taken in", measured.intakeUs, "us/event"),
    of("of format 3 brought up to date", measured.upgradeMs / 1_000, "s"),
    of("file", measured.fileBytes / count, "bytes/event"),
  ];
}
