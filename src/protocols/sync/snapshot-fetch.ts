import type { MonotonicMs } from "../../domain/time.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";

/** Chunks that were asked for or are on their way to the disk: what of them is held in memory. */
export const chunksUnderWayMax = 8;
/** Asked for again only when there is room for so many: a request for each would be twice the traffic. */
const chunksPerAskMin = 4;
const progressQuietMs = 1_000;

/** A snapshot on its way from the site to the disk. */
export type SnapshotFetch =
  /** The store looks for what it has of it already. */
  | { readonly phase: "beginning"; readonly manifest: SnapshotManifest }
  | FetchingSnapshot
  /** All of it is on disk; it is verified as a whole. */
  | { readonly phase: "finishing"; readonly manifest: SnapshotManifest };

export interface FetchingSnapshot {
  readonly phase: "fetching";
  readonly manifest: SnapshotManifest;
  /** Not on disk yet, in order. */
  readonly missing: readonly number[];
  /** Of those, asked for. */
  readonly asked: ReadonlySet<number>;
  /** Of those, here and being written. */
  readonly storing: ReadonlySet<number>;
  readonly said: { readonly percent: number; readonly at: MonotonicMs } | undefined;
}

export interface ChunkRun {
  readonly from: number;
  readonly count: number;
}

export function begun(manifest: SnapshotManifest, missing: readonly number[]): FetchingSnapshot {
  const inOrder = [...missing].sort((a, b) => a - b);
  return {
    phase: "fetching",
    manifest,
    missing: inOrder,
    asked: new Set(),
    storing: new Set(),
    said: undefined,
  };
}

/** What to ask for now, marked as asked. */
export function askChunks(fetch: FetchingSnapshot): {
  readonly fetch: FetchingSnapshot;
  readonly runs: readonly ChunkRun[];
} {
  const underWayCount = fetch.asked.size + fetch.storing.size;
  const room = chunksUnderWayMax - underWayCount;
  if (underWayCount > 0 && room < chunksPerAskMin) return { fetch, runs: [] };
  const isIdle = (index: number) => !fetch.asked.has(index) && !fetch.storing.has(index);
  const wanted = fetch.missing.filter(isIdle).slice(0, room);
  return { fetch: { ...fetch, asked: new Set([...fetch.asked, ...wanted]) }, runs: runsOf(wanted) };
}

function runsOf(indices: readonly number[]): readonly ChunkRun[] {
  const runs: { from: number; count: number }[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last !== undefined && last.from + last.count === index) last.count += 1;
    else runs.push({ from: index, count: 1 });
  }
  return runs;
}

/** Nothing of what was asked for will come any more. */
export function forgetAsked(fetch: FetchingSnapshot): FetchingSnapshot {
  return { ...fetch, asked: new Set() };
}

/** Whether it is of use, asked for or not, and there is room to hold it. */
export function isMissing(fetch: FetchingSnapshot, index: number): boolean {
  return (
    fetch.storing.size < chunksUnderWayMax &&
    !fetch.storing.has(index) &&
    fetch.missing.includes(index)
  );
}

export function chunkArrived(fetch: FetchingSnapshot, index: number): FetchingSnapshot {
  return {
    ...fetch,
    asked: without(fetch.asked, index),
    storing: new Set([...fetch.storing, index]),
  };
}

export function chunkStored(fetch: FetchingSnapshot, index: number): FetchingSnapshot {
  return {
    ...fetch,
    asked: without(fetch.asked, index),
    storing: without(fetch.storing, index),
    missing: fetch.missing.filter((other) => other !== index),
  };
}

/** How much is on disk, where that is worth saying again, and noted as said. */
export function sayPercent(
  fetch: FetchingSnapshot,
  now: MonotonicMs,
): { readonly fetch: FetchingSnapshot; readonly percent: number | undefined } {
  const total = fetch.manifest.chunkHashes.length;
  const percent = Math.floor(((total - fetch.missing.length) / Math.max(1, total)) * 100);
  const { said } = fetch;
  const isNews = said === undefined || (percent > said.percent && now - said.at >= progressQuietMs);
  return isNews
    ? { fetch: { ...fetch, said: { percent, at: now } }, percent }
    : { fetch, percent: undefined };
}

function without(indices: ReadonlySet<number>, gone: number): ReadonlySet<number> {
  const rest = new Set(indices);
  rest.delete(gone);
  return rest;
}
