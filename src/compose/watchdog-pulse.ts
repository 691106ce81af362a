import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ServiceManager } from "../../hal/service-manager.ts";
import { monotonicMs } from "../domain/time.ts";

export interface WatchdogPulseOptions {
  readonly service: ServiceManager;
  /** The doors' own: a pulse by other timers would go on when theirs do not. */
  readonly clock: Clock;
  /** For how long something of the doors has been due and was not done, in ms. */
  readonly overdueMs: () => number;
}

/** Four, so that three may be late or lost before a watchdog bites. */
const pulsesPerWatchdog = 4;
const overdueMsMax = 1_000;
/** A loop that was held up has all its timers due at once, and the doors' may come after the pulse's. */
const lookAgainMs = 100;

/**
 * Says `alive` to the service manager for as long as the doors are served: timers of their clock fire,
 * and no door waits for a step that was due. Says nothing where nobody watches.
 */
export class WatchdogPulse {
  readonly #options: WatchdogPulseOptions;
  #alarm: Alarm | undefined;

  /** To be made when the service manager has heard `ready`, which is the first sign of life. */
  constructor(options: WatchdogPulseOptions) {
    this.#options = options;
    const { watchdogMs } = options.service;
    if (watchdogMs !== undefined) this.#beat(watchdogMs / pulsesPerWatchdog);
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #beat(everyMs: number, afterMs = everyMs): void {
    const { service, clock, overdueMs } = this.#options;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + afterMs), () => {
      const isServed = overdueMs() <= overdueMsMax;
      if (isServed) service.alive();
      this.#beat(everyMs, isServed ? everyMs : lookAgainMs);
    });
  }
}
