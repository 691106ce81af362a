import type { Clock } from "../../hal/clock.ts";
import {
  type EnrolmentEffect,
  type EnrolmentInput,
  type EnrolmentState,
  type Expects,
  enrolmentDeadline,
  initialEnrolment,
  lastUnknown,
  stepEnrolment,
} from "../core/enrolment.ts";
import type { RawCredential } from "../domain/credential.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import type { ReaderLamps } from "./reader-lamps.ts";

export interface EnrolmentOrder {
  /** By which the site finds who asked. */
  readonly attempt: string;
  readonly expects: Expects;
  readonly forMs: number;
  readonly isTampered: boolean;
}

/** What an enrolment at a reader came to, for whoever asked for it. */
export type Enrolled =
  /** `format`: by which the reader took a card. */
  | { readonly kind: "taken"; readonly raw: RawCredential; readonly format?: string }
  | { readonly kind: "nothing" | "cancelled" | "tampered" };

export interface ReaderEnrolmentOptions {
  readonly clock: Clock;
  readonly lamps: ReaderLamps;
  /** Of a card that is nobody's enrolment. */
  readonly judge: (raw: RawCredential) => void;
}

type Answered = "listening" | "busy" | "tampered";

/**
 * The enrolments at one reader: every card passes here first, and every phone that asks to be enrolled.
 * PINs, and phones that ask to be let in, are judged as ever.
 */
export class ReaderEnrolment {
  readonly #options: ReaderEnrolmentOptions;
  readonly #deadline: Deadline;
  #state: EnrolmentState = initialEnrolment;
  #told: (enrolled: Enrolled) => void = () => undefined;

  constructor(options: ReaderEnrolmentOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.clock, () => this.#step({ kind: "deadline_reached" }));
  }

  /** What is under way is forgotten: nobody is told. */
  close(): void {
    this.#deadline.set(undefined);
  }

  /** Waits for what it expects, and calls `told` once, later; where it is refused, never. */
  begin(order: EnrolmentOrder, told: (enrolled: Enrolled) => void): Answered {
    const answer = answerTo(this.#step({ kind: "begin", ...order }));
    if (answer !== "listening") return answer ?? "busy";
    this.#told = told;
    this.#options.lamps.expect("enrolment");
    return answer;
  }

  /** Of that attempt, and no other. */
  cancel(attempt: string): void {
    this.#step({ kind: "cancel", attempt });
  }

  /** What this reader sends from now on may be anybody's. */
  tampered(): void {
    this.#step({ kind: "tampered" });
  }

  card(raw: RawCredential, format: string): void {
    this.#step({ kind: "card", raw }, format);
  }

  /** A phone that asks to be enrolled, and has proved its key. Enrolled: the site is told of it. */
  phone(raw: RawCredential): "enrolled" | "not_enrolling" {
    const effects = this.#step({ kind: "phone", raw });
    const isTaken = effects.some(({ kind }) => kind === "taken" || kind === "taken_before");
    return isTaken ? "enrolled" : "not_enrolling";
  }

  declinedUnknown(raw: RawCredential): void {
    this.#step({ kind: "declined_unknown", raw });
  }

  /** What was declined last because nobody knows it: for 15 minutes, or until the next. */
  lastUnknown(): RawCredential | undefined {
    return lastUnknown(this.#state, this.#options.clock.monotonic());
  }

  #step(input: EnrolmentInput, format?: string): readonly EnrolmentEffect[] {
    const { state, effects } = stepEnrolment(this.#state, input, this.#options.clock.monotonic());
    this.#state = state;
    this.#deadline.set(enrolmentDeadline(state));
    for (const effect of effects) this.#carryOut(effect, format);
    return effects;
  }

  #carryOut(effect: EnrolmentEffect, format: string | undefined): void {
    switch (effect.kind) {
      case "judge":
        return this.#options.judge(effect.raw);
      case "listen":
      case "refuse":
      case "taken_before":
      case "not_enrolling":
        return;
      case "taken": {
        const { raw } = effect;
        return this.#end("taken", { kind: "taken", raw, ...(format !== undefined && { format }) });
      }
      case "ended":
        return this.#end("denied", { kind: effect.outcome });
      default:
        return unreachable(effect);
    }
  }

  #end(answer: "taken" | "denied", enrolled: Enrolled): void {
    const { lamps } = this.#options;
    lamps.settled("enrolment");
    lamps.answer(answer);
    const told = this.#told;
    this.#told = () => undefined;
    told(enrolled);
  }
}

/** What became of a `begin`. */
function answerTo(effects: readonly EnrolmentEffect[]): Answered | undefined {
  for (const effect of effects) {
    if (effect.kind === "listen") return "listening";
    if (effect.kind === "refuse") return effect.reason;
  }
  return undefined;
}
