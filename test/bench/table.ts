import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireSameOutcomes } from "./decision/outcomes.ts";
import { printedBy } from "./fresh-process.ts";
import type { Measurement } from "./measurement.ts";
import { Readings } from "./readings.ts";
import type { Loaded } from "./table/load.ts";
import type { DecidedNs, MeasuredTable, TableSizes } from "./table/measure.ts";
import type { Resident } from "./table/memory.ts";
import { forgetPages, rememberPages } from "./table/page-cache.ts";
import type { Prepared } from "./table/prepared.ts";
import { type Subject, subjects } from "./table/subjects.ts";

export const name = "table";

interface Size extends TableSizes {
  readonly passCount: number;
  readonly loadCount: number;
  readonly memoryCount: number;
}

const full: Size = {
  passCount: 1_000_000,
  loadCount: 7,
  memoryCount: 3,
  warmUpDecisions: 100_000,
  restDecisions: 1_000_000,
  streamedChanges: 4_000,
  changesPerSecond: 200,
  foldCount: 3,
  changesPerFold: 2_000,
  singleChanges: 1_000,
  groupLength: 64,
  groupCount: 50,
  changes: 20_000,
};
const smokeSize: Size = {
  passCount: 10_000,
  loadCount: 1,
  memoryCount: 1,
  warmUpDecisions: 5_000,
  restDecisions: 10_000,
  streamedChanges: 100,
  changesPerSecond: 200,
  foldCount: 1,
  changesPerFold: 100,
  singleChanges: 20,
  groupLength: 16,
  groupCount: 4,
  changes: 600,
};
const smallPassCount = 200;

interface PreparedSubject extends Prepared {
  readonly folder: string;
  readonly smallFolder: string;
}

/**
 * The table at the size of the biggest panels: card passes with dates, loaded from the files that a
 * controller has, decided by while deltas stream in and while it is folded. Beside it better-sqlite3
 * over the same site, from its file and from memory. Files are in the system's folder for passing
 * files, whose disk must then be a real one.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const size = smoke ? smokeSize : full;
  const work = await mkdtemp(join(tmpdir(), "postern-bench-"));
  try {
    const measurements: Measurement[] = [];
    const measured = new Map<Subject, MeasuredTable>();
    for (const subject of subjects) {
      const prepared = await prepare(subject, work, size);
      measurements.push(...(await measureLoads(subject, prepared, size)));
      measurements.push(await measureMemory(subject, prepared, size));
      const one = await printedBy<MeasuredTable>(new URL("./table/measure.ts", import.meta.url), [
        ...[subject, prepared.folder, size.passCount, JSON.stringify(size)],
      ]);
      say(`${subject}: reading the clock is about ${one.timerNs} ns of each decision`);
      measured.set(subject, one);
      measurements.push(...measurementsOf(subject, size, { prepared, measured: one }));
      await rm(join(work, subject), { recursive: true });
    }
    for (const when of ["before", "after"] as const) {
      requireSameOutcomes(new Map([...measured].map(([subject, one]) => [subject, one[when]])));
    }
    return measurements;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function prepare(subject: Subject, work: string, size: Size): Promise<PreparedSubject> {
  const script =
    subject === "postern"
      ? new URL("./table/prepare-postern.ts", import.meta.url)
      : new URL("./table/prepare-sqlite.ts", import.meta.url);
  const into = async (folder: string, passCount: number, changes: number) => {
    await mkdir(folder, { recursive: true });
    return printedBy<Prepared>(script, [folder, passCount, changes]);
  };
  const folder = join(work, subject, "site");
  const smallFolder = join(work, subject, "small");
  await into(smallFolder, smallPassCount, 0);
  return { ...(await into(folder, size.passCount, size.changes)), folder, smallFolder };
}

/** Each load in a process of its own that has loaded nothing before. */
async function measureLoads(
  subject: Subject,
  { folder }: PreparedSubject,
  { loadCount, passCount }: Size,
): Promise<readonly Measurement[]> {
  const warm = new Readings();
  const cold = new Readings();
  const script = new URL("./table/load.ts", import.meta.url);
  const peak = new Readings();
  const loadOnce = async (): Promise<number> => {
    const { readyMs, peakBytes } = await printedBy<Loaded>(script, [subject, folder, passCount]);
    peak.add(peakBytes);
    return readyMs;
  };
  for (let load = 0; load < loadCount; load += 1) {
    rememberPages(folder);
    warm.add(await loadOnce());
    // What was written and is not on the disk yet cannot be forgotten.
    spawnSync("sync");
    const { failure } = forgetPages(folder);
    if (failure === undefined) cold.add(await loadOnce());
    else say(`no load without the page cache: ${failure}`);
  }
  const of = (what: string, value: number, unit = "ms"): Measurement =>
    measurement(subject, passCount, { what, value, unit });
  const { count } = cold;
  return [
    of("load to first decision, in page cache, p50", warm.percentile(0.5)),
    of("load to first decision, in page cache, max", warm.max()),
    ...(count > 0 ? [of("load to first decision, from disk, p50", cold.percentile(0.5))] : []),
    ...(count > 0 ? [of("load to first decision, from disk, max", cold.max())] : []),
    of("peak RSS of the process that loads", peak.percentile(0.5) / 2 ** 20, "MiB"),
  ];
}

