import type { EpochMs } from "../domain/time.ts";
import { clockErrorMsMax } from "./clock-error.ts";
import type { ClockReading, ClockState, ClockStep } from "./clock-trust.ts";

/**
 * A clock chip tells whole seconds, was set to the nearest one, and is read while the next begins: less
 * than this is no difference.
 */
const chipErrorMs = 2_000;

/** Each write is some milliseconds in which the event loop does nothing else. */
const chipSetEveryMs = 3_600_000;

/** What a chip says, beside what is known. */
export interface ChipWord {
  /** Undefined for one that lost its time, or does not answer. */
  readonly chipAt: EpochMs | undefined;
  /** How far time had come, less monotonic time; -Infinity where that is not known. */
  readonly leastMs: number;
  /** What is shown without the chip. */
  readonly shownAt: EpochMs;
}

/**
 * A chip that has kept its time vouches for it as a time source would that was heard when it was set: what
 * it says is in holdover, and renews it. Not where it is far from a time that was vouched for, or far
 * behind how far time had come: then it is the chip that is wrong.
 */
export function chipTaken(state: ClockState, word: ChipWord, now: ClockReading): ClockState {
  const { chipAt, leastMs, shownAt } = word;
  if (chipAt === undefined || state.rule !== "ntp") return state;
  const chipMs = chipAt - now.monotonic;
  if (leastMs - chipMs > clockErrorMsMax) return state;
  const renewed: ClockState = { ...state, vouchedAt: now.monotonic };
  if (state.vouchedAt !== undefined) {
    const offMs = Math.abs(chipAt - shownAt);
    if (offMs > clockErrorMsMax) return state;
    if (offMs <= chipErrorMs) return renewed;
    return { ...renewed, shown: { kind: "held", offsetMs: chipMs } };
  }
  // A chip a little behind is believed, and time stands where it had come to.
  const offsetMs = Math.max(chipMs, leastMs);
  const isMachines = Math.abs(offsetMs - state.machineMs) <= chipErrorMs;
  return { ...renewed, shown: isMachines ? { kind: "machine" } : { kind: "held", offsetMs } };
}

/** A time source vouches for what is shown: the chip is to have it, where it was not set lately. */
export function chipSet(state: ClockState, now: ClockReading): ClockStep {
  const { chip } = state;
  const isDue = chip !== undefined && now.monotonic - (chip.setAt ?? -Infinity) >= chipSetEveryMs;
  if (!isDue) return { state, effects: [] };
  return { state: { ...state, chip: { setAt: now.monotonic } }, effects: [{ kind: "set_chip" }] };
}
