import { pinDigitsMax, pinDigitsMin } from "../domain/credential.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";

/** How long after a key the next may come; keypads in the field allow 5 to 10 seconds. */
export const interDigitMs = 7_000;

export type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";

export type KeypadEntryState =
  | { readonly kind: "idle" }
  /** The only place that holds the digits of a PIN; it must not be logged. */
  | {
      readonly kind: "collecting";
      readonly digits: string;
      readonly beganAt: MonotonicMs;
      readonly until: MonotonicMs;
    }
  /** Too many digits came; what follows is swallowed up to `#`, `*` or a pause. */
  | { readonly kind: "swallowing"; readonly until: MonotonicMs };

export type KeypadEntryInput =
  | { readonly kind: "key"; readonly key: Digit | "*" | "#" }
  /** From a keypad that sends the PIN in one frame. Digits only. */
  | { readonly kind: "whole_pin"; readonly digits: string }
  | { readonly kind: "deadline_reached" };

export type KeypadEntryEffect =
  /** To be digested at once and forgotten. `beganAt` is the first key. */
  | { readonly kind: "entered"; readonly digits: string; readonly beganAt: MonotonicMs }
  | { readonly kind: "cleared"; readonly by: "key" | "timeout" | "whole_pin" }
  | { readonly kind: "rejected"; readonly fault: "too_short" | "too_long" };

export interface KeypadEntryStep {
  readonly state: KeypadEntryState;
  readonly effects: readonly KeypadEntryEffect[];
}

export const initialKeypadEntry: KeypadEntryState = { kind: "idle" };

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function keypadEntryDeadline(state: KeypadEntryState): MonotonicMs | undefined {
  return state.kind === "idle" ? undefined : state.until;
}

/**
 * Keys to PINs: `*` clears, `#` enters, a pause of `interDigitMs` clears. Pure: same arguments, same
 * step. `#` or `*` with nothing before it does nothing. An entry that is rejected is never partly
 * used: ten digits are not a nine-digit PIN with a slip at the end.
 */
export function stepKeypadEntry(
  state: KeypadEntryState,
  input: KeypadEntryInput,
  now: MonotonicMs,
): KeypadEntryStep {
  if (state.kind !== "idle" && now >= state.until) {
    // A key that overtakes the timer begins a new entry, as if the timer had been on time.
    const rest = stepKeypadEntry(initialKeypadEntry, input, now);
    const cleared =
      state.kind === "collecting" ? ([{ kind: "cleared", by: "timeout" }] as const) : [];
    return { state: rest.state, effects: [...cleared, ...rest.effects] };
  }
  switch (input.kind) {
    case "key":
      return pressKey(state, input.key, now);
    case "whole_pin": {
      const effect = entryOf(input.digits, now);
      const cleared =
        state.kind === "collecting" ? ([{ kind: "cleared", by: "whole_pin" }] as const) : [];
      return { state: initialKeypadEntry, effects: [...cleared, effect] };
    }
    case "deadline_reached":
      return { state, effects: [] };
    default:
      return unreachable(input);
  }
}

function pressKey(
  state: KeypadEntryState,
  key: Digit | "*" | "#",
  now: MonotonicMs,
): KeypadEntryStep {
  if (key === "*" || key === "#") {
    if (state.kind !== "collecting") return { state: initialKeypadEntry, effects: [] };
    const effect: KeypadEntryEffect =
      key === "#" ? entryOf(state.digits, state.beganAt) : { kind: "cleared", by: "key" };
    return { state: initialKeypadEntry, effects: [effect] };
  }
  const until = monotonicMs(now + interDigitMs);
  if (state.kind === "swallowing") return { state: { kind: "swallowing", until }, effects: [] };
  const digits = state.kind === "collecting" ? state.digits + key : key;
  if (digits.length > pinDigitsMax) {
    return {
      state: { kind: "swallowing", until },
      effects: [{ kind: "rejected", fault: "too_long" }],
    };
  }
  const beganAt = state.kind === "collecting" ? state.beganAt : now;
  return { state: { kind: "collecting", digits, beganAt, until }, effects: [] };
}

function entryOf(digits: string, beganAt: MonotonicMs): KeypadEntryEffect {
  if (digits.length < pinDigitsMin) return { kind: "rejected", fault: "too_short" };
  if (digits.length > pinDigitsMax) return { kind: "rejected", fault: "too_long" };
  return { kind: "entered", digits, beganAt };
}
