import type { TableDelta, TableMark } from "../../domain/table-change.ts";
import { isNewer, isSameTable } from "./table-order.ts";

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

/** The deltas that are here and not yet in force. */
export interface DeltaChain {
  /** The table in force; undefined before the first. */
  readonly base: TableMark | undefined;
  /**
   * The table in force refused the delta that follows it: whatever leads on from there is of no use
   * until another table is in force.
   */
  readonly isHalted: boolean;
  /** They lead on from `base`, each from what the one before it makes. */
  readonly due: readonly SizedDelta[];
  /** Something that leads up to them is missing. By number. */
  readonly ahead: readonly SizedDelta[];
}

export function emptyChain(base: TableMark | undefined): DeltaChain {
  return { base, isHalted: false, due: [], ahead: [] };
}

/** The table that will be in force when everything due is. */
export function tipOf({ base, due }: DeltaChain): TableMark | undefined {
  return due.at(-1)?.delta.to ?? base;
}

/** `known`: it would lead to where the table is already, or has been. */
export type DeltaVerdict = "due" | "ahead" | "known" | "number_taken";

export interface Admission {
  readonly chain: DeltaChain;
  readonly verdict: DeltaVerdict;
}

export function admitDelta(chain: DeltaChain, sized: SizedDelta): Admission {
  const { from, to } = sized.delta;
  const tip = tipOf(chain);
  const isHere = (other: SizedDelta) => isSameTable(other.delta.to, to);
  if (tip !== undefined && !isNewer(to, tip)) return { chain, verdict: "known" };
  if (chain.ahead.some(isHere)) return { chain, verdict: "known" };
  if (tip !== undefined && !chain.isHalted && isNextNumber(from, tip)) {
    // The site has made two different tables under one number, and we have the other one.
    if (from.tag !== tip.tag) return { chain, verdict: "number_taken" };
    return { chain: thread(chain, [sized, ...chain.ahead]), verdict: "due" };
  }
  return { chain: { ...chain, ahead: nearest([sized, ...chain.ahead]) }, verdict: "ahead" };
}

/** Another table is in force, by deltas of this chain or as a whole. */
export function rebase(chain: DeltaChain, base: TableMark): DeltaChain {
  return thread(emptyChain(base), [...chain.due, ...chain.ahead]);
}

/** The delta after `base` contradicts it. */
export function halt(chain: DeltaChain, base: TableMark): DeltaChain {
  return { base, isHalted: true, due: [], ahead: chain.ahead };
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
