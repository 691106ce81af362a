import { earliest } from "../../domain/earliest.ts";
import type { TableMark } from "../../domain/table-change.ts";
import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { putOff, released } from "./back-off.ts";
import {
  admitDelta,
  type DeltaOutline,
  type DeltaVerdict,
  emptyChain,
  judgeDelta,
  refuseOnward,
  type SizedDelta,
} from "./delta-chain.ts";
import { snapshotName } from "./snapshot-chunk.ts";
import { isMissing } from "./snapshot-fetch.ts";
import { takeChunk, takeManifest, takeSnapshotResult } from "./snapshot-turn.ts";
import { answered, prompted } from "./table-ask.ts";
import type { TableHead } from "./table-head.ts";
import { describeMark, isNewer, isSameTable } from "./table-order.ts";
import { numberTaken } from "./table-refusal.ts";
import type {
  ChunkName,
  TransferInput,
  TransferState,
  TransferStep,
  TransferTrouble,
} from "./transfer-state.ts";
import { comesIntoForce, floorOf, judgeMark, type Turn } from "./transfer-turn.ts";
import { pursue, wantOf } from "./transfer-want.ts";

const deltasRetry = { leastMs: 1_000, mostMs: 5 * 60_000 };
const foldRetry = { leastMs: 60_000, mostMs: 60 * 60_000 };
/** Doubts can be sown by anybody. */
const doubtQuietMs = 60_000;
/** Whoever drowns the site's words can have us ask for them this often. */
const missedQuietMs = 5_000;
/** Deltas made durable at once: one wait for the disk, and one of the doors for the table. */
const groupMax = 256;

export interface TransferStart {
  readonly inForce: TableMark | undefined;
  /** Nothing older is ever accepted as a whole. */
  readonly newest: TableMark | undefined;
  readonly isFoldDue: boolean;
  /** 0 to 1, drawn once: keeps a thousand controllers from asking again in step. */
  readonly spread: number;
}

export function initialTransfer(start: TransferStart): TransferState {
  return {
    link: "down",
    newest: start.newest,
    head: undefined,
    isHeadDoubtful: false,
    deltas: emptyChain(start.inForce),
    writingCount: 0,
    deltasRetry: undefined,
    snapshot: undefined,
    snapshotRetry: undefined,
    fold: start.isFoldDue ? "due" : "not_due",
    foldRetry: undefined,
    ask: undefined,
    doubtAskedAt: undefined,
    missedAskAt: undefined,
    spread: start.spread,
  };
}

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function transferDeadline(state: TransferState): MonotonicMs | undefined {
  return earliest(
    wantOf(state) === undefined ? undefined : state.ask?.at,
    state.deltasRetry?.until,
    state.snapshotRetry?.until,
    state.foldRetry?.until,
    state.missedAskAt,
  );
}

/** Whether a chunk that says so of itself is worth opening: it is of use, and there is room. */
export function isChunkAwaited({ snapshot }: TransferState, chunk: ChunkName): boolean {
  return (
    snapshot?.phase === "fetching" &&
    snapshotName(snapshot.manifest) === chunk.snapshot &&
    isMissing(snapshot, chunk.index)
  );
}

/** Whether the changes of a delta that says so of itself are worth reading. */
export function verdictOn({ deltas }: TransferState, delta: DeltaOutline): DeltaVerdict {
  return judgeDelta(deltas, delta);
}

/** Pure: same arguments, same step. */
export function stepTransfer(
  state: TransferState,
  input: TransferInput,
  now: MonotonicMs,
): TransferStep {
  const turn: Turn = { next: { ...state }, effects: [], now };
  releaseRetries(turn);
  take(turn, input);
  leaveOvertaken(turn);
  finish(turn);
  storeDeltas(turn);
  fold(turn);
  forgetNeedlessRetry(turn);
  pursue(turn);
  askForMissed(turn);
  tellTroubles(turn, state);
  return { state: turn.next, effects: turn.effects };
}

