import { fail, type Result, succeed } from "../domain/result.ts";
import type { PhoneFault } from "../protocols/mobile-pass/mobile-fault.ts";
import type { PhoneState } from "../protocols/mobile-pass/phone-state.ts";
import type { ReaderAnswer } from "../protocols/mobile-pass/reader-answer.ts";
import { type PhoneClock, type PhoneLink, runPhone } from "../protocols/mobile-pass/run-phone.ts";
import type { Entropy } from "../protocols/mobile-pass/version.ts";

export interface HeardRadio {
  readonly id: string;
  readonly rssi: number;
}

/** What a phone does with its radio: that of hal/ble-central.ts. */
export interface PhoneRadio {
  scan(options: {
    readonly forMs: number;
    readonly isEnough?: (reader: HeardRadio) => boolean;
  }): Promise<readonly HeardRadio[]>;
  connect(reader: HeardRadio, withinMs: number): Promise<PhoneLink>;
  close(): Promise<void>;
}

export type Progress =
  | { readonly kind: "in_range"; readonly rssi: number }
  | { readonly kind: "connecting" }
  | { readonly kind: "reader_known"; readonly controller: string; readonly reader: string }
  | { readonly kind: "sent"; readonly form: "full" | "fast" };

/** What came of it; `not_heard` and `not_connected` are of the radio. */
export type PhoneResult = ReaderAnswer | PhoneFault | "not_heard" | "not_connected";

/** One presentation, from the first listening to its end. Instants are CLOCK_MONOTONIC, in ms. */
export interface PhoneRun {
  readonly result: PhoneResult;
  /** Why there is no connection, in words. */
  readonly detail?: string;
  readonly rssi?: number;
  readonly controller?: string;
  readonly reader?: string;
  readonly form?: "full" | "fast";
  readonly at: {
    readonly heard?: number;
    readonly connected?: number;
    readonly known?: number;
    readonly sent?: number;
    readonly ended: number;
  };
}

/** Near enough that no other reader is meant. */
const nearRssi = -60;
/** What a radio says that cannot tell: nothing is gained by listening on. */
const unknownRssi = -127;
/** How long the strongest is looked for, where none is near. */
const compareMs = 1_500;
const connectMsMax = 10_000;

export interface PhoneSessionOptions {
  readonly radio: PhoneRadio;
  readonly clock: PhoneClock;
  readonly entropy: Entropy;
  readonly action: "present" | "enrol";
  /** For how long a reader is listened for. */
  readonly withinMs: number;
  /** Of one that belongs to no site yet: what it becomes at a reader with this hello. */
  readonly phone: PhoneState | ((hello: Uint8Array) => Result<PhoneState, PhoneFault>);
  /** It changed, whatever came of it: to be kept. */
  readonly keep: (phone: PhoneState) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** Finds the nearest reader, and has the phone say to it what it has to say. Radio errors are results. */
export async function runPhoneSession(options: PhoneSessionOptions): Promise<PhoneRun> {
  const { radio, clock, entropy, action, phone, keep, onProgress } = options;
  const now = () => clock.monotonic();
  const heard = await nearestReader(options);
  if (heard === undefined) return { result: "not_heard", at: { ended: now() } };
  const heardAt = now();
  const rssi = heard.rssi === unknownRssi ? {} : { rssi: heard.rssi };
  onProgress({ kind: "in_range", rssi: heard.rssi });
  onProgress({ kind: "connecting" });
  let link: PhoneLink;
  try {
    link = await radio.connect(heard, connectMsMax);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { result: "not_connected", detail, ...rssi, at: { heard: heardAt, ended: now() } };
  }
  const connected = now();
  const begun = await beginning(link, phone);
  if (!begun.ok) {
    link.disconnect();
    return { result: begun.fault, ...rssi, at: { heard: heardAt, connected, ended: now() } };
  }
  let told: { controller?: string; reader?: string; form?: "full" | "fast" } = {};
  let at: { known?: number; sent?: number } = {};
  const outcome = await runPhone({
    ...begun.value,
    action,
    entropy,
    clock,
    onProgress: (progress) => {
      onProgress(progress);
      if (progress.kind === "reader_known") {
        const { controller, reader } = progress;
        told = { ...told, controller, reader };
        at = { ...at, known: now() };
      } else {
        told = { ...told, form: progress.form };
        at = { ...at, sent: now() };
      }
    },
  });
  const ended = now();
  keep(outcome.phone);
  const result = outcome.kind === "answered" ? outcome.answer : outcome.fault;
  // The reader may not have known it by its fast form, and been told all in the full one.
  const form = outcome.kind === "answered" ? { form: outcome.form } : {};
  return { result, ...rssi, ...told, ...form, at: { heard: heardAt, connected, ...at, ended } };
}

async function beginning(
  link: PhoneLink,
  phone: PhoneSessionOptions["phone"],
): Promise<Result<{ readonly link: PhoneLink; readonly phone: PhoneState }, PhoneFault>> {
  if (typeof phone !== "function") return succeed({ link, phone });
  let hello: Uint8Array;
  try {
    hello = await link.readHello();
  } catch {
    return fail("link_lost");
  }
  const become = phone(hello);
  if (!become.ok) return become;
  const { frameBytesMax, gone } = link;
  const sameLink: PhoneLink = {
    frameBytesMax,
    gone,
    // Each read takes several answers of the reader, and the session has its limit.
    readHello: async () => hello,
    subscribe: (listener) => link.subscribe(listener),
    write: (frame) => link.write(frame),
    disconnect: () => link.disconnect(),
  };
  return succeed({ link: sameLink, phone: become.value });
}

async function nearestReader({
  radio,
  clock,
  withinMs,
}: PhoneSessionOptions): Promise<HeardRadio | undefined> {
  const until = clock.monotonic() + withinMs;
  const isEnough = ({ rssi }: HeardRadio) => rssi >= nearRssi || rssi === unknownRssi;
  for (;;) {
    const left = until - clock.monotonic();
    if (left <= 0) return undefined;
    const [strongest] = await radio.scan({ forMs: Math.min(compareMs, left), isEnough });
    if (strongest !== undefined) return strongest;
  }
}
