// `measure.ts SUBJECT FOLDER PASSES SIZES` measures one subject in a process of its own and prints one
// line of JSON.
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { type Outcomes, outcomesOf } from "../decision/outcomes.ts";
import { requestSource } from "../decision/world.ts";
import { Readings } from "../readings.ts";
import { DecisionReadings, decideWhile } from "./decide-while.ts";
import type { LoadedTable } from "./subject.ts";
import { subjectNamed } from "./subjects.ts";

/** How much of everything; the same for every subject. */
export interface TableSizes {
  readonly warmUpDecisions: number;
  readonly restDecisions: number;
  readonly streamedChanges: number;
  readonly changesPerSecond: number;
  readonly foldCount: number;
  /** At most: on a busy machine folding takes long. */
  readonly changesPerFold: number;
  readonly singleChanges: number;
  readonly groupLength: number;
  readonly groupCount: number;
  /** Of changes.ts, taken one way or another: afterwards every subject must decide alike. */
  readonly changes: number;
}

export interface DecidedNs {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly holdUpP999: number;
  readonly holdUpMax: number;
  readonly firstAfterChangeP99?: number;
  readonly firstAfterChangeMax?: number;
}

export interface MeasuredTable {
  readonly timerNs: number;
  readonly atRest: DecidedNs;
  readonly streaming: DecidedNs;
  readonly folding?: DecidedNs;
  readonly foldMs?: number;
  readonly singlesPerSecond: number;
  readonly groupedPerSecond: number;
  readonly inMemoryPerSecond?: number;
  readonly before: Outcomes;
  readonly after: Outcomes;
}

const [subject = "", folder = "", passWord = "", sizesWord = ""] = process.argv.slice(2);
const passCount = Number(passWord);
const sizes: TableSizes = JSON.parse(sizesWord);
const load = await subjectNamed(subject);
const outcomeCount = 2_000;

const table = await load(folder, passCount);
askMany(table, requestSource(passCount, 2), sizes.warmUpDecisions);

const before = outcomesOf(table.decide, requestSource(passCount, 3), outcomeCount);
const timerNs = clockReadingNs();
const atRest = await decideAtRest();
table.expect(sizes.changes);
let left = sizes.changes;
const streaming = await decideWhileStreaming();
const folding = await decideWhileFolding();
const singlesPerSecond = await takeInGroups(sizes.singleChanges, 1);
const groupedPerSecond = await takeInGroups(sizes.groupCount, sizes.groupLength);
const inMemoryPerSecond = await takeTheRest();
const after = outcomesOf(table.decide, requestSource(passCount, 4), outcomeCount);
const measured: MeasuredTable = {
  timerNs,
  atRest,
  streaming,
  ...folding,
  singlesPerSecond,
  groupedPerSecond,
  ...(inMemoryPerSecond !== undefined && { inMemoryPerSecond }),
  before,
  after,
};
await table.close();
process.stdout.write(JSON.stringify(measured));

function askMany({ decide }: LoadedTable, next: () => AccessRequest, count: number): void {
  for (let index = 0; index < count; index += 1) decide(next());
}

function clockReadingNs(): number {
  const readings = new Readings();
  for (let index = 0; index < sizes.restDecisions; index += 1) {
    const from = process.hrtime.bigint();
    readings.add(Number(process.hrtime.bigint() - from));
  }
  return readings.percentile(0.5);
}

async function decideAtRest(): Promise<DecidedNs> {
  const into = new DecisionReadings();
  await decideWhile({
    table,
    next: requestSource(passCount, 5),
    changesPerSecond: 0,
    changesMax: 0,
    into,
    isOver: () => into.decisions.count >= sizes.restDecisions,
  });
  return decidedNs(into);
}

async function decideWhileStreaming(): Promise<DecidedNs> {
  const into = new DecisionReadings();
  left -= await decideWhile({
    table,
    next: requestSource(passCount, 6),
    changesPerSecond: sizes.changesPerSecond,
    changesMax: sizes.streamedChanges,
    into,
    isOver: (taken) => taken >= sizes.streamedChanges,
  });
  return decidedNs(into);
}

async function decideWhileFolding(): Promise<Pick<MeasuredTable, "folding" | "foldMs">> {
  if (table.fold === undefined) return {};
  const into = new DecisionReadings();
  const folds = new Readings();
  for (let fold = 0; fold < sizes.foldCount; fold += 1) {
    let isFolded = false;
    const startedAt = performance.now();
    const folded = table.fold().then(() => {
      folds.add(performance.now() - startedAt);
      isFolded = true;
    });
    left -= await decideWhile({
      table,
      next: requestSource(passCount, 7 + fold),
      changesPerSecond: sizes.changesPerSecond,
      changesMax: sizes.changesPerFold,
      into,
      isOver: () => isFolded,
    });
    await folded;
  }
  return { folding: decidedNs(into), foldMs: folds.percentile(0.5) };
}

async function takeInGroups(count: number, length: number): Promise<number> {
  const startedAt = performance.now();
  for (let group = 0; group < count; group += 1) await table.takeNext(length);
  left -= count * length;
  return (count * length * 1_000) / (performance.now() - startedAt);
}

/** Timed where the subject has a way that leaves the disk out. */
async function takeTheRest(): Promise<number | undefined> {
  if (left <= 0) throw new Error("all changes were taken before");
  if (table.readyInMemory === undefined) {
    await table.takeNext(left);
    return undefined;
  }
  await table.fold?.();
  const take = table.readyInMemory(left);
  const startedAt = performance.now();
  take();
  return (left * 1_000) / (performance.now() - startedAt);
}

function decidedNs({ decisions, firstAfterChange, holdUps }: DecisionReadings): DecidedNs {
  return {
    p50: decisions.percentile(0.5),
    p99: decisions.percentile(0.99),
    p999: decisions.percentile(0.999),
    holdUpP999: holdUps.percentile(0.999),
    holdUpMax: holdUps.max(),
    ...(firstAfterChange.count > 0 && {
      firstAfterChangeP99: firstAfterChange.percentile(0.99),
      firstAfterChangeMax: firstAfterChange.max(),
    }),
  };
}
