import { unreachable } from "../../domain/unreachable.ts";
import { putOff } from "./back-off.ts";
import { cutOff, hopeAgain } from "./delta-chain.ts";
import { snapshotName } from "./snapshot-chunk.ts";
import {
  begun,
  chunkArrived,
  chunkStored,
  type FetchingSnapshot,
  isMissing,
  sayPercent,
} from "./snapshot-fetch.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";
import { answered } from "./table-ask.ts";
import { isNewer, isSameTable } from "./table-order.ts";
import type {
  ChunkName,
  SnapshotFailure,
  TransferInput,
  TransferRefusal,
} from "./transfer-state.ts";
import { comesIntoForce, floorOf, judgeMark, type Turn } from "./transfer-turn.ts";
import { wantOf } from "./transfer-want.ts";

const storeRetry = { leastMs: 1_000, mostMs: 5 * 60_000 };
/** To fetch it again is all that can be done about a snapshot that is no table, and it is a lot. */
const invalidRetry = { leastMs: 60_000, mostMs: 60 * 60_000 };

/** Taken where a snapshot is wanted, or in the place of an older one that is under way. */
export function takeManifest(turn: Turn, manifest: SnapshotManifest): void {
  const { next, effects } = turn;
  const { snapshot, head, ask } = next;
  const want = snapshot === undefined ? wantOf(next) : undefined;
  // The site answers so where no delta of its own leads on from what is in force here.
  const isSentForDeltas = want === "deltas" && ask?.want === want && ask.sentAt !== undefined;
  if (snapshot === undefined && want !== "snapshot" && !isSentForDeltas) return;
  if (snapshot?.phase === "finishing") return;
  if (snapshot !== undefined && !isNewer(manifest.mark, snapshot.manifest.mark)) return;
  const { base } = next.deltas;
  if (base !== undefined && manifest.mark.epoch === base.epoch && !isNewer(manifest.mark, base)) {
    // A site keeps a snapshot for as long as its deltas lead on from there. Those that were withheld
    // for a while are all that will ever help; to wait for a snapshot would be to wait for ever.
    next.deltas = hopeAgain(next.deltas);
    if (isSameTable(manifest.mark, base)) return;
  }
  const refusal = judgeMark(manifest.mark, floorOf(next));
  if (refusal !== undefined) {
    effects.push({ kind: "refuse", refusal });
    return;
  }
  // No delta leads on from there any more: another snapshot would have to follow it.
  const isStale =
    head !== undefined &&
    isNewer(head.mark, manifest.mark) &&
    (head.mark.epoch !== manifest.mark.epoch || head.deltasFrom > manifest.mark.version + 1);
  if (isStale) return;
  if (isSentForDeltas) next.deltas = cutOff(next.deltas);
  if (snapshot !== undefined) {
    effects.push({ kind: "abandon_snapshot", snapshot: snapshotName(snapshot.manifest) });
  }
  next.snapshot = { phase: "beginning", manifest };
  effects.push({ kind: "begin_snapshot", manifest });
}

export function takeChunk(
  { next, effects, now }: Turn,
  { snapshot, index, plain }: ChunkName & { readonly plain: Uint8Array },
): void {
  const fetching = fetchingOf(next.snapshot, snapshot);
  if (fetching === undefined || !isMissing(fetching, index)) return;
  next.snapshot = chunkArrived(fetching, index);
  if (next.ask !== undefined) next.ask = answered(next.ask, now);
  effects.push({ kind: "store_chunk", snapshot, index, plain });
}

type SnapshotResult = Extract<
  TransferInput,
  {
    readonly kind: "snapshot_begun" | "chunk_stored" | "snapshot_failed" | "snapshot_applied";
  }
>;

export function takeSnapshotResult(turn: Turn, input: SnapshotResult): void {
  const { next } = turn;
  switch (input.kind) {
    case "snapshot_begun": {
      const { snapshot } = next;
      if (snapshot?.phase !== "beginning" || !isNamed(snapshot, input.snapshot)) return;
      return progress(turn, begun(snapshot.manifest, input.missing));
    }
    case "chunk_stored": {
      const fetching = fetchingOf(next.snapshot, input.snapshot);
      if (fetching !== undefined) progress(turn, chunkStored(fetching, input.index));
      return;
    }
    case "snapshot_failed":
      if (next.snapshot !== undefined && isNamed(next.snapshot, input.snapshot)) fail(turn, input);
      return;
    case "snapshot_applied":
      next.snapshot = undefined;
      next.snapshotRetry = undefined;
      // The log that was to be folded went with the image that it followed.
      if (next.fold === "due") next.fold = "not_due";
      return comesIntoForce(turn, input.table);
    default:
      return unreachable(input);
  }
}

function progress({ next, effects, now }: Turn, fetching: FetchingSnapshot): void {
  const { fetch, percent } = sayPercent(fetching, now);
  next.snapshot = fetch;
  if (percent === undefined) return;
  const { epoch, version } = fetch.manifest.mark;
  const { base } = next.deltas;
  effects.push({
    kind: "report",
    ack: {
      outcome: "progress",
      ...(base !== undefined && { table: { epoch: base.epoch, version: base.version } }),
      wanted: { epoch, version },
      percent,
    },
  });
}

function fail({ next, effects, now }: Turn, { cause, detail }: SnapshotFailure): void {
  next.snapshot = undefined;
  const bounds = cause === "invalid" ? invalidRetry : storeRetry;
  next.snapshotRetry = { ...putOff(next.snapshotRetry, bounds, now), cause };
  if (cause === "overtaken") return;
  const reason: TransferRefusal["reason"] = cause === "invalid" ? "invalid_content" : "not_stored";
  effects.push({ kind: "refuse", refusal: { reason, detail } });
}

function fetchingOf(
  snapshot: Turn["next"]["snapshot"],
  name: string,
): FetchingSnapshot | undefined {
  return snapshot?.phase === "fetching" && isNamed(snapshot, name) ? snapshot : undefined;
}

function isNamed({ manifest }: { readonly manifest: SnapshotManifest }, name: string): boolean {
  return snapshotName(manifest) === name;
}
