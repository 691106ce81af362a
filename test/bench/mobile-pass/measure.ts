import { generateKeyPairSync, randomBytes } from "node:crypto";
import process from "node:process";
import { controllerId, readerId, siteId } from "../../../src/domain/ids.ts";
import { epochMs, monotonicMs } from "../../../src/domain/time.ts";
import { privateKeyFrom, privateSeedBytes } from "../../../src/protocols/mobile-pass/p256.ts";
import type { PhoneForm } from "../../../src/protocols/mobile-pass/phone-message.ts";
import {
  initialPhoneSession,
  type PhoneSession,
  type PhoneSessionInput,
  stepPhoneSession,
} from "../../../src/protocols/mobile-pass/phone-session.ts";
import { newPhone, type PhoneState } from "../../../src/protocols/mobile-pass/phone-state.ts";
import { prepareHello } from "../../../src/protocols/mobile-pass/prepared-hello.ts";
import { issueReaderCertificate } from "../../../src/protocols/mobile-pass/reader-certificate.ts";
import {
  initialReaderSession,
  type ReaderSession,
  type ReaderSessionInput,
  stepReaderSession,
} from "../../../src/protocols/mobile-pass/reader-session.ts";
import type { Resumption } from "../../../src/protocols/mobile-pass/resumption.ts";

export type MeasuredMobilePass = readonly {
  readonly form: PhoneForm;
  readonly end: "reader" | "phone";
  readonly cpuMs: number;
}[];

const entropy = (count: number): Uint8Array => randomBytes(count);
const site = siteId("home");
const siteKeys = generateKeyPairSync("ed25519");
const controllerKey = privateKeyFrom(entropy(privateSeedBytes));
const certificate = issueReaderCertificate({
  site,
  controller: controllerId("box-1"),
  readerKey: controllerKey,
  issuedAt: epochMs(1_780_000_000_000),
  mobileKey: siteKeys.privateKey,
});
const memory = new Map<string, Resumption>();
const at = monotonicMs(1_000);
const now = { at, wall: epochMs(1_790_000_000_000) };
/** What the radios of today's phones and boards agree on. */
const frameBytesMax = 182;

/** Processor time of this process, in ms: what other processes take does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** One end with the time that it took. */
class Stopwatch {
  totalMs = 0;
  run<T>(work: () => T): T {
    const before = cpuMs();
    const result = work();
    this.totalMs += cpuMs() - before;
    return result;
  }
}

function visit(phone: PhoneState, watches: Record<"reader" | "phone", Stopwatch>): PhoneState {
  let outcome: PhoneState | undefined;
  const toPhone: PhoneSessionInput[] = [];
  const toReader: ReaderSessionInput[] = [];
  let reader: ReaderSession = watches.reader.run(() => {
    const hello = prepareHello({ certificate, controllerKey, reader: readerId("front"), entropy });
    if (!hello.ok) throw new Error(hello.fault);
    toPhone.push({ kind: "hello", bytes: hello.value.bytes });
    return initialReaderSession(hello.value, (id) => memory.get(id));
  });
  let session: PhoneSession = watches.phone.run(() => {
    const ephemeralSeed = entropy(privateSeedBytes);
    return initialPhoneSession({ phone, action: "present", ephemeralSeed, frameBytesMax }, at);
  });
  const stepReader = (input: ReaderSessionInput): void => {
    const step = stepReaderSession(reader, input, at);
    reader = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "judge") toReader.push({ kind: "answered", outcome: "granted" });
      if (effect.kind === "notify") toPhone.push({ kind: "notified", frame: effect.frame });
      if (effect.kind === "remember") memory.set(effect.id, effect.resumption);
    }
  };
  const stepPhone = (input: PhoneSessionInput): void => {
    const step = stepPhoneSession(session, input, now);
    session = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "over") outcome = effect.outcome.phone;
      if (effect.kind !== "write") continue;
      toReader.push(...effect.frames.map((bytes) => ({ kind: "written", bytes }) as const));
    }
  };
  toReader.push({ kind: "connected" }, { kind: "subscribed", frameBytesMax });
  while (toReader.length + toPhone.length > 0) {
    const forReader = toReader.splice(0);
    watches.reader.run(() => forReader.forEach(stepReader));
    const forPhone = toPhone.splice(0);
    watches.phone.run(() => forPhone.forEach(stepPhone));
  }
  if (outcome === undefined) throw new Error("the phone has no answer");
  return outcome;
}

function measure(form: PhoneForm, sessionCount: number): MeasuredMobilePass {
  const watches = { reader: new Stopwatch(), phone: new Stopwatch() };
  const blank = newPhone({
    site,
    siteKey: siteKeys.publicKey,
    deviceSeed: entropy(privateSeedBytes),
  });
  let phone = visit(blank, { reader: new Stopwatch(), phone: new Stopwatch() });
  for (let count = 0; count < sessionCount; count += 1) {
    phone = visit(form === "full" ? blank : phone, watches);
  }
  return (["reader", "phone"] as const).map((end) => ({
    form,
    end,
    cpuMs: watches[end].totalMs / sessionCount,
  }));
}

const sessionCount = Number(process.argv[2]);
// The first sessions compile what the others run.
measure("full", 50);
measure("fast", 50);
const measured: MeasuredMobilePass = [
  ...measure("full", sessionCount),
  ...measure("fast", sessionCount),
];
process.stdout.write(JSON.stringify(measured));
