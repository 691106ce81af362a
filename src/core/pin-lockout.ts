import type { DoorEvent } from "../domain/event.ts";
import type { PassId, ReaderId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { Presented } from "./presented.ts";

/** This many wrong PINs within `wrongPinWindowMs` pause the keypad (behaviour 26). */
export const wrongPinsMax = 5;
export const wrongPinWindowMs = 120_000;
export const firstPauseMs = 60_000;
export const pauseMsMax = 900_000;
/** A keypad that was not paused for this long starts again at `firstPauseMs`. */
export const pauseForgottenMs = 3_600_000;

/**
 * Of one keypad, whoever uses it. A right PIN resets nothing: else anybody who has a PIN could try
 * four of other people's, enter his own, and go on for ever. Only time forgives.
 */
export type PinLockoutState =
  | {
      readonly kind: "open";
      /** Wrong PINs since the last pause that still count, oldest first; under `wrongPinsMax`. */
      readonly wrongAt: readonly MonotonicMs[];
      readonly lastPause: { readonly pauseMs: number; readonly until: MonotonicMs } | undefined;
    }
  | { readonly kind: "paused"; readonly pauseMs: number; readonly until: MonotonicMs };

export type PinLockoutEffect = {
  readonly kind: "event";
  readonly event: Extract<DoorEvent, { readonly kind: "pin_lockout" }>;
};

export interface PinLockoutStep {
  readonly state: PinLockoutState;
  readonly effects: readonly PinLockoutEffect[];
}

export const initialPinLockout: PinLockoutState = {
  kind: "open",
  wrongAt: [],
  lastPause: undefined,
};

/**
 * To be asked before a PIN is checked, alone or after a card: while this holds it is refused with
 * `pin_locked_out` unchecked. Cards without a PIN are none of its business.
 */
export function isPinLockedOut(state: PinLockoutState, now: MonotonicMs): boolean {
  return state.kind === "paused" && now < state.until;
}

/**
 * Whether the PIN itself was wrong, rather than its user's access. One that is nobody's is, whatever
 * reason the door gave: a lockdown tells nobody which PINs are known, and were they not counted, one
 * could be tried after another until a pass-through PIN is met.
 */
export function isWrongPin(
  presented: Presented,
  { reason, pass }: { readonly reason: DenialReason; readonly pass?: PassId },
): boolean {
  if (presented.card === undefined) return pass === undefined && reason !== "no_table";
  return reason === "wrong_pin" || reason === "pin_of_another_user";
}

/**
 * To be fed each wrong PIN, the machine's one input. Pure: same arguments, same step. It waits for
 * nothing, so it has no deadline: a pause is over when the clock says so. A wrong PIN during a pause
 * was not checked and does not count.
 */
export function countWrongPin(
  reader: ReaderId,
  state: PinLockoutState,
  now: MonotonicMs,
): PinLockoutStep {
  if (isPinLockedOut(state, now)) return { state, effects: [] };
  const open = state.kind === "open" ? state : { wrongAt: [], lastPause: state };
  const wrongAt = [...open.wrongAt.filter((at) => now - at < wrongPinWindowMs), now];
  if (wrongAt.length < wrongPinsMax) {
    const { lastPause } = open;
    return { state: { kind: "open", wrongAt, lastPause }, effects: [] };
  }
  const pauseMs = nextPauseMs(open.lastPause, now);
  return {
    state: { kind: "paused", pauseMs, until: monotonicMs(now + pauseMs) },
    effects: [{ kind: "event", event: { kind: "pin_lockout", reader, pauseMs } }],
  };
}

function nextPauseMs(
  last: { readonly pauseMs: number; readonly until: MonotonicMs } | undefined,
  now: MonotonicMs,
): number {
  if (last === undefined || now - last.until >= pauseForgottenMs) return firstPauseMs;
  return Math.min(last.pauseMs * 2, pauseMsMax);
}
