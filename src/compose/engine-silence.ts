import type { Alarm, Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import type { SiteEngine } from "../site/site-engine.ts";
import type { SiteLog } from "../site/site-log.ts";

export interface EngineSilenceOptions {
  readonly engine: Pick<SiteEngine, "syncOf">;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
}

/** Between an answer and the next question. */
const askEveryMs = 10_000;
/** An engine may make the tables of a million people for as long, and answers nobody meanwhile. */
export const silenceMsMax = 120_000;

/**
 * How long the site's engine has not answered. Its thread may hang while that of the API goes on, and
 * nothing that is issued would come to any door, with the service alive to all appearances.
 */
export class EngineSilence {
  readonly #options: EngineSilenceOptions;
  #alarm: Alarm | undefined;
  /** When it was asked what it has not answered yet. */
  #askedAt: number | undefined;
  #isTold = false;

  constructor(options: EngineSilenceOptions) {
    this.#options = options;
    this.#askLater();
  }

  /** For how long the answer is overdue, in ms; 0: it is not. */
  overdueMs(): number {
    if (this.#askedAt === undefined) return 0;
    const { clock, log } = this.#options;
    const silentMs = clock.monotonic() - this.#askedAt;
    if (silentMs <= silenceMsMax) return 0;
    if (!this.#isTold) log.warn({ silentMs }, "the site's engine does not answer: it hangs");
    this.#isTold = true;
    return silentMs - silenceMsMax;
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #askLater(): void {
    const { clock } = this.#options;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + askEveryMs), () => {
      this.#askedAt = clock.monotonic();
      // Of no pass: it costs nothing, and waits in the same line as everything that it is asked.
      this.#options.engine.syncOf([]).then(
        () => this.#answered(),
        // Its thread is gone, or its disk fails, which is told elsewhere: it hangs in neither case.
        () => this.#answered(),
      );
    });
  }

  #answered(): void {
    this.#askedAt = undefined;
    this.#isTold = false;
    if (this.#alarm !== undefined) this.#askLater();
  }
}
