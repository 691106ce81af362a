import type { RawCredential } from "../../domain/credential.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { MobileFault } from "./mobile-fault.ts";
import type { PreparedHello } from "./prepared-hello.ts";
import type { Resumption } from "./resumption.ts";

/** All that a phone is told; why it was denied is none of it. */
export type ReaderAnswer =
  | "granted"
  | "denied"
  /** Granted as a first factor: the reader waits for the PIN. */
  | "more_needed"
  | "enrolled"
  | "not_enrolling"
  | "try_later";

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
  | { readonly kind: "judge"; readonly phone: RawCredential; readonly form: "full" | "fast" }
  /** The same for a phone that asks to be taken up; the strike does not move. */
  | { readonly kind: "enrol"; readonly phone: RawCredential }
  | { readonly kind: "notify"; readonly frame: Uint8Array }
  /** In place of what was remembered under this id. `id` is one for each phone. */
  | { readonly kind: "remember"; readonly id: string; readonly resumption: Resumption }
  /** Counted; there will be no outcome. At most one in a session. */
  | { readonly kind: "failed"; readonly fault: MobileFault }
  | { readonly kind: "disconnect" };

/** One connection of one phone, from `connected` to `disconnected`. */
export interface ReaderSession {
  readonly phase: "waiting" | "listening" | "judging" | "closing" | "ended";
}

export interface ReaderSessionStep {
  readonly state: ReaderSession;
  readonly effects: readonly ReaderSessionEffect[];
}

/** Throws where `hello` was used in a session before. `resume` finds what was remembered under an id. */
export declare function initialReaderSession(
  hello: PreparedHello,
  resume: (id: string) => Resumption | undefined,
): ReaderSession;

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export declare function readerSessionDeadline(state: ReaderSession): MonotonicMs | undefined;

/** Pure: whatever the phone writes, it never throws. */
export declare function stepReaderSession(
  state: ReaderSession,
  input: ReaderSessionInput,
  now: MonotonicMs,
): ReaderSessionStep;
