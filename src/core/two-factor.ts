import type { PinDigest, RawCredential } from "../domain/credential.ts";
import type { PassId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Presented } from "./presented.ts";

export interface TwoFactorSettings {
  /** How long after `pin_required` the PIN must be complete. */
  readonly secondFactorMs: number;
}

/** A card that was found good and waits for its PIN. */
export interface PendingCard {
  readonly raw: RawCredential;
  readonly pass: PassId;
  readonly user: UserId;
}

export type TwoFactorState =
  | { readonly kind: "idle" }
  | { readonly kind: "awaiting_pin"; readonly pending: PendingCard; readonly until: MonotonicMs }
  /** The card was denied at `at`. A PIN that was begun before that was meant for it, and is late. */
  | { readonly kind: "timed_out"; readonly pending: PendingCard; readonly at: MonotonicMs };

export type TwoFactorInput =
  | { readonly kind: "card"; readonly raw: RawCredential }
  /** A complete PIN. `beganAt` is its first key; of a PIN that comes in one frame, the frame. */
  | { readonly kind: "pin"; readonly digest: PinDigest; readonly beganAt: MonotonicMs }
  /** What `authorize` said of the card that this machine asked about last. */
  | ({ readonly kind: "pin_required" } & PendingCard)
  | { readonly kind: "deadline_reached" };

export type TwoFactorEffect =
  | { readonly kind: "authorize"; readonly presented: Presented }
  | {
      readonly kind: "deny";
      readonly reason: Extract<
        DenialReason,
        "second_factor_timeout" | "same_card_twice" | "card_when_pin_expected"
      >;
      readonly pass: PassId;
      readonly user: UserId;
    }
  | { readonly kind: "prompt_pin" };

export interface TwoFactorStep {
  readonly state: TwoFactorState;
  readonly effects: readonly TwoFactorEffect[];
}

export const initialTwoFactor: TwoFactorState = { kind: "idle" };

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function twoFactorDeadline(state: TwoFactorState): MonotonicMs | undefined {
  return state.kind === "awaiting_pin" ? state.until : undefined;
}

/** Whether the lamps should ask for a PIN. */
export function awaitsPin(state: TwoFactorState): boolean {
  return state.kind === "awaiting_pin";
}

/**
 * The presentations at one reader, in order. Pure: same arguments, same step.
 *
 * A card gets one PIN: right or wrong, the next attempt begins with the card again. The same card
 * while its PIN is awaited is refused but the PIN stays awaited, with the time that was left: a card
 * held to the reader is often read twice. Any other card ends the entry, and the denial names the
 * card that was pending: the other one was never looked up.
 */
export function stepTwoFactor(
  settings: TwoFactorSettings,
  state: TwoFactorState,
  input: TwoFactorInput,
  now: MonotonicMs,
): TwoFactorStep {
  if (state.kind === "awaiting_pin" && now >= state.until) {
    const expired: TwoFactorState = { kind: "timed_out", pending: state.pending, at: state.until };
    const rest = stepTwoFactor(settings, expired, input, now);
    return {
      state: rest.state,
      effects: [deny(state.pending, "second_factor_timeout"), ...rest.effects],
    };
  }
  switch (input.kind) {
    case "card":
      return presentCard(state, input.raw);
    case "pin":
      return presentPin(state, input);
    case "pin_required": {
      const { raw, pass, user } = input;
      const until = monotonicMs(now + settings.secondFactorMs);
      return {
        state: { kind: "awaiting_pin", pending: { raw, pass, user }, until },
        effects: [{ kind: "prompt_pin" }],
      };
    }
    case "deadline_reached":
      return { state, effects: [] };
    default:
      return unreachable(input);
  }
}

function presentCard(state: TwoFactorState, raw: RawCredential): TwoFactorStep {
  if (state.kind !== "awaiting_pin") {
    return { state: initialTwoFactor, effects: [authorize({ card: raw })] };
  }
  if (raw === state.pending.raw) {
    return { state, effects: [deny(state.pending, "same_card_twice")] };
  }
  return { state: initialTwoFactor, effects: [deny(state.pending, "card_when_pin_expected")] };
}

function presentPin(
  state: TwoFactorState,
  pin: { readonly digest: PinDigest; readonly beganAt: MonotonicMs },
): TwoFactorStep {
  const presented = (effect: TwoFactorEffect): TwoFactorStep => ({
    state: initialTwoFactor,
    effects: [effect],
  });
  switch (state.kind) {
    case "idle":
      return presented(authorize({ pin: pin.digest }));
    case "awaiting_pin":
      return presented(authorize({ card: state.pending.raw, pin: pin.digest }));
    case "timed_out":
      // Unchecked, so that a late PIN tells nobody whether it was right.
      return pin.beganAt < state.at
        ? presented(deny(state.pending, "second_factor_timeout"))
        : presented(authorize({ pin: pin.digest }));
    default:
      return unreachable(state);
  }
}

function authorize(presented: Presented): TwoFactorEffect {
  return { kind: "authorize", presented };
}

function deny(
  { pass, user }: PendingCard,
  reason: Extract<TwoFactorEffect, { readonly kind: "deny" }>["reason"],
): TwoFactorEffect {
  return { kind: "deny", reason, pass, user };
}
