import type { RawCredential } from "../domain/credential.ts";
import { earliest } from "../domain/earliest.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";

/**
 * How long after it was taken, or was seen again, a card is the same presentation: readers send one that
 * is left on them again and again, and by then it may open the door.
 */
export const sameCardMs = 2_000;

/** How long a reader keeps what it declined because nobody knows it (behaviour 14). */
export const unknownKeptMs = 900_000;

/** What is to be enrolled. The other kind is judged as ever, and a phone asks for it by itself. */
export type Expects = "card" | "phone";

/** One reader's. It holds raw data, and must not be logged. */
export interface EnrolmentState {
  readonly phase:
    | { readonly kind: "idle" }
    /** The next card is not judged, or the next phone that asks is taken: behaviours 13 and 15. */
    | {
        readonly kind: "listening";
        readonly attempt: string;
        readonly expects: Expects;
        readonly until: MonotonicMs;
      }
    /** It was taken. A card may still lie there, and a phone may not have heard of it. */
    | { readonly kind: "settling"; readonly raw: RawCredential; readonly until: MonotonicMs };
  readonly unknown?: { readonly raw: RawCredential; readonly until: MonotonicMs };
}

export type EnrolmentInput =
  | {
      readonly kind: "begin";
      /** By which the site finds who asked. */
      readonly attempt: string;
      readonly expects: Expects;
      readonly forMs: number;
      readonly isTampered: boolean;
    }
  /** Ends the enrolment of this attempt, and no other. */
  | { readonly kind: "cancel"; readonly attempt: string }
  | { readonly kind: "card"; readonly raw: RawCredential }
  /** A phone asks to be enrolled; one that asks to be let in is none of this. */
  | { readonly kind: "phone"; readonly raw: RawCredential }
  /** Somebody tampers with the reader or the enclosure: what it sends may be anybody's. */
  | { readonly kind: "tampered" }
  /**
   * A card was judged, and nobody knows it. Never a phone: who asks for the last unknown holds a card in
   * his hand, and a radio in the street must not put itself in its place.
   */
  | { readonly kind: "declined_unknown"; readonly raw: RawCredential }
  | { readonly kind: "deadline_reached" };

export type EnrolmentEffect =
  /** The card is nobody's enrolment: it is judged as any other. */
  | { readonly kind: "judge"; readonly raw: RawCredential }
  | { readonly kind: "listen"; readonly attempt: string }
  /** Nothing has changed. */
  | {
      readonly kind: "refuse";
      readonly attempt: string;
      readonly reason: "busy" | "tampered";
    }
  | { readonly kind: "taken"; readonly attempt: string; readonly raw: RawCredential }
  /** Of a phone: it was taken just now and asks again, or nobody asked for phones here. */
  | { readonly kind: "taken_before" | "not_enrolling" }
  | {
      readonly kind: "ended";
      readonly attempt: string;
      readonly outcome: "nothing" | "cancelled" | "tampered";
    };

export interface EnrolmentStep {
  readonly state: EnrolmentState;
  readonly effects: readonly EnrolmentEffect[];
}

const idle = { kind: "idle" } as const;

export const initialEnrolment: EnrolmentState = { phase: idle };

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function enrolmentDeadline({ phase, unknown }: EnrolmentState): MonotonicMs | undefined {
  return earliest(phase.kind === "idle" ? undefined : phase.until, unknown?.until);
}

/** What the reader declined last because nobody knew it; undefined where that was too long ago. */
export function lastUnknown(
  { unknown }: EnrolmentState,
  now: MonotonicMs,
): RawCredential | undefined {
  return unknown !== undefined && now < unknown.until ? unknown.raw : undefined;
}

/**
 * Pure: same arguments, same step. Whatever comes after a deadline, and before the timer that is late,
 * finds things as if the timer had been on time. Each `listen` is followed by one `taken` or `ended`.
 */
export function stepEnrolment(
  state: EnrolmentState,
  input: EnrolmentInput,
  now: MonotonicMs,
): EnrolmentStep {
  const expired = expire(state, now);
  const next = take(expired.state, input, now);
  return { state: next.state, effects: [...expired.effects, ...next.effects] };
}

