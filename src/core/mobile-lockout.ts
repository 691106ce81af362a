import { type MonotonicMs, monotonicMs } from "../domain/time.ts";

/** So many failures within `failureWindowMs` pause one address, for `addressPauseMs`. */
export const addressFailuresMax = 5;
/** And so many refusals, whoever they came from, pause the reader's radio for phones. */
export const readerFailuresMax = 30;
export const failureWindowMs = 60_000;
export const addressPauseMs = 30_000;
export const firstReaderPauseMs = 10_000;
export const readerPauseMsMax = 160_000;
/** A reader that was not paused for this long starts again at `firstReaderPauseMs`. */
export const readerPauseForgottenMs = 600_000;
/** Addresses that are paused at a time; beyond it the one that was paused first is let go. */
export const pausedAddressesMax = 16;

/** One that still counts; without an address where that one was paused for it. */
interface CountedFailure extends Pick<MobileFailure, "kind"> {
  readonly address: string | undefined;
  readonly at: MonotonicMs;
}

/**
 * Of one reader. Nobody guesses a phone's key, however often he tries: this is for the radio, which
 * serves one phone at a time, and for the journal, which has a line for each stranger. A phone chooses
 * its address itself: the pause of one is for bad radios, and against malice there is the reader's.
 */
export interface MobileLockoutState {
  /** Oldest first: refusals and silences, fewer than `readerFailuresMax` and so many at most. */
  readonly failures: readonly CountedFailure[];
  readonly pausedAddresses: readonly { readonly address: string; readonly until: MonotonicMs }[];
  readonly readerPause: { readonly pauseMs: number; readonly until: MonotonicMs } | undefined;
}

export interface MobileFailure {
  /** As the phone calls itself on the air. */
  readonly address: string;
  /**
   * `refused`: it said what no honest phone says, or is nobody's. `silent`: it said too little in its
   * time, as one does whose radio is bad: that keeps nobody else out.
   */
  readonly kind: "refused" | "silent";
}

export type MobileLockoutEffect =
  | { readonly kind: "address_paused"; readonly pauseMs: number }
  | { readonly kind: "reader_paused"; readonly pauseMs: number };

export interface MobileLockoutStep {
  readonly state: MobileLockoutState;
  readonly effects: readonly MobileLockoutEffect[];
}

export const initialMobileLockout: MobileLockoutState = {
  failures: [],
  pausedAddresses: [],
  readerPause: undefined,
};

/** Until when this phone, or every phone, is turned away; undefined where it is not. */
export function mobilePausedUntil(
  { pausedAddresses, readerPause }: MobileLockoutState,
  address: string,
  now: MonotonicMs,
): MonotonicMs | undefined {
  if (readerPause !== undefined && now < readerPause.until) return readerPause.until;
  const own = pausedAddresses.find((paused) => paused.address === address);
  return own !== undefined && now < own.until ? own.until : undefined;
}

/**
 * To be fed each failure, the machine's one input. Pure: same arguments, same step. It waits for nothing,
 * so it has no deadline: a pause is over when the clock says so.
 */
export function countMobileFailure(
  state: MobileLockoutState,
  failure: MobileFailure,
  now: MonotonicMs,
): MobileLockoutStep {
  const failures = bounded([
    ...state.failures.filter(({ at }) => now - at < failureWindowMs),
    { ...failure, at: now },
  ]);
  const refusalCount = failures.filter(({ kind }) => kind === "refused").length;
  if (refusalCount >= readerFailuresMax) {
    const pauseMs = nextPauseMs(state.readerPause, now);
    return {
      state: {
        failures: [],
        pausedAddresses: [],
        readerPause: { pauseMs, until: monotonicMs(now + pauseMs) },
      },
      effects: [{ kind: "reader_paused", pauseMs }],
    };
  }
  const { address } = failure;
  if (failures.filter((one) => one.address === address).length < addressFailuresMax) {
    return { state: { ...state, failures }, effects: [] };
  }
  const others = state.pausedAddresses.filter((one) => one.address !== address && now < one.until);
  const paused = { address, until: monotonicMs(now + addressPauseMs) };
  return {
    state: {
      // For the reader, they go on counting.
      failures: failures.map((one) =>
        one.address === address ? { ...one, address: undefined } : one,
      ),
      pausedAddresses: [...others, paused].slice(-pausedAddressesMax),
      readerPause: state.readerPause,
    },
    effects: [{ kind: "address_paused", pauseMs: addressPauseMs }],
  };
}

/** Nothing else bounds silences: of those the newest are kept. */
function bounded(failures: readonly CountedFailure[]): readonly CountedFailure[] {
  const silences = failures.filter(({ kind }) => kind === "silent");
  const dropped = new Set(silences.slice(0, -readerFailuresMax));
  return dropped.size === 0 ? failures : failures.filter((one) => !dropped.has(one));
}

function nextPauseMs(last: MobileLockoutState["readerPause"], now: MonotonicMs): number {
  if (last === undefined || now - last.until >= readerPauseForgottenMs) return firstReaderPauseMs;
  return Math.min(last.pauseMs * 2, readerPauseMsMax);
}
