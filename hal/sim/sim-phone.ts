import { HalError } from "../../src/domain/hal-error.ts";
import type { PhoneFault } from "../../src/protocols/mobile-pass/mobile-fault.ts";
import type { PhoneAction, PhoneForm } from "../../src/protocols/mobile-pass/phone-message.ts";
import type { PhoneState } from "../../src/protocols/mobile-pass/phone-state.ts";
import type { ReaderAnswer } from "../../src/protocols/mobile-pass/reader-answer.ts";
import { runPhone } from "../../src/protocols/mobile-pass/run-phone.ts";
import type { Entropy } from "../../src/protocols/mobile-pass/version.ts";
import type { BleCentral } from "../ble-central.ts";
import type { Clock } from "../clock.ts";

/** How long it looks for a reader that serves another phone, and then tries to be connected. */
const lookMs = 4_000;

/** What the person who holds it sees. */
export type SimPhoneOutcome =
  /** `form`: what it took the reader to believe it. */
  | { readonly outcome: ReaderAnswer; readonly form: PhoneForm }
  | { readonly outcome: "failed"; readonly fault: PhoneFault | "no_reader" };

/** One phone and what it keeps. It is used at one reader at a time. */
export class SimPhone {
  #state: PhoneState;
  readonly #clock: Clock;
  readonly #entropy: Entropy;

  constructor(options: {
    readonly state: PhoneState;
    readonly clock: Clock;
    readonly entropy: Entropy;
  }) {
    this.#state = options.state;
    this.#clock = options.clock;
    this.#entropy = options.entropy;
  }

  get state(): PhoneState {
    return this.#state;
  }

  /** From looking for the reader to what it answers. Rejects never. */
  async use(central: BleCentral, action: PhoneAction): Promise<SimPhoneOutcome> {
    const link = await this.#connect(central);
    if (link === undefined) return { outcome: "failed", fault: "no_reader" };
    const { phone, ...outcome } = await runPhone({
      link,
      phone: this.#state,
      action,
      entropy: this.#entropy,
      clock: this.#clock,
    });
    this.#state = phone;
    if (outcome.kind === "failed") return { outcome: "failed", fault: outcome.fault };
    return { outcome: outcome.answer, form: outcome.form };
  }

  async #connect(central: BleCentral) {
    try {
      const [reader] = await central.scan({ forMs: lookMs, isEnough: () => true });
      return reader && (await central.connect(reader, lookMs));
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      return undefined;
    }
  }
}