function expire(state: EnrolmentState, now: MonotonicMs): EnrolmentStep {
  const { phase, unknown } = state;
  const isForgotten = unknown !== undefined && now >= unknown.until;
  const isOver = phase.kind !== "idle" && now >= phase.until;
  if (!isForgotten && !isOver) return { state, effects: [] };
  const effects: readonly EnrolmentEffect[] =
    isOver && phase.kind === "listening"
      ? [{ kind: "ended", attempt: phase.attempt, outcome: "nothing" }]
      : [];
  const kept = unknown !== undefined && !isForgotten ? { unknown } : {};
  return { state: { phase: isOver ? idle : phase, ...kept }, effects };
}

function take(state: EnrolmentState, input: EnrolmentInput, now: MonotonicMs): EnrolmentStep {
  const { phase } = state;
  switch (input.kind) {
    case "begin":
      return begin(state, input, now);
    case "cancel": {
      const isThis = phase.kind === "listening" && phase.attempt === input.attempt;
      return isThis ? end(state, "cancelled") : { state, effects: [] };
    }
    case "card":
      return takeCard(state, input.raw, now);
    case "phone":
      return takePhone(state, input.raw, now);
    case "tampered":
      return phase.kind === "listening" ? end(state, "tampered") : { state, effects: [] };
    case "declined_unknown": {
      const until = monotonicMs(now + unknownKeptMs);
      return { state: { phase, unknown: { raw: input.raw, until } }, effects: [] };
    }
    case "deadline_reached":
      return { state, effects: [] };
    default:
      return unreachable(input);
  }
}

function begin(
  state: EnrolmentState,
  { attempt, expects, forMs, isTampered }: Extract<EnrolmentInput, { readonly kind: "begin" }>,
  now: MonotonicMs,
): EnrolmentStep {
  if (isTampered) return { state, effects: [{ kind: "refuse", attempt, reason: "tampered" }] };
  if (state.phase.kind === "listening") {
    return { state, effects: [{ kind: "refuse", attempt, reason: "busy" }] };
  }
  const phase = { kind: "listening", attempt, expects, until: monotonicMs(now + forMs) } as const;
  return { state: { ...state, phase }, effects: [{ kind: "listen", attempt }] };
}

function takeCard(state: EnrolmentState, raw: RawCredential, now: MonotonicMs): EnrolmentStep {
  const { phase } = state;
  const until = monotonicMs(now + sameCardMs);
  switch (phase.kind) {
    case "idle":
      return { state, effects: [{ kind: "judge", raw }] };
    case "settling":
      if (phase.raw === raw)
        return { state: { ...state, phase: { ...phase, until } }, effects: [] };
      return { state: { ...state, phase: idle }, effects: [{ kind: "judge", raw }] };
    case "listening":
      if (phase.expects !== "card") return { state, effects: [{ kind: "judge", raw }] };
      return taken(state, phase.attempt, { raw, until });
    default:
      return unreachable(phase);
  }
}

function takePhone(state: EnrolmentState, raw: RawCredential, now: MonotonicMs): EnrolmentStep {
  const { phase } = state;
  if (phase.kind === "listening" && phase.expects === "phone") {
    return taken(state, phase.attempt, { raw, until: monotonicMs(now + sameCardMs) });
  }
  const isAgain = phase.kind === "settling" && phase.raw === raw;
  return { state, effects: [{ kind: isAgain ? "taken_before" : "not_enrolling" }] };
}

function taken(
  state: EnrolmentState,
  attempt: string,
  settling: { readonly raw: RawCredential; readonly until: MonotonicMs },
): EnrolmentStep {
  return {
    state: { ...state, phase: { kind: "settling", ...settling } },
    effects: [{ kind: "taken", attempt, raw: settling.raw }],
  };
}

function end(state: EnrolmentState, outcome: "cancelled" | "tampered"): EnrolmentStep {
  const { phase } = state;
  const effects: readonly EnrolmentEffect[] =
    phase.kind === "listening" ? [{ kind: "ended", attempt: phase.attempt, outcome }] : [];
  return { state: { ...state, phase: idle }, effects };
}