function take(turn: Turn, input: TransferInput): void {
  switch (input.kind) {
    case "link_up":
      return linkUp(turn);
    case "link_down":
      return linkDown(turn);
    case "head":
      return takeHead(turn, input);
    case "delta":
      return takeDelta(turn, { delta: input.delta, bytes: input.bytes });
    case "stray_delta":
      return refuseStray(turn, input.from);
    case "manifest":
      return takeManifest(turn, input.manifest);
    case "chunk":
      return takeChunk(turn, input);
    case "site_in_doubt":
      return askInDoubt(turn);
    case "words_dropped":
      return noteMissed(turn);
    case "table_found":
      return takeFound(turn, input);
    case "deltas_applied":
    case "deltas_not_stored":
    case "delta_invalid":
      return takeGroupResult(turn, input);
    case "snapshot_begun":
    case "chunk_stored":
    case "snapshot_failed":
    case "snapshot_applied":
      return takeSnapshotResult(turn, input);
    case "folded":
      turn.next.fold = input.isFoldDue ? "due" : "not_due";
      turn.next.foldRetry = undefined;
      return;
    case "not_folded":
      turn.next.fold = "due";
      turn.next.foldRetry = putOff(turn.next.foldRetry, foldRetry, turn.now);
      return;
    case "deadline_reached":
      return;
    default:
      return unreachable(input);
  }
}

function takeFound(
  turn: Turn,
  { table, newest, isFoldDue }: Extract<TransferInput, { readonly kind: "table_found" }>,
): void {
  turn.next.newest = newest;
  if (isFoldDue && turn.next.fold === "not_due") turn.next.fold = "due";
  comesIntoForce(turn, table);
}

function releaseRetries({ next, now }: Turn): void {
  next.deltasRetry = released(next.deltasRetry, now);
  next.snapshotRetry = released(next.snapshotRetry, now);
  next.foldRetry = released(next.foldRetry, now);
}

function linkUp({ next }: Turn): void {
  next.link = "up";
  next.ask = undefined;
}

function linkDown({ next }: Turn): void {
  next.link = "down";
  // The broker brings the one of then: this might be of a site that was restored meanwhile.
  next.head = undefined;
  next.isHeadDoubtful = false;
  next.ask = undefined;
  // All is looked at anew with the link.
  next.missedAskAt = undefined;
}

function takeHead(
  { next, effects }: Turn,
  { head, isAnswer }: { readonly head: TableHead; readonly isAnswer: boolean },
): void {
  const { base } = next.deltas;
  effects.push({ kind: "site_seen" });
  if (floorOf(next) === undefined) {
    // A new controller, or one whose disk was lost, knows nothing by which an old head shows: the
    // broker could put any table in force that the site ever signed.
    if (!isAnswer) return;
    next.newest = head.mark;
  }
  const refusal = judgeMark(head.mark, floorOf(next));
  if (refusal !== undefined) {
    effects.push({ kind: "refuse", refusal });
    return;
  }
  if (base !== undefined && isSameTable(head.mark, base)) {
    effects.push({ kind: "answer", ack: { outcome: "complete", table: base } });
  }
  const known = next.head?.mark;
  if (known !== undefined && isNewer(known, head.mark) && !next.isHeadDoubtful) return;
  if (known === undefined || !isSameTable(known, head.mark)) forgiveInvalid(next);
  next.head = head;
  next.isHeadDoubtful = false;
  next.ask = next.ask === undefined ? undefined : prompted(next.ask);
}

/** The site has another table now, which may be a better one. */
function forgiveInvalid(next: Turn["next"]): void {
  if (next.snapshotRetry?.cause === "invalid") next.snapshotRetry = undefined;
}

function takeDelta(turn: Turn, sized: SizedDelta): void {
  const { next, now } = turn;
  const { delta, bytes } = sized;
  const verdict = judgeDelta(next.deltas, { from: delta.from, to: delta.to, bytes });
  switch (verdict) {
    case "known":
    case "no_room":
      return;
    case "number_taken":
      return refuseStray(turn, delta.from);
    case "due":
    case "ahead":
      next.deltas = admitDelta(next.deltas, sized, verdict);
      if (verdict === "due" && next.ask?.want === "deltas") next.ask = answered(next.ask, now);
      return;
    default:
      return unreachable(verdict);
  }
}

function refuseStray({ effects }: Turn, from: TableMark): void {
  const detail = `a delta from another table ${describeMark(from)}`;
  effects.push({ kind: "refuse", refusal: { reason: numberTaken, detail } });
}

function askInDoubt({ next, effects, now }: Turn): void {
  const { link, doubtAskedAt } = next;
  if (link === "down") return;
  if (doubtAskedAt !== undefined && now - doubtAskedAt < doubtQuietMs) return;
  next.doubtAskedAt = now;
  effects.push({ kind: "get", want: { want: "head" } });
}

