import type { TableMark } from "../../domain/table-change.ts";
import { cutOff, tipOf } from "./delta-chain.ts";
import { snapshotName } from "./snapshot-chunk.ts";
import { askChunks, type FetchingSnapshot, forgetAsked } from "./snapshot-fetch.ts";
import { answered, asked, askFor, awaitHead, isFruitless, isPatienceOver } from "./table-ask.ts";
import type { TableWant } from "./table-get.ts";
import { isNewer } from "./table-order.ts";
import type { TransferState } from "./transfer-state.ts";
import { floorOf, type Turn } from "./transfer-turn.ts";

/** What the site is to send now, if anything. */
export function wantOf(state: TransferState): TableWant["want"] | undefined {
  const { link, snapshot, head, deltas } = state;
  if (link === "down") return undefined;
  if (snapshot !== undefined) {
    return snapshot.phase === "fetching" && snapshot.missing.length > 0 ? "chunks" : undefined;
  }
  if (head === undefined) return "head";
  const tip = tipOf(deltas);
  const goal = goalOf(state, head.mark);
  if (tip !== undefined && deltas.footing !== "refused") {
    if (!isNewer(goal, tip)) return undefined;
    const areToBeHad = goal.epoch === tip.epoch && head.deltasFrom <= tip.version + 1;
    if (areToBeHad && deltas.footing === "sound") return "deltas";
  }
  return state.snapshotRetry?.until === undefined ? "snapshot" : undefined;
}

/** The newest table that we know the site to have made. */
function goalOf({ deltas }: TransferState, head: TableMark): TableMark {
  const last = deltas.ahead.at(-1)?.delta.to;
  return last !== undefined && isNewer(last, head) ? last : head;
}

/** Asks for what is wanted, as often as it takes and no more often than that. */
export function pursue(turn: Turn): void {
  const { next, now } = turn;
  const want = wantOf(next);
  if (want === undefined) {
    // While the disk works on a snapshot the conversation about it is not over.
    if (next.snapshot === undefined) next.ask = undefined;
    return;
  }
  const isRetained = want === "head" && floorOf(next) !== undefined;
  const ask = isRetained && next.ask === undefined ? awaitHead(now) : askFor(want, next.ask, now);
  next.ask = ask;
  if (next.snapshot?.phase === "fetching") return pursueChunks(turn, next.snapshot);
  if (now < ask.at) return;
  next.ask = asked(ask, next.spread, now);
  if (want === "deltas" && isFruitless(next.ask)) {
    next.deltas = cutOff(next.deltas);
    return pursue(turn);
  }
  sendGet(turn, want);
  if (isPatienceOver(next.ask)) doubt(turn);
}

function sendGet({ next, effects }: Turn, want: TableWant["want"]): void {
  const tip = tipOf(next.deltas);
  if (want === "deltas" && tip !== undefined) {
    effects.push({ kind: "get", want: { want, after: tip } });
  } else if (want === "head" || want === "snapshot") {
    effects.push({ kind: "get", want: { want } });
  }
}

function pursueChunks(turn: Turn, fetching: FetchingSnapshot): void {
  const { next, effects, now } = turn;
  const ask = askFor("chunks", next.ask, now);
  let fetch = fetching;
  if (now >= ask.at) {
    const waitsForDisk = fetch.asked.size === 0 && fetch.storing.size > 0;
    next.ask = waitsForDisk ? answered(ask, now) : asked(ask, next.spread, now);
    fetch = forgetAsked(fetch);
    if (isPatienceOver(next.ask)) {
      // What is stored of it stays, and is found again if the site still offers the same.
      next.snapshot = undefined;
      doubt(turn);
      return pursue(turn);
    }
  }
  const { fetch: askedFetch, runs } = askChunks(fetch);
  next.snapshot = askedFetch;
  const snapshot = snapshotName(fetch.manifest);
  for (const run of runs) {
    effects.push({ kind: "get", want: { want: "chunks", snapshot, ...run } });
  }
}

/**
 * The site does not answer, or it has nothing of what it once said: whatever head comes next counts,
 * and what is kept for later is for a later that may never be. Else we would wait for ever for what
 * a site lost that was restored from a copy.
 */
function doubt({ next, effects }: Turn): void {
  next.isHeadDoubtful = true;
  next.deltas = { ...next.deltas, ahead: [] };
  if (next.ask?.want !== "head") effects.push({ kind: "get", want: { want: "head" } });
}
