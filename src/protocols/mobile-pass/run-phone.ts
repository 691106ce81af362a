import type { MonotonicMs, WallTime } from "../../domain/time.ts";
import type { PhoneFault } from "./mobile-fault.ts";
import type { PhoneState } from "./phone-state.ts";
import type { ReaderAnswer } from "./reader-session.ts";
import type { Entropy } from "./version.ts";

/** A connection to a reader: that of hal/ble-central.ts. */
export interface PhoneLink {
  readonly frameBytesMax: number;
  readHello(): Promise<Uint8Array>;
  subscribe(listener: (frame: Uint8Array) => void): Promise<void>;
  write(frame: Uint8Array): Promise<void>;
  readonly gone: Promise<void>;
  disconnect(): void;
}

/** That of hal/clock.ts. */
export interface PhoneClock {
  monotonic(): MonotonicMs;
  wall(): WallTime;
  alarm(at: MonotonicMs, due: () => void): { cancel(): void };
}

export type PhoneProgress =
  /** The reader proved to be one of the phone's site. Nothing was said to it yet. */
  | { readonly kind: "reader_known"; readonly controller: string; readonly reader: string }
  /** All of what the phone has to say has arrived. */
  | { readonly kind: "sent"; readonly form: "full" | "fast" };

/** `phone` is to be kept in place of the one that was given, whatever the outcome. */
export type PhoneOutcome =
  | { readonly kind: "answered"; readonly answer: ReaderAnswer; readonly phone: PhoneState }
  | { readonly kind: "failed"; readonly fault: PhoneFault; readonly phone: PhoneState };

/**
 * One session over a link that stands, to its end: resolves within 3,500 ms with the link disconnected,
 * and rejects never, whatever link and reader do.
 */
export declare function runPhone(session: {
  readonly link: PhoneLink;
  readonly phone: PhoneState;
  readonly action: "present" | "enrol";
  readonly entropy: Entropy;
  readonly clock: PhoneClock;
  readonly onProgress?: (progress: PhoneProgress) => void;
}): Promise<PhoneOutcome>;
