import type { RawCredential } from "../../domain/credential.ts";
import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { type Channel, resumptionKeyOf, seal } from "./channel.ts";
import { type FrameAssembly, frameBytesLeast, noFrames, splitFrames, takeFrame } from "./frames.ts";
import { hearPhone, type Listener, type ProvenPhone } from "./hear-phone.ts";
import type { MobileFault } from "./mobile-fault.ts";
import type { PhoneForm } from "./phone-message.ts";
import { type PreparedHello, takeEphemeral } from "./prepared-hello.ts";
import {
  encodeAnswer,
  encodeRefusal,
  isPlainRefusal,
  type ReaderAnswer,
  sealedKind,
} from "./reader-answer.ts";
import type { Resumption } from "./resumption.ts";

export type ReaderSessionInput =
  | { readonly kind: "connected" }
  | { readonly kind: "subscribed"; readonly frameBytesMax: number }
  | { readonly kind: "written"; readonly bytes: Uint8Array }
  /** What came of `judge` or `enrol`. */
  | { readonly kind: "answered"; readonly outcome: ReaderAnswer }
  | { readonly kind: "deadline_reached" }
  | { readonly kind: "disconnected" };

export type ReaderSessionEffect =
  /** The phone proved that it has this credential's key: decide, then feed `answered`. */
  | { readonly kind: "judge"; readonly phone: RawCredential; readonly form: PhoneForm }
  /** The same for a phone that asks to be taken up; the strike does not move. */
  | { readonly kind: "enrol"; readonly phone: RawCredential }
  | { readonly kind: "notify"; readonly frame: Uint8Array }
  /** In place of what was remembered under this id. `id` is one for each phone. */
  | { readonly kind: "remember"; readonly id: string; readonly resumption: Resumption }
  /** Counted; there will be no outcome. At most one in a session. */
  | { readonly kind: "failed"; readonly fault: MobileFault }
  | { readonly kind: "disconnect" };

export const sessionMsMax = 3_000;
/** How long a phone may be silent while it is its turn. */
export const silenceMsMax = 1_500;
/** How long a phone that was told all may stay: it goes when it has heard, and the reader waits. */
export const lingerMsMax = 500;

/** What stays the same from the connection on. */
interface Talk extends Omit<Listener, "channel"> {
  readonly endsAt: MonotonicMs;
  /** Undefined until the phone listens. */
  readonly frameBytesMax: number | undefined;
}

interface Listening {
  readonly phase: "listening";
  readonly talk: Talk;
  readonly silentAt: MonotonicMs;
  readonly assembly: FrameAssembly;
  /** Once a fast form was not known: the full one is to come over the same channel. */
  readonly channel: Channel | undefined;
}

interface Judging {
  readonly phase: "judging";
  readonly talk: Talk;
  readonly channel: Channel;
  readonly proven: ProvenPhone;
}

/** One connection of one phone, from `connected` to `disconnected`. */
export type ReaderSession =
  | {
      readonly phase: "waiting";
      readonly listener: Omit<Listener, "channel">;
    }
  | Listening
  | Judging
  | { readonly phase: "closing"; readonly dropAt: MonotonicMs }
  | { readonly phase: "ended" };

export interface ReaderSessionStep {
  readonly state: ReaderSession;
  readonly effects: readonly ReaderSessionEffect[];
}

/** Throws where `hello` was used in a session before. `resume` finds what was remembered under an id. */
export function initialReaderSession(
  hello: PreparedHello,
  resume: Listener["resume"],
): ReaderSession {
  const listener = { hello: hello.bytes, ephemeral: takeEphemeral(hello), resume };
  return { phase: "waiting", listener };
}

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function readerSessionDeadline(state: ReaderSession): MonotonicMs | undefined {
  switch (state.phase) {
    case "waiting":
    case "ended":
      return undefined;
    case "listening":
      return monotonicMs(Math.min(state.silentAt, state.talk.endsAt));
    case "judging":
      return state.talk.endsAt;
    case "closing":
      return state.dropAt;
    default:
      return unreachable(state);
  }
}

/** Pure: whatever the phone writes, it never throws. */
export function stepReaderSession(
  state: ReaderSession,
  input: ReaderSessionInput,
  now: MonotonicMs,
): ReaderSessionStep {
  if (input.kind === "disconnected") return phoneGone(state);
  const deadline = readerSessionDeadline(state);
  // Whatever the input: a timer that comes late gives nobody more time.
  if (deadline !== undefined && now >= deadline) return timeOver(state, now);
  switch (input.kind) {
    case "connected":
      return state.phase === "waiting" ? connected(state, now) : same(state);
    case "subscribed":
      return state.phase === "listening" ? subscribed(state, input.frameBytesMax) : same(state);
    case "written":
      return state.phase === "listening" ? written(state, input.bytes, now) : same(state);
    case "answered":
      return state.phase === "judging" ? answered(state, input.outcome, now) : same(state);
    case "deadline_reached":
      return same(state);
    default:
      return unreachable(input);
  }
}

const same = (state: ReaderSession): ReaderSessionStep => ({ state, effects: [] });

const ended = (effects: readonly ReaderSessionEffect[]): ReaderSessionStep => ({
  state: { phase: "ended" },
  effects,
});

