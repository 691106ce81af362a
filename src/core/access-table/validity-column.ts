import { type EpochMs, epochMs } from "../../domain/time.ts";

/** Each absent where there is no such limit. */
export interface Validity {
  readonly startsAt?: EpochMs;
  readonly endsAt?: EpochMs;
}

const none = 0xffff_ffff;
const compactUnitsMs = [60_000, 1_000] as const;

/**
 * From when and until when, by number; the two side by side because a decision reads both. Sites give
 * validity to the minute or the second, so a time takes 4 bytes; in a table with a finer one it takes
 * 8, and in one without limits nothing.
 */
export class ValidityColumn {
  private readonly times: Uint32Array | Float64Array;
  /** What one step in `times` is worth; 0 while nothing is in it. */
  private readonly unitMs: number;

  constructor(count: number, validityOf: (number: number) => Validity) {
    this.unitMs = coarsestUnit(count, validityOf);
    const length = this.unitMs === 0 ? 0 : count * 2;
    this.times = this.unitMs === 1 ? new Float64Array(length) : new Uint32Array(length);
    for (let number = 0; number * 2 < length; number += 1) {
      const { startsAt, endsAt } = validityOf(number);
      this.times[number * 2] = this.stepsTo(startsAt, -Infinity);
      this.times[number * 2 + 1] = this.stepsTo(endsAt, Infinity);
    }
  }

  /** Minus infinity for none. */
  startsAt(number: number): EpochMs {
    return this.timeAt(number * 2, -Infinity);
  }

  /** Plus infinity for none. */
  endsAt(number: number): EpochMs {
    return this.timeAt(number * 2 + 1, Infinity);
  }

  private stepsTo(time: EpochMs | undefined, absent: number): number {
    if (this.unitMs === 1) return time ?? absent;
    return time === undefined ? none : time / this.unitMs;
  }

  private timeAt(place: number, absent: number): EpochMs {
    const time = this.times[place] ?? none;
    if (this.unitMs === 1) return epochMs(time);
    return epochMs(time === none ? absent : time * this.unitMs);
  }
}

/** 0 where nothing is limited, 1 where no coarser unit keeps each time exact. */
function coarsestUnit(count: number, validityOf: (number: number) => Validity): number {
  let isEmpty = true;
  let candidates: readonly number[] = compactUnitsMs;
  for (let number = 0; number < count && candidates.length > 0; number += 1) {
    const { startsAt, endsAt } = validityOf(number);
    if (startsAt === undefined && endsAt === undefined) continue;
    isEmpty = false;
    const fit = (unitMs: number): boolean => fits(startsAt, unitMs) && fits(endsAt, unitMs);
    if (!candidates.every(fit)) candidates = candidates.filter(fit);
  }
  return isEmpty ? 0 : (candidates[0] ?? 1);
}

function fits(time: EpochMs | undefined, unitMs: number): boolean {
  return time === undefined || (time >= 0 && time % unitMs === 0 && time / unitMs < none);
}
