import type { Indicator, LightPattern } from "../../hal/indicator.ts";
import { type Answer, answerPattern, beepMs, type Resting, restingPattern } from "./indication.ts";

/** What somebody who was found good so far is still to show, or to bring along; or a card to enrol. */
export type Expected = "pin" | "company" | "enrolment";

/** The lamps and beeper of one reader: what its door is, and the answer to the last presentation. */
export class ReaderLamps {
  readonly #indicator: Indicator;
  #door: Resting = "secured";
  readonly #expected = new Set<Expected>();
  #isReading = false;
  #isTrial = false;

  constructor(indicator: Indicator) {
    this.#indicator = indicator;
  }

  /** Amber gives way to what the door is (behaviour 33). */
  ready(): void {
    this.#indicator.beep(beepMs.ready);
    this.#show();
  }

  /** Shown when it changes, so that the answer to a tap is not cut short by the door it opened. */
  door(resting: Resting): void {
    if (resting === this.#door) return;
    this.#door = resting;
    this.#show();
  }

  /** A phone is connected and has not been answered: amber until the next answer to anybody. */
  reading(): void {
    this.#isReading = true;
    this.#show();
  }

  /** It was not answered, and is not going to be. */
  endReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#show();
  }

  expect(what: Expected): void {
    this.#isReading = false;
    this.#expected.add(what);
    this.#indicator.beep(beepMs.expected);
    this.#show();
  }

  /** Shows nothing by itself: the answer to what settled it follows, after the strike. */
  settled(what: Expected): void {
    this.#expected.delete(what);
  }

  /**
   * Something else for a technician, until `endTrial`. Whatever is due at the door meanwhile ends it: a
   * lamp on trial must not hide the answer to a tap.
   */
  tryOut(pattern: LightPattern): void {
    this.#isTrial = true;
    this.#indicator.show(pattern);
  }

  /** What is due comes back; nothing where it is back already. */
  endTrial(): void {
    if (this.#isTrial) this.#show();
  }

  key(): void {
    this.#indicator.beep(beepMs.key);
  }

  answer(answer: Answer): void {
    this.#isReading = false;
    this.#indicator.beep(beepMs[answer]);
    const pattern = answerPattern(answer, this.#resting());
    if (pattern === undefined) this.#show();
    else {
      this.#isTrial = false;
      this.#indicator.show(pattern);
    }
  }

  #show(): void {
    this.#isTrial = false;
    this.#indicator.show(restingPattern(this.#resting()));
  }

  #resting(): Resting {
    // Anybody's phone in the street lights amber: no alarm is hidden behind that.
    const isAlarm = this.#door === "alarm" || this.#door === "warning";
    if (this.#isReading && !isAlarm) return "reading";
    return this.#expected.size > 0 ? "more_expected" : this.#door;
  }
}
