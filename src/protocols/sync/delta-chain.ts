import type { TableDelta, TableMark } from "../../domain/table-change.ts";
import { isNewer, isSameTable } from "./table-order.ts";
import { numberTaken } from "./table-refusal.ts";

/** What came too early waits for what leads up to it, the nearest first; the rest is fetched again. */
export const deltasAheadMax = 256;
export const deltasAheadBytesMax = 1_024 * 1_024;
/** What waits for the disk: more than a site keeps. */
const deltasDueMax = 2_048;
const deltasDueBytesMax = 2 * 1_024 * 1_024;

export interface SizedDelta {
  readonly delta: TableDelta;
  /** Of its message. */
  readonly bytes: number;
}

/**
 * What deltas can do for the table in force. `cut_off`: those that lead on from it were asked for in
 * vain, as they are for ever where the site was restored from a copy and this table is of what it
 * lost; the ones that come by themselves are taken. `refused`: the one that follows contradicts it,
 * and none is taken. From either only another table leads on, which a snapshot can be; but a site that
 * offers none beyond the table in force says that its deltas lead on, and is asked for them again.
 */
export type DeltaFooting = "sound" | "cut_off" | "refused";

/** The deltas that are here and not yet in force. */
export interface DeltaChain {
  /** The table in force; undefined before the first. */
  readonly base: TableMark | undefined;
  /** Of `base`: sound again with each table that comes into force. */
  readonly footing: DeltaFooting;
  /** They lead on from `base`, each from what the one before it makes. */
  readonly due: readonly SizedDelta[];
  /** Something that leads up to them is missing. By number. */
  readonly ahead: readonly SizedDelta[];
}

export function emptyChain(base: TableMark | undefined): DeltaChain {
  return { base, footing: "sound", due: [], ahead: [] };
}

/** The table that will be in force when everything due is. */
export function tipOf({ base, due }: DeltaChain): TableMark | undefined {
  return due.at(-1)?.delta.to ?? base;
}

/** What a delta leads from and to, and how long its message is. */
export interface DeltaOutline {
  readonly from: TableMark;
  readonly to: TableMark;
  readonly bytes: number;
}

/**
 * `known`: it would lead to where the table is already, or has been, or it is here. `no_room`: it is
 * for later, and nearer ones take all the room.
 */
export type DeltaVerdict = "due" | "ahead" | "known" | "no_room" | typeof numberTaken;

/** Told by its marks alone, so that what is of no use need not be read. */
export function judgeDelta(chain: DeltaChain, { from, to, bytes }: DeltaOutline): DeltaVerdict {
  const tip = tipOf(chain);
  if (tip !== undefined && !isNewer(to, tip)) return "known";
  if (chain.ahead.some(({ delta }) => isSameTable(delta.to, to))) return "known";
  if (tip !== undefined && chain.footing !== "refused" && isNextNumber(from, tip)) {
    // The site has made two different tables under one number, and we have the other one.
    return from.tag === tip.tag ? "due" : numberTaken;
  }
  const nearer = chain.ahead.filter(({ delta }) => !isNewer(delta.to, to));
  const isNear =
    nearer.length < deltasAheadMax && totalBytes(nearer) + bytes <= deltasAheadBytesMax;
  return isNear ? "ahead" : "no_room";
}

/** With a delta that is `due` or `ahead`. */
export function admitDelta(
  chain: DeltaChain,
  sized: SizedDelta,
  verdict: "due" | "ahead",
): DeltaChain {
  const loose = [sized, ...chain.ahead];
  return verdict === "due" ? thread(chain, loose) : { ...chain, ahead: nearest(loose) };
}

/** Another table is in force, by deltas of this chain or as a whole. */
export function rebase(chain: DeltaChain, base: TableMark): DeltaChain {
  return thread(emptyChain(base), [...chain.due, ...chain.ahead]);
}

/** The delta after `base` contradicts it. */
export function refuseOnward(chain: DeltaChain, base: TableMark): DeltaChain {
  return { ...rebase(chain, base), footing: "refused", due: [] };
}

/** The deltas after `base` are not to be had. */
export function cutOff(chain: DeltaChain): DeltaChain {
  return chain.footing === "sound" ? { ...chain, footing: "cut_off" } : chain;
}

/** They are to be had after all; what is ahead of them may be of a branch that nobody has any more. */
export function hopeAgain(chain: DeltaChain): DeltaChain {
  return chain.footing === "cut_off" ? { ...chain, footing: "sound", ahead: [] } : chain;
}

function isNextNumber(from: TableMark, tip: TableMark): boolean {
  return from.epoch === tip.epoch && from.version === tip.version;
}

/** Moves to `due` what follows its end; what has nowhere to follow any more is dropped. */
function thread(chain: DeltaChain, loose: readonly SizedDelta[]): DeltaChain {
  const due = [...chain.due];
  let tip = tipOf(chain);
  const ahead: SizedDelta[] = [];
  let bytes = totalBytes(due);
  for (const sized of [...loose].sort(byNumber)) {
    const { from, to } = sized.delta;
    if (tip !== undefined && !isNewer(to, tip)) continue;
    const fits = due.length < deltasDueMax && bytes + sized.bytes <= deltasDueBytesMax;
    if (tip !== undefined && fits && isSameTable(from, tip)) {
      due.push(sized);
      bytes += sized.bytes;
      tip = to;
    } else if (tip === undefined || !isNextNumber(from, tip)) ahead.push(sized);
  }
  return { ...chain, due, ahead: nearest(ahead) };
}

/** As many as are kept, those first that will be of use first. */
function nearest(ahead: readonly SizedDelta[]): readonly SizedDelta[] {
  const kept: SizedDelta[] = [];
  let bytes = 0;
  for (const sized of [...ahead].sort(byNumber)) {
    bytes += sized.bytes;
    if (kept.length === deltasAheadMax || bytes > deltasAheadBytesMax) break;
    kept.push(sized);
  }
  return kept;
}

function byNumber({ delta: { to: a } }: SizedDelta, { delta: { to: b } }: SizedDelta): number {
  return a.epoch === b.epoch ? a.version - b.version : a.epoch - b.epoch;
}

function totalBytes(deltas: readonly SizedDelta[]): number {
  return deltas.reduce((sum, { bytes }) => sum + bytes, 0);
}