/**
 * What a process has resident more than one of a few passes that did the same: in one process, memory
 * that its start has left over would be counted as the table's, or against it.
 */
async function measureMemory(
  subject: Subject,
  { folder, smallFolder }: PreparedSubject,
  { memoryCount, passCount, warmUpDecisions }: Size,
): Promise<Measurement> {
  const script = new URL("./table/memory.ts", import.meta.url);
  const resident = async (of: string, count: number): Promise<number> =>
    (await printedBy<Resident>(script, [subject, of, count, warmUpDecisions])).bytes;
  const added = new Readings();
  for (let time = 0; time < memoryCount; time += 1) {
    const small = await resident(smallFolder, smallPassCount);
    added.add((await resident(folder, passCount)) - small);
  }
  const value = added.percentile(0.5) / passCount;
  return measurement(subject, passCount, { what: "added RSS", value, unit: "bytes/credential" });
}

function measurementsOf(
  subject: Subject,
  { passCount, changesPerSecond, groupLength }: Size,
  { prepared, measured }: { readonly prepared: Prepared; readonly measured: MeasuredTable },
): readonly Measurement[] {
  const of = (what: string, value: number | undefined, unit: string): readonly Measurement[] =>
    value === undefined ? [] : [measurement(subject, passCount, { what, value, unit })];
  const decided = (when: string, ns: DecidedNs | undefined): readonly Measurement[] => [
    ...of(`decision p50, ${when}`, ns?.p50, "ns"),
    ...of(`decision p99, ${when}`, ns?.p99, "ns"),
    ...of(`decision p99.9, ${when}`, ns?.p999, "ns"),
    ...of(`first decision after a change p99, ${when}`, ns?.firstAfterChangeP99, "ns"),
    ...of(`first decision after a change max, ${when}`, ns?.firstAfterChangeMax, "ns"),
    ...of(`thread held up p99.9, ${when}`, inUs(ns?.holdUpP999), "us"),
    ...of(`thread held up max, ${when}`, inUs(ns?.holdUpMax), "us"),
  ];
  const { foldMs, singlesPerSecond, groupedPerSecond, inMemoryPerSecond } = measured;
  return [
    ...of("file", Math.round((prepared.fileBytes / passCount) * 10) / 10, "bytes/credential"),
    ...of("file made", prepared.builtMs, "ms"),
    ...decided("at rest", measured.atRest),
    ...decided(`at ${changesPerSecond} changes/s`, measured.streaming),
    ...decided("while it is folded", measured.folding),
    ...of("folded", foldMs, "ms"),
    ...of("changes, each durable alone", singlesPerSecond, "changes/s"),
    ...of(`changes, ${groupLength} durable together`, groupedPerSecond, "changes/s"),
    ...of("changes, in memory", inMemoryPerSecond, "changes/s"),
  ];
}

function measurement(
  subject: Subject,
  passCount: number,
  { what, value, unit }: { readonly what: string; readonly value: number; readonly unit: string },
): Measurement {
  const rounded = Math.abs(value) < 100 ? Math.round(value * 10) / 10 : Math.round(value);
  return { name: `table of ${passCount}: ${what}`, subject, value: rounded, unit };
}

const inUs = (ns: number | undefined): number | undefined =>
  ns === undefined ? undefined : ns / 1_000;

function say(text: string): void {
  process.stderr.write(`bench: ${name}: ${text}\n`);
}
