import type { TableChange, TableMark } from "../domain/table-change.ts";
import type { EpochMs } from "../domain/time.ts";
import type { SiteSealer } from "../protocols/sync/site-seal.ts";
import { deltaBytesMax, type SealedDelta, sealTableDelta } from "../protocols/sync/table-delta.ts";
import { changesOf, frameChange, revocationsOf } from "./revocations-first.ts";
import type { TableDifference } from "./table-difference.ts";

/** How a controller comes from its table to the next: by a delta, or not by deltas alone. */
export type SealedDifference =
  | { readonly kind: "delta"; readonly delta: SealedDelta }
  /** Too much for a delta: what is taken away goes ahead as one, the rest with a snapshot. */
  | { readonly kind: "snapshot"; readonly revocations: SealedDelta | undefined };

export interface DifferenceToSeal {
  readonly from: TableMark;
  readonly compiledAt: EpochMs;
  readonly difference: TableDifference;
}

/** No change is shorter on the wire: with more of them, sealing them all to see is a waste. */
const changeBytesMin = 8;

export function sealDifference(
  sealer: SiteSealer,
  { difference, ...step }: DifferenceToSeal,
): SealedDifference {
  const seal = (changes: readonly TableChange[]): SealedDelta | undefined => {
    if (changes.length * changeBytesMin > deltaBytesMax) return undefined;
    const delta = sealTableDelta(sealer, { ...step, changes });
    return delta.message.length > deltaBytesMax ? undefined : delta;
  };
  const whole = seal(changesOf(difference));
  if (whole !== undefined) return { kind: "delta", delta: whole };
  const revocations = revocationsOf(difference);
  const frame = frameChange(difference);
  const withFrame = frame.length === 0 ? undefined : seal([...frame, ...revocations]);
  return { kind: "snapshot", revocations: withFrame ?? sealWhatFits(revocations, seal) };
}

function sealWhatFits(
  revocations: readonly TableChange[],
  seal: (changes: readonly TableChange[]) => SealedDelta | undefined,
): SealedDelta | undefined {
  for (let count = revocations.length; count > 0; count = Math.floor(count / 2)) {
    const delta = seal(revocations.slice(0, count));
    if (delta !== undefined) return delta;
  }
  return undefined;
}
