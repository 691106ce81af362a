import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { RawCredential } from "../../../../src/domain/credential.ts";
import { controllerId, readerId, type SiteId, siteId } from "../../../../src/domain/ids.ts";
import { epochMs, type MonotonicMs, monotonicMs } from "../../../../src/domain/time.ts";
import type { MobileFault } from "../../../../src/protocols/mobile-pass/mobile-fault.ts";
import { privateKeyFrom } from "../../../../src/protocols/mobile-pass/p256.ts";
import type {
  PhoneAction,
  PhoneForm,
} from "../../../../src/protocols/mobile-pass/phone-message.ts";
import {
  initialPhoneSession,
  type PhoneOutcome,
  type PhoneSession,
  type PhoneSessionInput,
  stepPhoneSession,
} from "../../../../src/protocols/mobile-pass/phone-session.ts";
import { newPhone, type PhoneState } from "../../../../src/protocols/mobile-pass/phone-state.ts";
import {
  type PreparedHello,
  prepareHello,
} from "../../../../src/protocols/mobile-pass/prepared-hello.ts";
import type { ReaderAnswer } from "../../../../src/protocols/mobile-pass/reader-answer.ts";
import { issueReaderCertificate } from "../../../../src/protocols/mobile-pass/reader-certificate.ts";
import {
  initialReaderSession,
  type ReaderSession,
  type ReaderSessionEffect,
  type ReaderSessionInput,
  stepReaderSession,
} from "../../../../src/protocols/mobile-pass/reader-session.ts";
import type { Resumption } from "../../../../src/protocols/mobile-pass/resumption.ts";

export const at = monotonicMs(1_000_000);
export const wall = epochMs(1_790_000_000_000);

/** A site with one controller and one reader. */
export interface Premises {
  readonly site: SiteId;
  readonly mobileKey: KeyObject;
  readonly siteKey: KeyObject;
  readonly controllerKey: KeyObject;
  readonly certificate: Uint8Array;
  /** What the controller remembers of phones. */
  readonly memory: Map<string, Resumption>;
}

export function premises(name = "home"): Premises {
  const { privateKey: mobileKey, publicKey: siteKey } = generateKeyPairSync("ed25519");
  const controllerKey = privateKeyFrom(randomBytes(48));
  const site = siteId(name);
  const certificate = certify({ site, mobileKey, controllerKey });
  return { site, mobileKey, siteKey, controllerKey, certificate, memory: new Map() };
}

export function certify(
  { site, mobileKey, controllerKey }: Pick<Premises, "site" | "mobileKey" | "controllerKey">,
  issuedAt = 1_780_000_000_000,
): Uint8Array {
  return issueReaderCertificate({
    site,
    controller: controllerId("box-1"),
    readerKey: controllerKey,
    issuedAt: epochMs(issuedAt),
    mobileKey,
  });
}

export function phoneFor({ site, siteKey }: Pick<Premises, "site" | "siteKey">): PhoneState {
  return newPhone({ site, siteKey, deviceSeed: randomBytes(48) });
}

export function helloOf(
  { certificate, controllerKey }: Pick<Premises, "certificate" | "controllerKey">,
  reader = "front",
): PreparedHello {
  const made = prepareHello({
    certificate,
    controllerKey,
    reader: readerId(reader),
    entropy: (count) => randomBytes(count),
  });
  if (!made.ok) throw new Error(made.fault);
  return made.value;
}

export interface ReaderEnd {
  state: ReaderSession;
  readonly effects: ReaderSessionEffect[];
}

export function readerEnd(
  place: Pick<Premises, "certificate" | "controllerKey" | "memory">,
  { frameBytesMax = 20, hello = helloOf(place), now = at } = {},
): ReaderEnd & { readonly hello: Uint8Array } {
  const state = initialReaderSession(hello, (id) => place.memory.get(id));
  const end = { state, effects: [], hello: hello.bytes };
  feedReader(end, { kind: "connected" }, now);
  feedReader(end, { kind: "subscribed", frameBytesMax }, now);
  return end;
}

/** The effects of this input alone; all of them are kept in `end`. */
export function feedReader(
  end: ReaderEnd,
  input: ReaderSessionInput,
  now: MonotonicMs = at,
): readonly ReaderSessionEffect[] {
  const step = stepReaderSession(end.state, input, now);
  end.state = step.state;
  end.effects.push(...step.effects);
  return step.effects;
}

export interface PhoneEnd {
  state: PhoneSession;
  outcome: PhoneOutcome | undefined;
  readonly forms: PhoneForm[];
}

export function phoneEnd(
  phone: PhoneState,
  options: {
    readonly action?: PhoneAction;
    readonly frameBytesMax?: number;
    readonly newestVersion?: number;
    readonly now?: MonotonicMs;
  } = {},
): PhoneEnd {
  const { action = "present", frameBytesMax = 20, newestVersion = 1, now = at } = options;
  const ephemeralSeed = randomBytes(48);
  const task = { phone, action, ephemeralSeed, frameBytesMax, newestVersion };
  return { state: initialPhoneSession(task, now), outcome: undefined, forms: [] };
}

