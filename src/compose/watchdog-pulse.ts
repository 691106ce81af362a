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
/** A loop that was held up has all its timers due at once, and the doors' may come after the pulse's. */
const overdueMsMax = 1_000;

/**
 * Says `alive` to the service manager for as long as the doors are served: timers of their clock fire,
 * and no door waits for a step that was due. Says nothing where nobody watches.
 */
export class WatchdogPulse {
  readonly #options: WatchdogPulseOptions;
  #alarm: Alarm | undefined;

  /** The first pulse is the `ready` that comes before. */
  constructor(options: WatchdogPulseOptions) {
    this.#options = options;
    this.#arm();
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #arm(): void {
    const { service, clock } = this.#options;
    if (service.watchdogMs === undefined) return;
    const at = monotonicMs(clock.monotonic() + service.watchdogMs / pulsesPerWatchdog);
    this.#alarm = clock.alarm(at, () => this.#pulse());
  }

  #pulse(): void {
    const { service, overdueMs } = this.#options;
    if (overdueMs() <= overdueMsMax) service.alive();
    this.#arm();
  }
}
