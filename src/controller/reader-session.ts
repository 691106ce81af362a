import type { ReaderHardware } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import type { LightPattern } from "../../hal/indicator.ts";
import type { ReaderReport } from "../../hal/reader.ts";
import {
  type CompanyEffect,
  type CompanyInput,
  type CompanyState,
  companyAt,
  companyDeadline,
  initialCompany,
  stepCompany,
} from "../core/company.ts";
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
import { isPhoneCredential, type PinDigest, type RawCredential } from "../domain/credential.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { PassId, ReaderId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import type { Door } from "./door.ts";
import { admissionsOf, type Entrance, type Granted, type Presentation } from "./entrance.ts";
import { MisreadTally } from "./misread-tally.ts";
import { ReaderEnrolment } from "./reader-enrolment.ts";
import { ReaderLamps } from "./reader-lamps.ts";

export interface ReaderSessionOptions {
  readonly hardware: ReaderHardware;
  readonly door: Door;
  readonly clock: Clock;
  readonly entrance: Entrance;
  readonly digestPin: (digits: string) => PinDigest;
  readonly record: (event: DoorEvent) => void;
}

/** What a phone's presentation came to at once; a PIN or company is awaited after `more_needed`. */
export type PhoneVerdict =
  | "granted"
  /** It was let in, and the strike does not take its command. */
  | "strike_failed"
  | "more_needed"
  | "denied"
  /** Denied, because it is nobody's. */
  | "unknown";

type TellPhone = (verdict: PhoneVerdict) => void;

/** Empty where nobody knows whose it was. */
interface DeniedPerson {
  readonly pass?: PassId;
  readonly user?: UserId;
}

/**
 * What is presented at one reader, from report to strike: in one turn of the event loop, with pure
 * code and one write in between. The journal and the network hear of it afterwards.
 */
export class ReaderSession {
  readonly id: ReaderId;
  /** Each card passes there before it is judged. */
  readonly enrolment: ReaderEnrolment;
  readonly #options: ReaderSessionOptions;
  readonly #lamps: ReaderLamps;
  readonly #entryDeadline: Deadline;
  readonly #factorDeadline: Deadline;
  readonly #companyDeadline: Deadline;
  readonly #lampTrial: Deadline;
  readonly #misreads: MisreadTally;
  #entry: KeypadEntryState = initialKeypadEntry;
  #factor: TwoFactorState = initialTwoFactor;
  #lockout: PinLockoutState = initialPinLockout;
  #company: CompanyState = initialCompany;
  #closed = false;

