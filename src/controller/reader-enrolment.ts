import type { Clock } from "../../hal/clock.ts";
import {
  type EnrolmentEffect,
  type EnrolmentInput,
  type EnrolmentState,
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
  readonly forMs: number;
  readonly isTampered: boolean;
}

/** What an enrolment at a reader came to, for whoever asked for it. */
export type Enrolled =
  /** `format`: by which the reader took it. */
  | { readonly kind: "taken"; readonly raw: RawCredential; readonly format?: string }
  | { readonly kind: "nothing" | "cancelled" | "tampered" };

export interface ReaderEnrolmentOptions {
  readonly clock: Clock;
  readonly lamps: ReaderLamps;
  /** Of a card that is nobody's enrolment. */
  readonly judge: (raw: RawCredential) => void;
}

/** The enrolments at one reader: every card passes here first. PINs are judged as ever. */
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

  /** Waits for a card, and calls `told` once, later; where it is refused, never. */
  begin(
    order: EnrolmentOrder,
    told: (enrolled: Enrolled) => void,
  ): "listening" | "busy" | "tampered" {
    const answer = this.#step({ kind: "begin", ...order });
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

  declinedUnknown(raw: RawCredential): void {
    this.#step({ kind: "declined_unknown", raw });
  }

  /** What was declined last because nobody knows it: for 15 minutes, or until the next. */
  lastUnknown(): RawCredential | undefined {
    return lastUnknown(this.#state, this.#options.clock.monotonic());
  }

  /** What became of a `begin`. */
  #step(input: EnrolmentInput, format?: string): "listening" | "busy" | "tampered" | undefined {
    const { state, effects } = stepEnrolment(this.#state, input, this.#options.clock.monotonic());
    this.#state = state;
    this.#deadline.set(enrolmentDeadline(state));
    let answer: ReturnType<ReaderEnrolment["begin"]> | undefined;
    for (const effect of effects) answer = this.#carryOut(effect, format) ?? answer;
    return answer;
  }

  #carryOut(
    effect: EnrolmentEffect,
    format: string | undefined,
  ): "listening" | "busy" | "tampered" | undefined {
    switch (effect.kind) {
      case "judge":
        this.#options.judge(effect.raw);
        return undefined;
      case "listen":
        return "listening";
      case "refuse":
        return effect.reason;
      case "taken": {
        const { raw } = effect;
        this.#end("taken", { kind: "taken", raw, ...(format !== undefined && { format }) });
        return undefined;
      }
      case "ended":
        this.#end("denied", { kind: effect.outcome });
        return undefined;
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