/** What the phone writes thereupon. */
export function feedPhone(
  end: PhoneEnd,
  input: PhoneSessionInput,
  now = { at, wall },
): readonly Uint8Array[] {
  const step = stepPhoneSession(end.state, input, now);
  end.state = step.state;
  const frames: Uint8Array[] = [];
  for (const effect of step.effects) {
    if (effect.kind === "over") end.outcome = effect.outcome;
    if (effect.kind === "write") {
      end.forms.push(effect.form);
      frames.push(...effect.frames);
    }
  }
  return frames;
}

export interface MeetingPlan {
  readonly place: Premises;
  readonly phone: PhoneState;
  readonly action?: PhoneAction;
  /** What the controller decides. */
  readonly verdict?: (phone: RawCredential) => ReaderAnswer;
  readonly frameBytesMax?: number;
  readonly reader?: string;
  readonly now?: { readonly at: MonotonicMs; readonly wall: ReturnType<typeof epochMs> };
  /** Somebody between the two, who may alter, add, leave out. */
  readonly between?: {
    readonly hello?: (bytes: Uint8Array) => Uint8Array;
    readonly toReader?: (frame: Uint8Array, index: number) => readonly Uint8Array[];
    readonly toPhone?: (frame: Uint8Array, index: number) => readonly Uint8Array[];
  };
}

export interface Meeting {
  /** Undefined where the phone waits in vain. */
  readonly outcome: PhoneOutcome | undefined;
  /** Whose credential came before the authoriser. */
  readonly judged: readonly RawCredential[];
  readonly enrolled: readonly RawCredential[];
  readonly fault: MobileFault | undefined;
  readonly forms: readonly PhoneForm[];
  /** All that was on the air. */
  readonly hello: Uint8Array;
  readonly written: readonly Uint8Array[];
  readonly notified: readonly Uint8Array[];
  readonly reader: ReaderSession;
  readonly phone: PhoneState;
}

/** One connection, over a link that loses nothing and takes no time. */
export function meet(plan: MeetingPlan): Meeting {
  const { place, frameBytesMax = 20, between = {}, verdict = () => "granted" as const } = plan;
  const now = plan.now ?? { at, wall };
  const prepared = helloOf(place, plan.reader);
  const reader = readerEnd(place, { frameBytesMax, hello: prepared, now: now.at });
  const phone = phoneEnd(plan.phone, {
    action: plan.action ?? "present",
    frameBytesMax,
    now: now.at,
  });
  const written: Uint8Array[] = [];
  const notified: Uint8Array[] = [];
  const toPhone: PhoneSessionInput[] = [
    { kind: "hello", bytes: (between.hello ?? ((bytes) => bytes))(reader.hello) },
  ];
  const toReader: ReaderSessionInput[] = [];

  const carryOut = (effect: ReaderSessionEffect): void => {
    if (effect.kind === "judge") {
      toReader.unshift({ kind: "answered", outcome: verdict(effect.phone) });
    } else if (effect.kind === "enrol") {
      const outcome = plan.verdict === undefined ? "enrolled" : plan.verdict(effect.phone);
      toReader.unshift({ kind: "answered", outcome });
    } else if (effect.kind === "remember") {
      place.memory.set(effect.id, effect.resumption);
    } else if (effect.kind === "notify") {
      const frames = between.toPhone?.(effect.frame, notified.length) ?? [effect.frame];
      notified.push(effect.frame);
      toPhone.push(...frames.map((frame) => ({ kind: "notified", frame }) as const));
    }
  };

  for (;;) {
    const forPhone = toPhone.shift();
    if (forPhone !== undefined) {
      for (const frame of feedPhone(phone, forPhone, now)) {
        const frames = between.toReader?.(frame, written.length) ?? [frame];
        written.push(frame);
        toReader.push(...frames.map((bytes) => ({ kind: "written", bytes }) as const));
      }
      continue;
    }
    const forReader = toReader.shift();
    if (forReader === undefined) break;
    for (const effect of feedReader(reader, forReader, now.at)) carryOut(effect);
  }
  return {
    outcome: phone.outcome,
    ...summaryOf(reader.effects),
    forms: phone.forms,
    hello: reader.hello,
    written,
    notified,
    reader: reader.state,
    phone: phone.outcome?.phone ?? plan.phone,
  };
}

export function summaryOf(
  effects: readonly ReaderSessionEffect[],
): Pick<Meeting, "judged" | "enrolled" | "fault"> {
  const judged: RawCredential[] = [];
  const enrolled: RawCredential[] = [];
  let fault: MobileFault | undefined;
  for (const effect of effects) {
    if (effect.kind === "judge") judged.push(effect.phone);
    if (effect.kind === "enrol") enrolled.push(effect.phone);
    if (effect.kind === "failed") fault = effect.fault;
  }
  return { judged, enrolled, fault };
}

/** What became of it for the phone's owner: an answer, a fault, or nothing. */
export function saidOf({ outcome }: Pick<Meeting, "outcome">): string {
  if (outcome === undefined) return "nothing";
  return outcome.kind === "answered" ? outcome.answer : outcome.fault;
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}
