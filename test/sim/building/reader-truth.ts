import type { PassId, ReaderId, UserId } from "../../../src/domain/ids.ts";
import type { DenialReason } from "../../../src/domain/reason.ts";
import type { Shown } from "./ladder.ts";

/* The limits of behaviour 26, written down a second time on purpose. */
const wrongPinsMax = 5;
const wrongPinWindowMs = 120_000;
const firstPauseMs = 60_000;
const pauseMsMax = 900_000;
const pauseForgottenMs = 3_600_000;

export interface Who {
  readonly pass: PassId;
  readonly user: UserId;
}

interface Waiting extends Who {
  readonly shown: Shown;
  readonly until: number;
}

/** What a presentation comes to before anybody looks at the rules. */
export type Attempt =
  | { readonly kind: "ask"; readonly shown: Shown }
  | { readonly kind: "refuse"; readonly reason: DenialReason; readonly who: Who | undefined };

export type Refusal = Who & { readonly reason: DenialReason };

/** What is under way at one reader: a card that waits for its PIN, a person for company, a pause. */
export class ReaderTruth {
  readonly id: ReaderId;
  #card: Waiting | undefined;
  #person: (Waiting & { readonly need: "second_person" | "escort" }) | undefined;
  #escortedUntil = Number.NEGATIVE_INFINITY;
  #wrongAt: number[] = [];
  #pause: { readonly ms: number; readonly until: number } | undefined;

  constructor(id: ReaderId) {
    this.id = id;
  }

  get awaitsPin(): boolean {
    return this.#card !== undefined;
  }

  get waiting(): Shown | undefined {
    return this.#person?.shown;
  }

  isEscorted(now: number): boolean {
    return now < this.#escortedUntil;
  }

  attempt(shown: Shown, now: number): Attempt {
    const card = this.#card;
    if (shown.card === undefined) {
      if (this.#pause !== undefined && now < this.#pause.until) {
        return { kind: "refuse", reason: "pin_locked_out", who: card };
      }
      this.#card = undefined;
      return { kind: "ask", shown: card === undefined ? shown : { ...card.shown, ...shown } };
    }
    if (card === undefined) return { kind: "ask", shown };
    const isSame = shown.card === card.shown.card;
    if (!isSame) this.#card = undefined;
    const reason = isSame ? "same_card_twice" : "card_when_pin_expected";
    return { kind: "refuse", reason, who: card };
  }

  awaitPin(card: Waiting): void {
    this.#card = card;
  }

  /** Returns who gives up the place. */
  awaitCompany(need: "second_person" | "escort", person: Waiting): readonly Refusal[] {
    const before = this.#person;
    this.#person = { ...person, need };
    return before === undefined || before.user === person.user ? [] : [left(before)];
  }

  /** Who waited goes in with another, or is refused with him. */
  takenAlong(): void {
    this.#person = undefined;
  }

  /** Returns who was left standing there. */
  granted(how: { readonly escortsUntil: number | undefined; readonly along: boolean }) {
    const before = this.#person;
    this.#person = undefined;
    this.#escortedUntil = how.escortsUntil ?? this.#escortedUntil;
    return before === undefined || how.along ? [] : [left(before)];
  }

  /** Returns for how long the keypad pauses, if it does. */
  wrongPin(now: number): number | undefined {
    this.#wrongAt = [...this.#wrongAt.filter((at) => now - at < wrongPinWindowMs), now];
    if (this.#wrongAt.length < wrongPinsMax) return undefined;
    const isForgotten = this.#pause === undefined || now - this.#pause.until >= pauseForgottenMs;
    const ms = isForgotten ? firstPauseMs : Math.min(2 * (this.#pause?.ms ?? 0), pauseMsMax);
    this.#pause = { ms, until: now + ms };
    this.#wrongAt = [];
    return ms;
  }

  /** Who has waited for too long. */
  passTime(now: number): readonly Refusal[] {
    const refusals: Refusal[] = [];
    if (this.#card !== undefined && now >= this.#card.until) {
      const { pass, user } = this.#card;
      refusals.push({ pass, user, reason: "second_factor_timeout" });
      this.#card = undefined;
    }
    if (this.#person !== undefined && now >= this.#person.until) {
      const { pass, user, need } = this.#person;
      refusals.push({ pass, user, reason: `${need}_timeout` });
      this.#person = undefined;
    }
    return refusals;
  }
}

function left(person: Who & { readonly need: "second_person" | "escort" }): Refusal {
  const { pass, user, need } = person;
  return { pass, user, reason: need === "escort" ? "not_an_escort" : "second_person_timeout" };
}