function phoneGone(state: ReaderSession): ReaderSessionStep {
  return ended(state.phase === "listening" ? [{ kind: "failed", fault: "left_early" }] : []);
}

function timeOver(state: ReaderSession, now: MonotonicMs): ReaderSessionStep {
  if (state.phase !== "listening" && state.phase !== "judging") {
    return ended([{ kind: "disconnect" }]);
  }
  const fault = now >= state.talk.endsAt ? "too_late" : "idle";
  return ended([{ kind: "failed", fault }, { kind: "disconnect" }]);
}

function connected(
  { listener }: Extract<ReaderSession, { phase: "waiting" }>,
  now: MonotonicMs,
): ReaderSessionStep {
  const endsAt = monotonicMs(now + sessionMsMax);
  const talk = { ...listener, endsAt, frameBytesMax: undefined };
  return same(listening(talk, now, undefined));
}

function listening(talk: Talk, now: MonotonicMs, channel: Channel | undefined): Listening {
  const silentAt = monotonicMs(now + silenceMsMax);
  return { phase: "listening", talk, silentAt, assembly: noFrames, channel };
}

function subscribed(state: Listening, frameBytesMax: number): ReaderSessionStep {
  return same({ ...state, talk: { ...state.talk, frameBytesMax } });
}

function written(state: Listening, frame: Uint8Array, now: MonotonicMs): ReaderSessionStep {
  if (state.talk.frameBytesMax === undefined) return refused(state, "not_subscribed", now);
  const step = takeFrame(state.assembly, frame);
  switch (step.kind) {
    case "malformed":
      return refused(state, "frame_malformed", now);
    case "incomplete":
      return same({
        ...state,
        assembly: step.assembly,
        silentAt: monotonicMs(now + silenceMsMax),
      });
    case "complete":
      return heard(state, step.message, now);
    default:
      return unreachable(step);
  }
}

function heard(state: Listening, message: Uint8Array, now: MonotonicMs): ReaderSessionStep {
  const { talk } = state;
  const said = hearPhone({ ...talk, channel: state.channel }, message, now);
  switch (said.kind) {
    case "refused":
      return refused({ ...state, channel: said.channel }, said.fault, now);
    case "full_needed": {
      const { channel, effects } = tell(talk, said.channel, "full_needed", 0);
      return { state: listening(talk, now, channel), effects };
    }
    case "proven": {
      const { channel, proven } = said;
      const { action, phone, form } = proven;
      return {
        state: { phase: "judging", talk, channel, proven },
        effects: [action === "enrol" ? { kind: "enrol", phone } : { kind: "judge", phone, form }],
      };
    }
    default:
      return unreachable(said);
  }
}

function answered(state: Judging, answer: ReaderAnswer, now: MonotonicMs): ReaderSessionStep {
  const { talk, channel, proven } = state;
  const closing = closingFrom(talk, now);
  if (answer !== "granted" || proven.action === "enrol") {
    return { state: closing, effects: tell(talk, channel, answer, 0).effects };
  }
  const { id, phone, resumableUntil } = proven;
  const resumableForS = Math.max(0, Math.floor((resumableUntil - now) / 1_000));
  const told = tell(talk, channel, answer, resumableForS);
  const key = resumptionKeyOf(told.channel);
  const resumption = { phone, key, expiresAt: resumableUntil };
  return { state: closing, effects: [...told.effects, { kind: "remember", id, resumption }] };
}

/**
 * Over the channel where there is one, and then not why: that a proof was wrong is for the one who made
 * it to know. Without one, in clear, so that an app's author sees what is wrong with his bytes.
 */
function refused(state: Listening, fault: MobileFault, now: MonotonicMs): ReaderSessionStep {
  const { talk, channel } = state;
  const failed = { kind: "failed", fault } as const;
  const closing = closingFrom(talk, now);
  if (channel !== undefined) {
    return { state: closing, effects: [failed, ...tell(talk, channel, "denied", 0).effects] };
  }
  return isPlainRefusal(fault)
    ? { state: closing, effects: [failed, ...notifications(talk, encodeRefusal(fault))] }
    : ended([failed, { kind: "disconnect" }]);
}

function tell(
  talk: Talk,
  channel: Channel,
  answer: ReaderAnswer | "full_needed",
  resumableForS: number,
): { readonly channel: Channel; readonly effects: readonly ReaderSessionEffect[] } {
  const sealed = seal(channel, "to_phone", encodeAnswer({ answer, resumableForS }));
  const message = Buffer.concat([Uint8Array.of(sealedKind), sealed.box]);
  return { channel: sealed.channel, effects: notifications(talk, message) };
}

function notifications(talk: Talk, message: Uint8Array): readonly ReaderSessionEffect[] {
  const frames = splitFrames(message, talk.frameBytesMax ?? frameBytesLeast);
  return frames.map((frame) => ({ kind: "notify", frame }));
}

/** The phone goes when it has heard; a radio that hangs up may lose what it has not sent yet. */
function closingFrom({ endsAt }: Talk, now: MonotonicMs): ReaderSession {
  return { phase: "closing", dropAt: monotonicMs(Math.min(now + lingerMsMax, endsAt)) };
}
