import type { Measured } from "./decision/measure.ts";
import { requireSameOutcomes } from "./decision/outcomes.ts";
import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";

export const name = "decision";

/** Of another site, with rules that the others do not have: it decides otherwise. */
const everyRule = "postern, every rule";
const subjects = ["postern", everyRule, "map", "better-sqlite3", "casbin"] as const;
type Subject = (typeof subjects)[number];

const script = new URL("./decision/measure.ts", import.meta.url);
const fullSizes = [1_000, 100_000, 1_000_000] as const;
const smokeSizes = [1_000] as const;
/** casbin walks every policy for each decision, so as many decisions as of the others take minutes. */
const casbinDecisions = 2_000;

/**
 * How fast and how large: one presentation decided, of a site with so many credentials. Every
 * subject and size in a fresh process, and all are asked the same questions.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const size of smoke ? smokeSizes : fullSizes) {
    const measured = new Map<Subject, Measured>();
    for (const subject of subjects) {
      const one = await measure(subject, size, decisionsOf(subject, smoke));
      measured.set(subject, one);
      measurements.push(...measurementsOf(subject, size, one));
    }
    measured.delete(everyRule);
    requireSameOutcomes(new Map([...measured].map(([subject, one]) => [subject, one.outcomes])));
  }
  return measurements;
}

function decisionsOf(subject: Subject, smoke: boolean): number {
  if (subject === "casbin") return smoke ? casbinDecisions / 2 : casbinDecisions;
  return smoke ? 5_000 : 200_000;
}

async function measure(subject: Subject, size: number, decisions: number): Promise<Measured> {
  const measured = await printedBy<Measured>(script, [subject, size, decisions]);
  const { p50Ns, timerNs } = measured;
  say(`${subject} at ${size}: p50 ${p50Ns} ns, of which reading the clock is about ${timerNs} ns`);
  return measured;
}

function measurementsOf(subject: Subject, size: number, measured: Measured): Measurement[] {
  const of = (what: string, value: number, unit: string): Measurement => ({
    name: `decision ${what} at ${size}`,
    subject,
    value,
    unit,
  });
  return [
    of("rate", Math.round(measured.perSecond), "decisions/s"),
    of("p50", measured.p50Ns, "ns"),
    of("p99", measured.p99Ns, "ns"),
    of("p99.9", measured.p999Ns, "ns"),
    of("added RSS", Math.round((measured.addedBytes / size) * 10) / 10, "bytes/credential"),
  ];
}

function say(text: string): void {
  process.stderr.write(`bench: ${name}: ${text}\n`);
}
