import type { Clock } from "../../hal/clock.ts";
import type { Reader, ReaderObservation } from "../../hal/reader.ts";
import type { LocalPresentation } from "../protocols/local/local-reports.ts";
import type { LocalFeed } from "./local-feed.ts";

/** Presentations that wait for a client; beyond it the newest are counted and not kept. */
const waitingMax = 64;

/** Each presentation at one reader. Without `bits` no card's number leaves the controller. */
export class PresentationFeed implements LocalFeed {
  readonly #waiting: LocalPresentation[] = [];
  readonly #stopObserving: () => void;
  #missedCount = 0;
  #onNews: () => void = () => undefined;

  constructor(options: {
    readonly reader: Reader;
    readonly observe: NonNullable<Reader["observe"]>;
    readonly bits: "shown" | "masked";
    readonly clock: Clock;
  }) {
    const { reader, observe, bits, clock } = options;
    this.#stopObserving = observe((seen) => {
      if (this.#waiting.length === waitingMax) {
        this.#missedCount += 1;
        return;
      }
      this.#waiting.push({
        at: clock.wall().at,
        ...(bits === "shown" ? seen : masked(seen)),
        health: reader.health(),
        missedCount: this.#missedCount,
      });
      this.#missedCount = 0;
      this.#onNews();
    });
  }

  take(): LocalPresentation | undefined {
    return this.#waiting.shift();
  }

  onNews(listener: () => void): void {
    this.#onNews = listener;
  }

  close(): void {
    this.#stopObserving();
  }
}

function masked({ bits: _, ...rest }: ReaderObservation): ReaderObservation {
  return rest;
}
