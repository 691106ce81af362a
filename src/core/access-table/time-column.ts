import { type EpochMs, epochMs } from "../../domain/time.ts";

const none = 0xffff_ffff;
const compactUnitsMs = [60_000, 1_000] as const;

/**
 * Instants that may be absent, by number. Sites give validity to the minute or the second, so an
 * instant takes 4 bytes; in a column with a finer one it takes 8, and in a column of none nothing.
 */
export class TimeColumn {
  private readonly times: Uint32Array | Float64Array;
  /** What one step in `times` is worth; 0 while nothing is in it. */
  private readonly unitMs: number;
  private readonly absent: EpochMs;

  /** `absent` is what `at` says where there is no instant: minus or plus infinity. */
  constructor(count: number, timeAt: (number: number) => EpochMs | undefined, absent: number) {
    this.absent = epochMs(absent);
    this.unitMs = coarsestUnit(count, timeAt);
    if (this.unitMs === 0) {
      this.times = new Uint32Array(0);
    } else if (this.unitMs === 1) {
      this.times = new Float64Array(count);
      for (let number = 0; number < count; number += 1) {
        this.times[number] = timeAt(number) ?? absent;
      }
    } else {
      this.times = new Uint32Array(count);
      for (let number = 0; number < count; number += 1) {
        const time = timeAt(number);
        this.times[number] = time === undefined ? none : time / this.unitMs;
      }
    }
  }

  at(number: number): EpochMs {
    const time = this.times[number] ?? none;
    if (this.unitMs === 1) return epochMs(time);
    return time === none ? this.absent : epochMs(time * this.unitMs);
  }
}

/** 0 where there are no instants at all, 1 where no coarser unit keeps each of them exact. */
function coarsestUnit(count: number, timeAt: (number: number) => EpochMs | undefined): number {
  let isEmpty = true;
  let candidates: readonly number[] = compactUnitsMs;
  for (let number = 0; number < count && candidates.length > 0; number += 1) {
    const time = timeAt(number);
    if (time === undefined) continue;
    isEmpty = false;
    if (!candidates.every((unitMs) => fits(time, unitMs))) {
      candidates = candidates.filter((unitMs) => fits(time, unitMs));
    }
  }
  return isEmpty ? 0 : (candidates[0] ?? 1);
}

function fits(time: EpochMs, unitMs: number): boolean {
  return time >= 0 && time % unitMs === 0 && time / unitMs < none;
}
