// `measure.ts SUBJECT PASSES DECISIONS` measures one subject at one size in a process of its own and
// prints one line of JSON: memory and caches of another subject would be in the way.
import { setImmediate } from "node:timers/promises";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { loadCasbin } from "./casbin-subject.ts";
import { fullRequestSource } from "./full-world.ts";
import { loadMap } from "./map-subject.ts";
import { loadPostern, loadPosternWithEveryRule } from "./postern-subject.ts";
import { loadSqlite } from "./sqlite-subject.ts";
import type { Decide, LoadSubject } from "./subject.ts";
import { requestSource } from "./world.ts";

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
  "postern, every rule": loadPosternWithEveryRule,
  map: loadMap,
  "better-sqlite3": loadSqlite,
  casbin: loadCasbin,
};
const warmUpPasses = 200;
const warmUpDecisions = 50_000;
/** Few enough to stay in the processor's cache from when they are made until they are decided. */
const batchLength = 100;

const [subject = "", passCount = 0, decisionCount = 0] = process.argv
  .slice(2)
  .map((argument, index) => (index === 0 ? argument : Number(argument))) as [
  string,
  number,
  number,
];
const load = subjects[subject];
if (load === undefined || globalThis.gc === undefined)
  throw new Error("started by decision.ts only");

const requests = subject === "postern, every rule" ? fullRequestSource : requestSource;

// Code is loaded and compiled before memory is first looked at: it is not the table's.
makeGarbage();
askMany(await load(warmUpPasses), requests(warmUpPasses, 1), Math.min(2_000, decisionCount));
const before = await residentBytes();
const decide = await load(passCount);
const addedBytes = (await residentBytes()) - before;

askMany(decide, requests(passCount, 2), Math.min(warmUpDecisions, decisionCount));
const outcomes = countOutcomes(decide, passCount);
const measured: Measured = {
  ...measureLatency(decide),
  perSecond: measureRate(decide),
  addedBytes,
  outcomes,
};
process.stdout.write(`${JSON.stringify(measured)}\n`);

function askMany(decideOne: Decide, next: () => AccessRequest, count: number): void {
  for (let index = 0; index < count; index += 1) decideOne(next());
}

/** V8 grows its young generation with the garbage made: once and for all, not for a table. */
function makeGarbage(): void {
  const kept: string[][] = [];
  for (let index = 0; index < 2_000_000; index += 1) kept[index % 200_000] = [`garbage ${index}`];
}

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
  const next = requests(passCount, 3);
  globalThis.gc?.();
  const readings = new Float64Array(decisionCount);
  for (let index = 0; index < readings.length; index += 1) {
    const from = process.hrtime.bigint();
    readings[index] = Number(process.hrtime.bigint() - from);
  }
  const timerNs = percentile(readings, 0.5);
  for (let index = 0; index < readings.length; index += 1) {
    const request = next();
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
  const next = requests(passCount, 4);
  globalThis.gc?.();
  let decided = 0;
  let took = 0;
  while (decided < decisionCount) {
    const batch = Array.from({ length: batchLength }, next);
    const from = process.hrtime.bigint();
    for (const request of batch) decideOne(request);
    took += Number(process.hrtime.bigint() - from);
    decided += batch.length;
  }
  return decided / (took / 1e9);
}

function countOutcomes(decideOne: Decide, passes: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const next = requests(passes, 5);
  for (let index = 0; index < Math.min(1_000, decisionCount); index += 1) {
    const decision = decideOne(next());
    const word = decision.kind === "denied" ? decision.reason : decision.kind;
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

function percentile(readings: Float64Array, share: number): number {
  const sorted = readings.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