  constructor(options: ReaderSessionOptions) {
    const { hardware, clock, door, record } = options;
    this.id = hardware.id;
    this.#options = options;
    this.#lamps = new ReaderLamps(hardware.indicator);
    this.#misreads = new MisreadTally({ reader: hardware.id, clock, record });
    this.#entryDeadline = new Deadline(clock, () => this.#enter({ kind: "deadline_reached" }));
    this.#factorDeadline = new Deadline(clock, () => this.#present({ kind: "deadline_reached" }));
    this.#companyDeadline = new Deadline(clock, () => this.#meet({ kind: "deadline_reached" }));
    this.#lampTrial = new Deadline(clock, () => this.#lamps.endTrial());
    this.enrolment = new ReaderEnrolment({
      clock,
      lamps: this.#lamps,
      judge: (raw) => this.#present({ kind: "card", raw }),
    });
    this.#lamps.ready();
    door.watch((resting) => this.#lamps.door(resting));
    hardware.reader.listen((report) => this.#read(report));
  }

  /** Whatever is under way here is forgotten, and nothing more is read. */
  close(): void {
    this.#closed = true;
    this.#entryDeadline.set(undefined);
    this.#factorDeadline.set(undefined);
    this.#companyDeadline.set(undefined);
    this.enrolment.close();
    this.#lampTrial.set(undefined);
    this.#misreads.close();
  }

  /** A phone is there. Until the next answer, or `phoneGone`, the lamps say so. */
  phoneConnected(): void {
    this.#lamps.reading();
  }

  phoneGone(): void {
    this.#lamps.endReading();
  }

  /**
   * A phone that asks to be let in and has proved its key: judged as its user's card would be. `tell` is
   * called once, after strike and lamps and before anything is recorded; where a use is counted, when that
   * is on disk; and never where this was closed meanwhile.
   */
  phone(raw: RawCredential, tell: TellPhone): void {
    if (!this.#closed) this.#present({ kind: "card", raw }, tell);
  }

  /** For a technician; then what is due comes back, or earlier where something happens here. */
  showLight(pattern: LightPattern, forMs: number): void {
    this.#lamps.tryOut(pattern);
    this.#lampTrial.set(monotonicMs(this.#now() + forMs));
  }

  #read(report: ReaderReport): void {
    if (this.#closed) return;
    switch (report.kind) {
      case "card":
        return this.enrolment.card(report.raw, report.format);
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
        const digest = this.#options.digestPin(effect.digits);
        // A card that waits for its PIN stays as it is: its own time runs on.
        if (isPinLockedOut(this.#lockout, this.#now())) {
          const { pass, user } = this.#factor.kind === "awaiting_pin" ? this.#factor.pending : {};
          this.#deny("pin_locked_out", { ...(pass && { pass }), ...(user && { user }) });
          // Whoever threatens somebody must not disarm the alarm by five wrong PINs.
          return this.#recordDuress(this.#options.entrance.duressOf(digest));
        }
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

  #present(input: TwoFactorInput, tell?: TellPhone): void {
    const { secondFactorMs } = this.#options.door.settings();
    const { state, effects } = stepTwoFactor({ secondFactorMs }, this.#factor, input, this.#now());
    this.#factor = state;
    this.#factorDeadline.set(twoFactorDeadline(state));
    if (!awaitsPin(state)) this.#lamps.settled("pin");
    for (const [index, effect] of effects.entries()) {
      // Before it stands what became of a card whose PIN came too late.
      this.#carryOut(effect, index === effects.length - 1 ? tell : undefined);
    }
  }

  #carryOut(effect: TwoFactorEffect, tell: TellPhone | undefined): void {
    switch (effect.kind) {
      case "authorize":
        return this.#authorize(effect.presented, tell);
      case "deny":
        return this.#deny(effect.reason, { pass: effect.pass, user: effect.user }, tell);
      case "prompt_pin":
        return this.#lamps.expect("pin");
      default:
        return unreachable(effect);
    }
  }

  #authorize(presented: Presented, tell?: TellPhone): void {
    const { entrance } = this.#options;
    const company = companyAt(this.#company, this.#now());
    const presentation = { reader: this.id, presented, company };
    const decision = entrance.decide(presentation);
    switch (decision.kind) {
      case "granted":
        this.#admit(presentation, decision, tell);
        break;
      case "pin_required":
        this.#askForPin(presented.card, decision);
        tell?.("more_needed");
        break;
      case "second_person_required":
      case "escort_required": {
        const need = decision.kind === "escort_required" ? "escort" : "second_person";
        const { pass, user } = decision;
        this.#meet({ kind: "required", person: { need, presented, pass, user } });
        tell?.("more_needed");
        break;
      }
      case "denied": {
        const { pass, user, reason } = decision;
        this.#deny(reason, { ...(pass && { pass }), ...(user && { user }) }, tell);
        if (presented.card !== undefined && reason === "unknown_credential") {
          this.#declinedUnknown(presented.card);
        }
        if (presented.pin !== undefined && isWrongPin(presented, decision)) this.#wrongPin();
        break;
      }
      default:
        return unreachable(decision);
    }
    // Last, for it must not be seen at the door, however long it takes.
    this.#recordDuress(decision.duress);
  }

  #declinedUnknown(raw: RawCredential): void {
    if (!isPhoneCredential(raw)) this.enrolment.declinedUnknown(raw);
  }

  #recordDuress(who: Required<DeniedPerson> | undefined): void {
    const { door, record } = this.#options;
    if (who !== undefined) record({ kind: "duress", door: door.id, reader: this.id, ...who });
  }

  #admit(presentation: Presentation, decided: Granted, tell: TellPhone | undefined): void {
    const people = admissionsOf(decided);
    if (decided.along !== undefined) this.#meet({ kind: "taken_along" });
    this.#options.entrance.admit(presentation, decided, {
      answer: () => {
        this.#lamps.answer("granted");
        tell?.(this.#options.door.isCommanded() ? "granted" : "strike_failed");
      },
      done: (outcome) => {
        if (outcome.kind === "denied") {
          // The presenter is the last of them.
          for (const [index, { pass, user }] of people.entries()) {
            const heard = index === people.length - 1 ? tell : undefined;
            this.#deny(outcome.reason, { pass, user }, heard);
          }
          return;
        }
        const { granted } = outcome;
        // Whoever came in may be the escort, and only whoever came in.
        const escorts = admissionsOf(granted).some((one) => one.escorts === true);
        this.#meet({ kind: "granted", escorts, along: granted.along !== undefined });
      },
    });
  }

  /** Who needs company waits for it here, as the lamps say, and is denied when none came. */
  #meet(input: CompanyInput): void {
    const { companyMs } = this.#options.door.settings();
    const { state, effects } = stepCompany({ companyMs }, this.#company, input, this.#now());
    this.#company = state;
    this.#companyDeadline.set(companyDeadline(state));
    if (state.waiting === undefined) this.#lamps.settled("company");
    for (const effect of effects) this.#met(effect, input);
  }

  #met(effect: CompanyEffect, after: CompanyInput): void {
    switch (effect.kind) {
      case "deny": {
        const { reason, pass, user } = effect;
        // The lamps belong to whoever was granted just now.
        if (after.kind === "granted") return this.#recordDenial(reason, { pass, user });
        return this.#deny(reason, { pass, user });
      }
      case "prompt_company":
        return this.#lamps.expect("company");
      default:
        return unreachable(effect);
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

  #deny(reason: DenialReason, who: DeniedPerson, tell?: TellPhone): void {
    this.#lamps.answer("denied");
    // During a lockdown a stranger is told no other reason than everybody, and is one all the same.
    tell?.(who.pass === undefined && reason !== "no_table" ? "unknown" : "denied");
    this.#recordDenial(reason, who);
  }

  #recordDenial(reason: DenialReason, who: DeniedPerson): void {
    const { door, record } = this.#options;
    record({ kind: "access_denied", door: door.id, reader: this.id, reason, ...who });
  }

  #now(): MonotonicMs {
    return this.#options.clock.monotonic();
  }
}
