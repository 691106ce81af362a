import { type PassKind, type PassRecord, type PassTrait, passTraits } from "../../domain/access.ts";
import { type EpochMs, epochMs } from "../../domain/time.ts";

/** `[word][start][end]`, side by side because a decision reads all three. */
const recordWords = 3;

/** How a pass's word is made up: its user's number above, then traits, kind and two flags. */
const activeFlag = 1;
/** It has a use count, which stands elsewhere: most have none. */
const limitedFlag = 2;
const kindShift = 2;
const kindMask = 3;
const traitShift = 4;
const userShift = traitShift + passTraits.length;
const passKinds = ["mobile", "nfc_card", "csn_card", "pin"] as const satisfies readonly PassKind[];
const traitFlags: Readonly<Record<PassTrait, number>> = {
  pass_through: 1 << traitShift,
  toggle: 2 << traitShift,
  duress: 4 << traitShift,
};
/** So that a user's number fits into what the word leaves it. */
export const usersMax = 2 ** (32 - userShift);

const none = 0xffff_ffff;
const compactUnitsMs = [60_000, 1_000] as const;

/**
 * What each pass says of itself, by number: 12 bytes, since sites give validity to the minute or the
 * second. Where one gives it finer, all times of that table are kept again as doubles.
 */
export class PassRecords {
  private readonly words: Uint32Array;
  /** What one step of a start or end is worth. */
  private readonly unitMs: number;
  private readonly fineTimes: Float64Array;

  constructor(
    count: number,
    passOf: (number: number) => PassRecord,
    userOf: (pass: PassRecord) => number,
  ) {
    this.unitMs = coarsestUnit(count, passOf);
    this.words = new Uint32Array(count * recordWords);
    this.fineTimes = new Float64Array(this.unitMs === 1 ? count * 2 : 0);
    for (let number = 0; number < count; number += 1) {
      const pass = passOf(number);
      this.words[number * recordWords] =
        (pass.active ? activeFlag : 0) |
        (pass.usesMax === undefined ? 0 : limitedFlag) |
        (passKinds.indexOf(pass.kind) << kindShift) |
        (pass.traits ?? []).reduce((flags, trait) => flags | traitFlags[trait], 0) |
        (userOf(pass) << userShift);
      if (this.unitMs === 1) {
        this.fineTimes[number * 2] = pass.startsAt ?? -Infinity;
        this.fineTimes[number * 2 + 1] = pass.endsAt ?? Infinity;
      } else {
        this.words[number * recordWords + 1] = this.stepsTo(pass.startsAt);
        this.words[number * recordWords + 2] = this.stepsTo(pass.endsAt);
      }
    }
  }

  user(number: number): number {
    return (this.words[number * recordWords] ?? 0) >>> userShift;
  }

  isActive(number: number): boolean {
    return ((this.words[number * recordWords] ?? 0) & activeFlag) !== 0;
  }

  hasUseCount(number: number): boolean {
    return ((this.words[number * recordWords] ?? limitedFlag) & limitedFlag) !== 0;
  }

  hasTrait(number: number, trait: PassTrait): boolean {
    return ((this.words[number * recordWords] ?? 0) & traitFlags[trait]) !== 0;
  }

  kind(number: number): PassKind {
    return passKinds[((this.words[number * recordWords] ?? 0) >>> kindShift) & kindMask] ?? "pin";
  }

  /** Minus infinity for none. */
  startsAt(number: number): EpochMs {
    if (this.unitMs === 1) return epochMs(this.fineTimes[number * 2] ?? Infinity);
    const steps = this.words[number * recordWords + 1] ?? none;
    return epochMs(steps === none ? -Infinity : steps * this.unitMs);
  }

  /** Plus infinity for none. */
  endsAt(number: number): EpochMs {
    if (this.unitMs === 1) return epochMs(this.fineTimes[number * 2 + 1] ?? -Infinity);
    const steps = this.words[number * recordWords + 2] ?? 0;
    return epochMs(steps === none ? Infinity : steps * this.unitMs);
  }

  private stepsTo(time: EpochMs | undefined): number {
    return time === undefined ? none : time / this.unitMs;
  }
}

/** 1 where no coarser unit keeps each time exact. */
function coarsestUnit(count: number, passOf: (number: number) => PassRecord): number {
  let candidates: readonly number[] = compactUnitsMs;
  for (let number = 0; number < count && candidates.length > 0; number += 1) {
    const { startsAt, endsAt } = passOf(number);
    const fit = (unitMs: number): boolean => fits(startsAt, unitMs) && fits(endsAt, unitMs);
    if (!candidates.every(fit)) candidates = candidates.filter(fit);
  }
  return candidates[0] ?? 1;
}

function fits(time: EpochMs | undefined, unitMs: number): boolean {
  return time === undefined || (time >= 0 && time % unitMs === 0 && time / unitMs < none);
}
