import type { Logger } from "pino";
import { withoutCredentials } from "./config/broker-url.ts";

/** Says once that the broker is away and why, however often it is tried, and once that it is back. */
export class BrokerOutages {
  readonly #log: Logger;
  readonly #broker: string;
  #isAway = false;

  constructor(log: Logger, url: string) {
    this.#log = log;
    this.#broker = withoutCredentials(url);
  }

  lost(why: string): void {
    if (!this.#isAway) this.#log.warn({ broker: this.#broker, why }, "the broker is away");
    this.#isAway = true;
  }

  up(): void {
    if (this.#isAway) this.#log.warn({ broker: this.#broker }, "the broker is back");
    this.#isAway = false;
  }
}
