import { type EpochMs, epochMs, type MonotonicMs, monotonicMs } from "../../domain/time.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { type Channel, openChannel, resumptionKeyOf, seal, unseal } from "./channel.ts";
import { type FrameAssembly, noFrames, splitFrames, takeFrame } from "./frames.ts";
import { openHello } from "./hello.ts";
import type { PhoneFault } from "./mobile-fault.ts";
import { ephemeralKeyFrom, pointOf } from "./p256.ts";
import {
  fastMessage,
  fullMessage,
  type PhoneAction,
  type PhoneForm,
  phoneIdOf,
} from "./phone-message.ts";
import { type KnownController, knownFrom, type PhoneState, withKnown } from "./phone-state.ts";
import {
  decodeAnswer,
  isRefusal,
  type ReaderAnswer,
  type SealedAnswer,
  sealedKind,
} from "./reader-answer.ts";
import { protocolVersion } from "./version.ts";

/** Both are needed: one for deadlines, the other to know when a resumption ends. */
export interface PhoneNow {
  readonly at: MonotonicMs;
  readonly wall: EpochMs;
}

export type PhoneSessionInput =
  | { readonly kind: "hello"; readonly bytes: Uint8Array }
  /** A notification of `result`. */
  | { readonly kind: "notified"; readonly frame: Uint8Array }
  /** The link went, or did not do what it was asked for. */
  | { readonly kind: "lost" }
  | { readonly kind: "deadline_reached" };

export type PhoneSessionEffect =
  /** The reader proved to be one of the phone's site. Nothing was said to it yet. */
  | { readonly kind: "reader_known"; readonly controller: string; readonly reader: string }
  /** To be written to `pass`, in order. */
  | { readonly kind: "write"; readonly form: PhoneForm; readonly frames: readonly Uint8Array[] }
  | { readonly kind: "over"; readonly outcome: PhoneOutcome };

/** `phone` is to be kept in place of the one that was given, whatever the outcome. */
export type PhoneOutcome =
  | {
      readonly kind: "answered";
      readonly answer: ReaderAnswer;
      /** In which form the reader has taken it. */
      readonly form: PhoneForm;
      readonly phone: PhoneState;
    }
  | { readonly kind: "failed"; readonly fault: PhoneFault; readonly phone: PhoneState };

/** What a phone sets out with. */
export interface PhoneTask {
  readonly phone: PhoneState;
  readonly action: PhoneAction;
  /** 48 random bytes, for this session alone. */
  readonly ephemeralSeed: Uint8Array;
  readonly frameBytesMax: number;
  /** Newer ones than there are, in tests of what a later phone will do. */
  readonly newestVersion?: number;
}

interface Waiting {
  readonly phase: "waiting";
  readonly task: PhoneTask;
  readonly endsAt: MonotonicMs;
  readonly known: KnownController;
  readonly channel: Channel;
  readonly form: PhoneForm;
  readonly assembly: FrameAssembly;
}

export type PhoneSession =
  | { readonly phase: "reading"; readonly task: PhoneTask; readonly endsAt: MonotonicMs }
  | Waiting
  | { readonly phase: "over" };

export interface PhoneSessionStep {
  readonly state: PhoneSession;
  readonly effects: readonly PhoneSessionEffect[];
}

/** Longer than the reader's own limit, so that it is the reader who ends what takes too long. */
export const phoneSessionMsMax = 3_500;

export function initialPhoneSession(task: PhoneTask, now: MonotonicMs): PhoneSession {
  return { phase: "reading", task, endsAt: monotonicMs(now + phoneSessionMsMax) };
}

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function phoneSessionDeadline(state: PhoneSession): MonotonicMs | undefined {
  return state.phase === "over" ? undefined : state.endsAt;
}

/** Pure, except that a signature differs each time. Whatever a reader says, it never throws. */
export function stepPhoneSession(
  state: PhoneSession,
  input: PhoneSessionInput,
  now: PhoneNow,
): PhoneSessionStep {
  if (state.phase === "over") return { state, effects: [] };
  if (now.at >= state.endsAt) return failed(state.task.phone, "too_late");
  switch (input.kind) {
    case "hello":
      return state.phase === "reading" ? greeted(state, input.bytes, now) : same(state);
    case "notified":
      return state.phase === "waiting" ? notified(state, input.frame, now) : same(state);
    case "lost":
      return failed(state.task.phone, "link_lost");
    case "deadline_reached":
      return same(state);
    default:
      return unreachable(input);
  }
}

const same = (state: PhoneSession): PhoneSessionStep => ({ state, effects: [] });

const over = (outcome: PhoneOutcome): PhoneSessionStep => ({
  state: { phase: "over" },
  effects: [{ kind: "over", outcome }],
});

