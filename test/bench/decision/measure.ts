// `measure.ts SUBJECT PASSES DECISIONS` measures one subject at one size in a process of its own and
// prints one line of JSON: memory and caches of another subject would be in the way.
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { Readings } from "../readings.ts";
import { makeGarbage, residentBytes } from "../resident-memory.ts";
import { loadCasbin } from "./casbin-subject.ts";
import { fullRequestSource } from "./full-world.ts";
import { loadMap } from "./map-subject.ts";
import { type Outcomes, outcomesOf } from "./outcomes.ts";
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
  readonly outcomes: Outcomes;
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
const outcomes = outcomesOf(decide, requests(passCount, 5), Math.min(1_000, decisionCount));
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
  const clockReadings = new Readings();
  const readings = new Readings();
  for (let index = 0; index < decisionCount; index += 1) {
    const from = process.hrtime.bigint();
    clockReadings.add(Number(process.hrtime.bigint() - from));
  }
  for (let index = 0; index < decisionCount; index += 1) {
    const request = next();
    const from = process.hrtime.bigint();
    decideOne(request);
    readings.add(Number(process.hrtime.bigint() - from));
  }
  return {
    p50Ns: readings.percentile(0.5),
    p99Ns: readings.percentile(0.99),
    p999Ns: readings.percentile(0.999),
    timerNs: clockReadings.percentile(0.5),
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
