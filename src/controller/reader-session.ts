import type { ReaderHardware } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import type { ReaderReport } from "../../hal/reader.ts";
import type { Decision } from "../core/authorize.ts";
import {
  initialKeypadEntry,
  type KeypadEntryEffect,
  type KeypadEntryInput,
  type KeypadEntryState,
  keypadEntryDeadline,
  stepKeypadEntry,
} from "../core/keypad-entry.ts";
import {
  countWrongPin,
  initialPinLockout,
  isPinLockedOut,
  isWrongPin,
  type PinLockoutState,
} from "../core/pin-lockout.ts";
import type { Presented } from "../core/presented.ts";
import {
  awaitsPin,
  initialTwoFactor,
  stepTwoFactor,
  type TwoFactorEffect,
  type TwoFactorInput,
  type TwoFactorState,
  twoFactorDeadline,
} from "../core/two-factor.ts";
import type { PinDigest, RawCredential } from "../domain/credential.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { PassId, ReaderId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import type { Door } from "./door.ts";
import { MisreadTally } from "./misread-tally.ts";
import { ReaderLamps } from "./reader-lamps.ts";

export interface ReaderSessionOptions {
  readonly hardware: ReaderHardware;
  readonly door: Door;
  readonly clock: Clock;
  readonly decide: (presented: Presented) => Decision;
  readonly digestPin: (digits: string) => PinDigest;
  readonly record: (event: DoorEvent) => void;
}

/**
 * What is presented at one reader, from report to strike: in one turn of the event loop, with pure
 * code and one write in between. The journal and the network hear of it afterwards.
 */
export class ReaderSession {
  readonly id: ReaderId;
  readonly #options: ReaderSessionOptions;
  readonly #lamps: ReaderLamps;
  readonly #entryDeadline: Deadline;
  readonly #factorDeadline: Deadline;
  readonly #misreads: MisreadTally;
  #entry: KeypadEntryState = initialKeypadEntry;
  #factor: TwoFactorState = initialTwoFactor;
  #lockout: PinLockoutState = initialPinLockout;
  #closed = false;

  constructor(options: ReaderSessionOptions) {
    const { hardware, clock, door, record } = options;
    this.id = hardware.id;
    this.#options = options;
    this.#lamps = new ReaderLamps(hardware.indicator);
    this.#misreads = new MisreadTally({ reader: hardware.id, clock, record });
    this.#entryDeadline = new Deadline(clock, () => this.#enter({ kind: "deadline_reached" }));
    this.#factorDeadline = new Deadline(clock, () => this.#present({ kind: "deadline_reached" }));
    this.#lamps.ready();
    door.watch((resting) => this.#lamps.door(resting));
    hardware.reader.listen((report) => this.#read(report));
  }

  /** Whatever is under way here is forgotten, and nothing more is read. */
  close(): void {
    this.#closed = true;
    this.#entryDeadline.set(undefined);
    this.#factorDeadline.set(undefined);
    this.#misreads.close();
  }

  #read(report: ReaderReport): void {
    if (this.#closed) return;
    switch (report.kind) {
      case "card":
        return this.#present({ kind: "card", raw: report.raw });
      case "key":
        this.#lamps.key();
        return this.#enter({ kind: "key", key: report.key });
      case "pin":
        return this.#enter({ kind: "whole_pin", digits: report.digits });
      case "misread":
        return this.#misreads.count(report.verdict, report.bitCount);
      default:
        return unreachable(report);
    }
  }

  #enter(input: KeypadEntryInput): void {
    const { state, effects } = stepKeypadEntry(this.#entry, input, this.#now());
    this.#entry = state;
    this.#entryDeadline.set(keypadEntryDeadline(state));
    for (const effect of effects) this.#entered(effect);
  }

  #entered(effect: KeypadEntryEffect): void {
    switch (effect.kind) {
      case "entered": {
        // A card that waits for its PIN stays as it is: its own time runs on.
        if (isPinLockedOut(this.#lockout, this.#now())) {
          const { pass, user } = this.#factor.kind === "awaiting_pin" ? this.#factor.pending : {};
          return this.#deny("pin_locked_out", { ...(pass && { pass }), ...(user && { user }) });
        }
        const digest = this.#options.digestPin(effect.digits);
        return this.#present({ kind: "pin", digest, beganAt: effect.beganAt });
      }
      case "cleared":
        return;
      case "rejected":
        return this.#lamps.answer("denied");
      default:
        return unreachable(effect);
    }
  }

  #present(input: TwoFactorInput): void {
    const { secondFactorMs } = this.#options.door.settings();
    const { state, effects } = stepTwoFactor({ secondFactorMs }, this.#factor, input, this.#now());
    this.#factor = state;
    this.#factorDeadline.set(twoFactorDeadline(state));
    if (!awaitsPin(state)) this.#lamps.pinSettled();
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: TwoFactorEffect): void {
    switch (effect.kind) {
      case "authorize":
        return this.#authorize(effect.presented);
      case "deny":
        return this.#deny(effect.reason, { pass: effect.pass, user: effect.user });
      case "prompt_pin":
        return this.#lamps.expectPin();
      default:
        return unreachable(effect);
    }
  }

  #authorize(presented: Presented): void {
    const { door, record } = this.#options;
    const decision = this.#options.decide(presented);
    switch (decision.kind) {
      case "granted": {
        const { pass, user } = decision;
        const reason = door.grant();
        this.#lamps.answer("granted");
        record({ kind: "access_granted", door: door.id, reader: this.id, pass, user, reason });
        return;
      }
      case "pin_required":
        return this.#askForPin(presented.card, decision);
      case "second_person_required":
        return this.#deny("second_person_timeout", { pass: decision.pass, user: decision.user });
      case "escort_required":
        return this.#deny("escort_timeout", { pass: decision.pass, user: decision.user });
      case "denied": {
        const { kind: _kind, duress: _duress, reason, ...who } = decision;
        this.#deny(reason, who);
        if (presented.pin !== undefined && isWrongPin(presented, reason)) this.#wrongPin();
        return;
      }
      default:
        return unreachable(decision);
    }
  }

  #askForPin(
    card: RawCredential | undefined,
    { pass, user }: { readonly pass: PassId; readonly user: UserId },
  ): void {
    if (card === undefined) throw new Error("a PIN was asked for after a PIN");
    this.#present({ kind: "pin_required", raw: card, pass, user });
  }

  #wrongPin(): void {
    const { state, effects } = countWrongPin(this.id, this.#lockout, this.#now());
    this.#lockout = state;
    for (const { event } of effects) this.#options.record(event);
  }

  #deny(reason: DenialReason, who: { readonly pass?: PassId; readonly user?: UserId }): void {
    const { door, record } = this.#options;
    this.#lamps.answer("denied");
    record({ kind: "access_denied", door: door.id, reader: this.id, reason, ...who });
  }

  #now(): MonotonicMs {
    return this.#options.clock.monotonic();
  }
}
