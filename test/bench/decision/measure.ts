// `measure.ts SUBJECT PASSES DECISIONS` measures one subject at one size in a process of its own and
// prints one line of JSON: memory and caches of another subject would be in the way.
import { setImmediate } from "node:timers/promises";
import { loadCasbin } from "./casbin-subject.ts";
import { loadMap } from "./map-subject.ts";
import { loadPostern } from "./postern-subject.ts";
import { loadSqlite } from "./sqlite-subject.ts";
import type { Decide, LoadSubject } from "./subject.ts";
import { requestsOf } from "./world.ts";

export interface Measured {
  readonly perSecond: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly timerNs: number;
  readonly addedBytes: number;
  /** How the decisions came out: equal for every subject, or they do not do the same. */
  readonly outcomes: Readonly<Record<string, number>>;
}

const subjects: Readonly<Record<string, LoadSubject>> = {
  postern: loadPostern,
  map: loadMap,
  "better-sqlite3": loadSqlite,
  casbin: loadCasbin,
};
const warmUpPasses = 200;
const warmUpDecisions = 20_000;

const [subject = "", passCount = 0, decisionCount = 0] = process.argv
  .slice(2)
  .map((argument, index) => (index === 0 ? argument : Number(argument))) as [string, number, number];
const load = subjects[subject];
if (load === undefined || globalThis.gc === undefined) throw new Error("started by decision.ts only");

// Code is loaded and compiled before memory is first looked at: it is not the table's.
const small = await load(warmUpPasses);
for (const request of requestsOf(warmUpPasses, Math.min(2_000, decisionCount), 1)) small(request);
const before = await residentBytes();
const decide = await load(passCount);
const addedBytes = (await residentBytes()) - before;

const warmUps = requestsOf(passCount, Math.min(warmUpDecisions, decisionCount), 2);
for (const request of warmUps) decide(request);
const outcomes = countOutcomes(decide, passCount);
const measured: Measured = {
  ...measureLatency(decide),
  perSecond: measureRate(decide),
  addedBytes,
  outcomes,
};
process.stdout.write(`${JSON.stringify(measured)}\n`);

/** After collecting all garbage: V8 hands pages back in the turns after a collection. */
async function residentBytes(): Promise<number> {
  for (let turn = 0; turn < 10; turn += 1) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage.rss();
}

/**
 * Each decision alone between two readings of the clock. What reading costs is measured too and told
 * beside it, and is not taken off: the numbers are as seen.
 */
function measureLatency(decideOne: Decide): {
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly timerNs: number;
} {
  const requests = requestsOf(passCount, decisionCount, 3);
  globalThis.gc?.();
  const readings = new Float64Array(requests.length);
  for (let index = 0; index < readings.length; index += 1) {
    const from = process.hrtime.bigint();
    readings[index] = Number(process.hrtime.bigint() - from);
  }
  const timerNs = percentile(readings, 0.5);
  for (const [index, request] of requests.entries()) {
    const from = process.hrtime.bigint();
    decideOne(request);
    readings[index] = Number(process.hrtime.bigint() - from);
  }
  return {
    p50Ns: percentile(readings, 0.5),
    p99Ns: percentile(readings, 0.99),
    p999Ns: percentile(readings, 0.999),
    timerNs,
  };
}

function measureRate(decideOne: Decide): number {
  const requests = requestsOf(passCount, decisionCount, 4);
  globalThis.gc?.();
  const from = process.hrtime.bigint();
  for (const request of requests) decideOne(request);
  return requests.length / (Number(process.hrtime.bigint() - from) / 1e9);
}

function countOutcomes(decideOne: Decide, passes: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const request of requestsOf(passes, Math.min(1_000, decisionCount), 5)) {
    const decision = decideOne(request);
    const word = decision.kind === "denied" ? decision.reason : decision.kind;
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

function percentile(readings: Float64Array, share: number): number {
  const sorted = readings.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
