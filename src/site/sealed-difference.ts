import type { TableChange, TableMark } from "../domain/table-change.ts";
import type { EpochMs } from "../domain/time.ts";
import { packChange } from "../protocols/sync/packed-change.ts";
import type { SiteSealer } from "../protocols/sync/site-seal.ts";
import { encodeCbor } from "../protocols/sync/strict-cbor.ts";
import {
  deltaBytesMax,
  frameDeltaBytesMax,
  type SealedDelta,
  sealTableDelta,
} from "../protocols/sync/table-delta.ts";
import { changesOf, frameChange, giftsOf, revocationsOf } from "./revocations-first.ts";
import type { TableDifference } from "./table-difference.ts";

/** How a controller comes from its table to the next. */
export interface SealedDifference {
  /** Each leads on from what the one before it makes. */
  readonly deltas: readonly (SealedDelta & { readonly from: TableMark })[];
  /** False: they take away what is taken away, and a snapshot brings the rest. */
  readonly isWhole: boolean;
}

export interface DifferenceToSeal {
  readonly from: TableMark;
  readonly compiledAt: EpochMs;
  readonly difference: TableDifference;
  /** How large the next table is as a snapshot, about. Asked where it matters. */
  readonly imageBytes: () => number;
}

/** So much goes as deltas, however small the table is. */
export const differenceBytesMin = 4 * 1_024 * 1_024;
/** Of more than this share of a table, it is cheaper to send the table. */
const imageShare = 0.5;
/** What a message has beside its changes, and some room. */
const messageBytes = 256;

/**
 * As one delta where there is room; as several where not, what takes away before the frame and the
 * frame before what gives, so that nobody has, between two of them, what neither table gives him.
 */
export function sealDifference(
  sealer: SiteSealer,
  { from, compiledAt, difference, imageBytes }: DifferenceToSeal,
): SealedDifference {
  const { pieces, isWhole } = divide(difference, imageBytes);
  const deltas: (SealedDelta & { readonly from: TableMark })[] = [];
  let at = from;
  for (const changes of pieces) {
    const delta = sealTableDelta(sealer, { from: at, compiledAt, changes });
    deltas.push({ ...delta, from: at });
    at = delta.to;
  }
  return { deltas, isWhole };
}

type Piece = readonly TableChange[];

function divide(
  difference: TableDifference,
  imageBytes: () => number,
): { readonly pieces: readonly Piece[]; readonly isWhole: boolean } {
  const all = changesOf(difference);
  if (hasRoom(all)) return { pieces: [all], isWhole: true };
  const frame = frameChange(difference);
  const taken = new Division(revocationsOf(difference));
  const rest = new Division(giftsOf(difference));
  const frameBytes = bytesOf(frame);
  const isFrameSent = frameBytes <= frameDeltaBytesMax - messageBytes;
  const framePieces = frame.length > 0 && isFrameSent ? [frame] : [];
  const bytes = taken.bytes + frameBytes + rest.bytes;
  const bytesMax = Math.max(
    differenceBytesMin,
    bytes > differenceBytesMin ? imageBytes() * imageShare : 0,
  );
  if (isFrameSent && bytes <= bytesMax) {
    return { pieces: [...taken.pieces, ...framePieces, ...rest.pieces], isWhole: true };
  }
  // By the new frame, who has lost nothing yet could have what no table gives him.
  const isAllTaken = taken.bytes + frameBytes <= bytesMax;
  const pieces = isAllTaken ? [...taken.pieces, ...framePieces] : taken.within(bytesMax);
  return { pieces, isWhole: false };
}

function hasRoom(changes: Piece): boolean {
  const [first, ...others] = changes;
  const people = first?.kind === "frame" ? others : changes;
  let bytes = messageBytes;
  for (const change of people) {
    bytes += bytesOf([change]);
    if (bytes > deltaBytesMax) return false;
  }
  return people === changes || bytes + bytesOf(changes.slice(0, 1)) <= frameDeltaBytesMax;
}

/** Changes in their order, as many to a piece as a delta without a frame has room for. */
class Division {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly #sizes: readonly number[];

  constructor(changes: Piece) {
    const pieces: TableChange[][] = [];
    const sizes: number[] = [];
    let bytes = 0;
    let room = 0;
    for (const change of changes) {
      const size = bytesOf([change]);
      if (size > room) {
        pieces.push([]);
        sizes.push(0);
        room = deltaBytesMax - messageBytes;
      }
      pieces.at(-1)?.push(change);
      sizes[sizes.length - 1] = (sizes.at(-1) ?? 0) + size;
      room -= size;
      bytes += size;
    }
    this.pieces = pieces;
    this.bytes = bytes;
    this.#sizes = sizes;
  }

  /** The first of them. */
  within(bytesMax: number): readonly Piece[] {
    let left = bytesMax;
    const end = this.#sizes.findIndex((size) => {
      left -= size;
      return left < 0;
    });
    return end === -1 ? this.pieces : this.pieces.slice(0, end);
  }
}

function bytesOf(changes: Piece): number {
  let bytes = 0;
  for (const change of changes) bytes += encodeCbor(packChange(change)).length;
  return bytes;
}
