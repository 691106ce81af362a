import { type PassKind, type PassRecord, type PassTrait, passTraits } from "../../domain/access.ts";
import { type EpochMs, epochMs } from "../../domain/time.ts";

/** `[word][start][end]`, side by side because a decision reads all three. */
export const passRecordWords = 3;

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

  constructor(words: Uint32Array, unitMs: number, fineTimes: Float64Array) {
    this.words = words;
    this.unitMs = unitMs;
    this.fineTimes = fineTimes;
  }

  user(number: number): number {
    return (this.words[number * passRecordWords] ?? 0) >>> userShift;
  }

  isActive(number: number): boolean {
    return ((this.words[number * passRecordWords] ?? 0) & activeFlag) !== 0;
  }

  hasUseCount(number: number): boolean {
    return ((this.words[number * passRecordWords] ?? limitedFlag) & limitedFlag) !== 0;
  }

  hasTrait(number: number, trait: PassTrait): boolean {
    return ((this.words[number * passRecordWords] ?? 0) & traitFlags[trait]) !== 0;
  }

  kind(number: number): PassKind {
    const word = this.words[number * passRecordWords] ?? 0;
    return passKinds[(word >>> kindShift) & kindMask] ?? "pin";
  }

  /** Minus infinity for none. */
  startsAt(number: number): EpochMs {
    if (this.unitMs === 1) return epochMs(this.fineTimes[number * 2] ?? Infinity);
    const steps = this.words[number * passRecordWords + 1] ?? none;
    return epochMs(steps === none ? -Infinity : steps * this.unitMs);
  }

  /** Plus infinity for none. */
  endsAt(number: number): EpochMs {
    if (this.unitMs === 1) return epochMs(this.fineTimes[number * 2 + 1] ?? -Infinity);
    const steps = this.words[number * passRecordWords + 2] ?? 0;
    return epochMs(steps === none ? Infinity : steps * this.unitMs);
  }
}

export interface PassRecordColumns {
  readonly words: Uint32Array;
  readonly unitMs: number;
  readonly fineTimes: Float64Array;
}

/** Writes what `PassRecords` reads, one pass after the other. */
export class PassRecordWriter {
  private readonly words: Uint32Array;
  /** Start and end of each pass, for as long as it is not known what unit they share. */
  private readonly times: Float64Array;
  private units: readonly number[] = compactUnitsMs;
  private count = 0;

  constructor(count: number) {
    this.words = new Uint32Array(count * passRecordWords);
    this.times = new Float64Array(count * 2);
  }

  add(pass: PassRecord, user: number): void {
    const { active, usesMax, kind, traits = [], startsAt, endsAt } = pass;
    this.words[this.count * passRecordWords] =
      (active ? activeFlag : 0) |
      (usesMax === undefined ? 0 : limitedFlag) |
      (passKinds.indexOf(kind) << kindShift) |
      traits.reduce((flags, trait) => flags | traitFlags[trait], 0) |
      (user << userShift);
    this.times[this.count * 2] = startsAt ?? -Infinity;
    this.times[this.count * 2 + 1] = endsAt ?? Infinity;
    this.count += 1;
    if (this.units.length > 0) {
      this.units = unitsThatFit(unitsThatFit(this.units, startsAt), endsAt);
    }
  }

  finish(): PassRecordColumns {
    const { words, times } = this;
    const [unitMs] = this.units;
    if (unitMs === undefined) return { words, unitMs: 1, fineTimes: times };
    for (let number = 0; number < this.count; number += 1) {
      for (const which of [0, 1]) {
        const time = times[number * 2 + which] ?? Infinity;
        words[number * passRecordWords + 1 + which] = Number.isFinite(time) ? time / unitMs : none;
      }
    }
    return { words, unitMs, fineTimes: new Float64Array(0) };
  }
}

/** Of these units those of which the time is a whole number. */
function unitsThatFit(units: readonly number[], time: EpochMs | undefined): readonly number[] {
  if (time === undefined) return units;
  // Nearly always all of them: nothing is allocated for that.
  for (const unitMs of units)
    if (!fits(time, unitMs)) return units.filter((one) => fits(time, one));
  return units;
}

function fits(time: EpochMs, unitMs: number): boolean {
  return time >= 0 && time % unitMs === 0 && time / unitMs < none;
}

/** Whether each record is of a user who is there and of times that are some. */
export function passRecordFault(
  {
    passRecords,
    passFineTimes,
  }: { readonly passRecords: Uint32Array; readonly passFineTimes: Float64Array },
  userCount: number,
): string | undefined {
  for (let at = 0; at < passRecords.length; at += passRecordWords) {
    const pass = at / passRecordWords;
    if ((passRecords[at] ?? 0) >>> userShift >= userCount) return `no user for pass ${pass}`;
    const start = passFineTimes[pass * 2] ?? 0;
    const end = passFineTimes[pass * 2 + 1] ?? 0;
    // A comparison with none comes out as if the pass had begun.
    if (!(start < Infinity && end > -Infinity)) return `odd times of pass ${pass}`;
  }
  return undefined;
}
