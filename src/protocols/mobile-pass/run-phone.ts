import type { MonotonicMs, WallTime } from "../../domain/time.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { privateSeedBytes } from "./p256.ts";
import type { PhoneAction, PhoneForm } from "./phone-message.ts";
import {
  initialPhoneSession,
  type PhoneOutcome,
  type PhoneSessionEffect,
  type PhoneSessionInput,
  phoneSessionDeadline,
  stepPhoneSession,
} from "./phone-session.ts";
import type { PhoneState } from "./phone-state.ts";
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
  | { readonly kind: "sent"; readonly form: PhoneForm };

export interface PhoneRun {
  readonly link: PhoneLink;
  readonly phone: PhoneState;
  readonly action: PhoneAction;
  readonly entropy: Entropy;
  readonly clock: PhoneClock;
  readonly onProgress?: (progress: PhoneProgress) => void;
}

/**
 * One session over a link that stands, to its end: resolves within 3,500 ms with the link disconnected,
 * and rejects never, whatever link and reader do.
 */
export function runPhone(run: PhoneRun): Promise<PhoneOutcome> {
  return new Promise((resolve) => {
    const { link, phone, action, entropy, clock } = run;
    const ephemeralSeed = entropy(privateSeedBytes);
    const task = { phone, action, ephemeralSeed, frameBytesMax: link.frameBytesMax };
    let state = initialPhoneSession(task, clock.monotonic());

    const feed = (input: PhoneSessionInput): void => {
      const now = { at: clock.monotonic(), wall: clock.wall().at };
      const step = stepPhoneSession(state, input, now);
      state = step.state;
      for (const effect of step.effects) carryOut(effect);
    };
    const lost = (): void => feed({ kind: "lost" });

    const endsAt = phoneSessionDeadline(state) ?? clock.monotonic();
    const alarm = clock.alarm(endsAt, () => feed({ kind: "deadline_reached" }));

    let isSubscribed = false;
    const write = async (frames: readonly Uint8Array[]): Promise<void> => {
      // Not before the reader proved who it is: a stranger learns no more than that somebody looked.
      if (!isSubscribed) await link.subscribe((frame) => feed({ kind: "notified", frame }));
      isSubscribed = true;
      for (const frame of frames) {
        if (state.phase === "over") return;
        await link.write(frame);
      }
    };

    let sending: PhoneForm | undefined;
    const tellSent = (): void => {
      if (sending !== undefined) run.onProgress?.({ kind: "sent", form: sending });
      sending = undefined;
    };

    const carryOut = (effect: PhoneSessionEffect): void => {
      switch (effect.kind) {
        case "reader_known":
          run.onProgress?.(effect);
          return;
        case "write":
          tellSent();
          sending = effect.form;
          write(effect.frames).then(() => {
            if (state.phase !== "over") tellSent();
          }, lost);
          return;
        case "over":
          // The answer may be here before the radio says that the question has arrived.
          if (effect.outcome.kind === "answered") tellSent();
          alarm.cancel();
          link.disconnect();
          resolve(effect.outcome);
          return;
        default:
          unreachable(effect);
      }
    };

    link.gone.then(lost, lost);
    link.readHello().then((bytes) => feed({ kind: "hello", bytes }), lost);
  });
}
