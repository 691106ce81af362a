import type { PassId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Presented } from "./presented.ts";

export interface CompanySettings {
  /** How long somebody waits for the other, and how long an escort's grant lets visitors follow. */
  readonly companyMs: number;
}

/** Somebody whom the door would admit together with another. */
export interface WaitingPerson {
  readonly need: "second_person" | "escort";
  readonly presented: Presented;
  readonly pass: PassId;
  readonly user: UserId;
}

/** At one reader: who waits for company, and until when an escort who was granted counts as there. */
export interface CompanyState {
  readonly waiting: { readonly person: WaitingPerson; readonly until: MonotonicMs } | undefined;
  readonly escortedUntil: MonotonicMs | undefined;
}

export type CompanyInput =
  /** The decision on `person` was to wait. */
  | { readonly kind: "required"; readonly person: WaitingPerson }
  /** Somebody was granted here; `along`: who waited was granted with him. */
  | { readonly kind: "granted"; readonly escorts: boolean; readonly along: boolean }
  /** Who waited is to be let in with another: he is nobody else's company any more. */
  | { readonly kind: "taken_along" }
  | { readonly kind: "deadline_reached" };

export type CompanyEffect =
  | {
      readonly kind: "deny";
      readonly reason: Extract<
        DenialReason,
        "second_person_timeout" | "escort_timeout" | "not_an_escort"
      >;
      readonly pass: PassId;
      readonly user: UserId;
    }
  | { readonly kind: "prompt_company" };

export interface CompanyStep {
  readonly state: CompanyState;
  readonly effects: readonly CompanyEffect[];
}

export const initialCompany: CompanyState = { waiting: undefined, escortedUntil: undefined };

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function companyDeadline(state: CompanyState): MonotonicMs | undefined {
  return state.waiting?.until;
}

/** What the next presentation at this reader has to reckon with. */
export function companyAt(
  state: CompanyState,
  now: MonotonicMs,
): { readonly waiting?: Presented; readonly isEscorted: boolean } {
  const isEscorted = state.escortedUntil !== undefined && now < state.escortedUntil;
  if (state.waiting === undefined || now >= state.waiting.until) return { isEscorted };
  return { waiting: state.waiting.person.presented, isEscorted };
}

/**
 * Pure: same arguments, same step. One person waits at a time; whoever is denied meanwhile changes
 * nothing, and a wait that ends without company ends in one denial of who waited.
 */
export function stepCompany(
  settings: CompanySettings,
  state: CompanyState,
  input: CompanyInput,
  now: MonotonicMs,
): CompanyStep {
  const { waiting } = state;
  if (waiting !== undefined && now >= waiting.until) {
    const { person } = waiting;
    const rest = stepCompany(settings, { ...state, waiting: undefined }, input, now);
    return { state: rest.state, effects: [deny(person, timeoutOf(person)), ...rest.effects] };
  }
  switch (input.kind) {
    case "required":
      return {
        state: { ...state, waiting: { person: input.person, until: after(settings, now) } },
        effects: [...givenUpFor(waiting?.person, input.person), { kind: "prompt_company" }],
      };
    case "granted": {
      const escortedUntil = input.escorts ? after(settings, now) : state.escortedUntil;
      // Who goes in alone past somebody who may not is no company to him.
      const isLeft = waiting !== undefined && !input.along;
      return {
        state: { waiting: undefined, escortedUntil },
        effects: isLeft ? [deny(waiting.person, leftReason(waiting.person))] : [],
      };
    }
    case "taken_along":
      return { state: { ...state, waiting: undefined }, effects: [] };
    case "deadline_reached":
      return { state, effects: [] };
    default:
      return unreachable(input);
  }
}

function after({ companyMs }: CompanySettings, now: MonotonicMs): MonotonicMs {
  return monotonicMs(now + companyMs);
}

/** The same person once more is impatience; another one takes the place of who waited. */
function givenUpFor(
  before: WaitingPerson | undefined,
  person: WaitingPerson,
): readonly CompanyEffect[] {
  if (before === undefined || before.user === person.user) return [];
  return [deny(before, leftReason(before))];
}

function leftReason({ need }: WaitingPerson): "second_person_timeout" | "not_an_escort" {
  return need === "escort" ? "not_an_escort" : "second_person_timeout";
}

function timeoutOf({ need }: WaitingPerson): "second_person_timeout" | "escort_timeout" {
  return need === "escort" ? "escort_timeout" : "second_person_timeout";
}

function deny(
  { pass, user }: WaitingPerson,
  reason: Extract<CompanyEffect, { readonly kind: "deny" }>["reason"],
): CompanyEffect {
  return { kind: "deny", reason, pass, user };
}