/** What was asked for may have been in it, and is asked for again; the head tells of all else. */
function noteMissed({ next, now }: Turn): void {
  if (next.link === "down") return;
  if (next.ask?.sentAt !== undefined) next.ask = { ...next.ask, sentAt: undefined, at: now };
  next.missedAskAt ??= monotonicMs(now + missedQuietMs);
}

function askForMissed({ next, effects, now }: Turn): void {
  if (next.missedAskAt === undefined || now < next.missedAskAt) return;
  next.missedAskAt = undefined;
  if (next.ask?.want !== "head") effects.push({ kind: "get", want: { want: "head" } });
}

type GroupResult = Extract<
  TransferInput,
  { readonly kind: "deltas_applied" | "deltas_not_stored" | "delta_invalid" }
>;

function takeGroupResult(turn: Turn, input: GroupResult): void {
  const { next, effects, now } = turn;
  next.writingCount = 0;
  switch (input.kind) {
    case "deltas_applied": {
      next.deltasRetry = undefined;
      comesIntoForce(turn, input.table);
      if (input.isFoldDue && next.fold === "not_due") next.fold = "due";
      return;
    }
    case "deltas_not_stored": {
      next.deltasRetry = putOff(next.deltasRetry, deltasRetry, now);
      const { detail } = input;
      effects.push({ kind: "refuse", refusal: { reason: "not_stored", detail } });
      return;
    }
    case "delta_invalid": {
      next.deltasRetry = undefined;
      next.deltas = refuseOnward(next.deltas, input.table);
      next.newest = input.newest;
      const { detail } = input;
      effects.push({ kind: "refuse", refusal: { reason: "invalid_content", detail } });
      return;
    }
    default:
      return unreachable(input);
  }
}

/** Deltas have led to where the snapshot would, or further. */
function leaveOvertaken({ next, effects }: Turn): void {
  const { snapshot, deltas } = next;
  if (snapshot === undefined || snapshot.phase === "finishing" || deltas.base === undefined) return;
  if (isNewer(snapshot.manifest.mark, deltas.base)) return;
  next.snapshot = undefined;
  effects.push({ kind: "abandon_snapshot", snapshot: snapshotName(snapshot.manifest) });
}

function finish({ next, effects }: Turn): void {
  const { snapshot } = next;
  if (snapshot?.phase !== "fetching" || snapshot.missing.length > 0) return;
  if (next.fold === "under_way" || next.writingCount > 0) return;
  next.snapshot = { phase: "finishing", manifest: snapshot.manifest };
  effects.push({ kind: "finish_snapshot", snapshot: snapshotName(snapshot.manifest) });
}

function storeDeltas({ next, effects }: Turn): void {
  if (next.writingCount > 0 || next.deltasRetry?.until !== undefined) return;
  // Also while a snapshot comes into force, which takes seconds, and what is due may be a revocation:
  // where deltas have led past it, the store lets it go.
  const group = next.deltas.due.slice(0, groupMax).map(({ delta }) => delta);
  if (group.length === 0) return;
  next.writingCount = group.length;
  effects.push({ kind: "store_deltas", deltas: group });
}

function fold({ next, effects }: Turn): void {
  if (next.fold !== "due" || next.foldRetry?.until !== undefined) return;
  if (next.snapshot?.phase === "finishing") return;
  next.fold = "under_way";
  effects.push({ kind: "fold" });
}

/** The snapshot that failed is wanted no more: deltas lead to where the site is. */
function forgetNeedlessRetry({ next }: Turn): void {
  if (next.link === "down" || next.snapshot !== undefined) return;
  const want = wantOf({ ...next, snapshotRetry: undefined });
  if (want !== "snapshot" && want !== "head") next.snapshotRetry = undefined;
}

function tellTroubles({ next, effects }: Turn, before: TransferState): void {
  const tell = (trouble: TransferTrouble, isSo: (state: TransferState) => boolean) => {
    if (isSo(before) === isSo(next)) return;
    effects.push({ kind: "trouble", trouble, state: isSo(next) ? "raised" : "cleared" });
  };
  tell(
    "table_not_stored",
    (state) => state.deltasRetry !== undefined || state.snapshotRetry?.cause === "not_stored",
  );
  tell("table_not_folded", ({ foldRetry }) => foldRetry !== undefined);
}