const failed = (phone: PhoneState, fault: PhoneFault): PhoneSessionStep =>
  over({ kind: "failed", fault, phone });

function greeted(
  { task, endsAt }: Extract<PhoneSession, { phase: "reading" }>,
  bytes: Uint8Array,
  now: PhoneNow,
): PhoneSessionStep {
  const { phone, action, newestVersion = protocolVersion } = task;
  const opened = openHello({ site: phone.site, siteKey: phone.siteKey, newestVersion }, bytes);
  if (!opened.ok) return failed(phone, opened.fault);
  const { certificate, reader, ephemeral: theirs } = opened.value;
  const known = knownFrom(phone, certificate);
  if (known === undefined) return failed(phone, "certificate_superseded");
  const ours = ephemeralKeyFrom(task.ephemeralSeed);
  const agreed = ours.agree(theirs);
  if (agreed === undefined) return failed(phone, "hello_malformed");
  const opening = Buffer.concat([Uint8Array.of(protocolVersion), ours.point]);
  const channel = openChannel({ hello: bytes, opening, agreed });
  const metTask = { ...task, phone: withKnown(phone, known) };
  const { resumption } = known;
  const form: PhoneForm =
    action === "present" && resumption !== undefined && now.wall < resumption.until
      ? "fast"
      : "full";
  const start = { task: metTask, endsAt, known, channel, form };
  const said = say(start, opening);
  const met = { kind: "reader_known", controller: certificate.controller, reader } as const;
  return { state: said.state, effects: [met, ...said.effects] };
}

type Speaking = Omit<Waiting, "phase" | "assembly">;

/** `opening`: what goes before the encrypted part. */
function say(start: Speaking, opening: Uint8Array): PhoneSessionStep {
  const { task, known, channel, form } = start;
  const { deviceKey } = task.phone;
  const devicePoint = pointOf(deviceKey);
  const plain =
    form === "fast" && known.resumption !== undefined
      ? fastMessage(channel, { id: phoneIdOf(devicePoint), resumptionKey: known.resumption.key })
      : fullMessage(channel, { action: task.action, deviceKey, devicePoint });
  const sealed = seal(channel, "to_reader", plain);
  const frames = splitFrames(Buffer.concat([opening, sealed.box]), task.frameBytesMax);
  return {
    state: { ...start, phase: "waiting", channel: sealed.channel, assembly: noFrames },
    effects: [{ kind: "write", form, frames }],
  };
}

function notified(state: Waiting, frame: Uint8Array, now: PhoneNow): PhoneSessionStep {
  const { phone } = state.task;
  const step = takeFrame(state.assembly, frame);
  if (step.kind === "malformed") return failed(phone, "answer_not_authentic");
  if (step.kind === "incomplete") return same({ ...state, assembly: step.assembly });
  const { message } = step;
  // Anybody can say so; the phone changes nothing of what it knows.
  if (isRefusal(message)) return failed(phone, "not_understood");
  const opened =
    message[0] === sealedKind ? unseal(state.channel, "to_phone", message.subarray(1)) : undefined;
  const answer = opened && decodeAnswer(opened.plain);
  if (opened === undefined || answer === undefined || !isAnswerTo(state, answer)) {
    return failed(phone, "answer_not_authentic");
  }
  return answered({ ...state, channel: opened.channel }, answer, now);
}

/** A reader that enrols does not open, and the other way round. */
function isAnswerTo({ task, form }: Waiting, { answer }: SealedAnswer): boolean {
  if (answer === "denied" || answer === "try_later") return true;
  if (answer === "full_needed") return form === "fast";
  const ofEnrolment = answer === "enrolled" || answer === "not_enrolling";
  return ofEnrolment === (task.action === "enrol");
}

function answered(
  state: Waiting,
  { answer, resumableForS }: SealedAnswer,
  now: PhoneNow,
): PhoneSessionStep {
  const { task, known, channel, form } = state;
  if (answer === "full_needed") {
    const { resumption: _, ...unknown } = known;
    const phone = withKnown(task.phone, unknown);
    const opening = Uint8Array.of(protocolVersion);
    return say({ ...state, task: { ...task, phone }, known: unknown, form: "full" }, opening);
  }
  if (answer !== "granted") return over({ kind: "answered", answer, form, phone: task.phone });
  const { resumption: _, ...met } = known;
  const until = epochMs(now.wall + resumableForS * 1_000);
  const next =
    resumableForS === 0 ? met : { ...met, resumption: { key: resumptionKeyOf(channel), until } };
  return over({ kind: "answered", answer, form, phone: withKnown(task.phone, next) });
}
