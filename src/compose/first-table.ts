import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";

/** How long a controller that never had a table is waited for, before it is shown without one. */
const firstTableMs = 5_000;

/** Comes when there is a table, or when it is late. The doors do not wait for it. */
export class FirstTable {
  readonly promise: Promise<void>;
  #arrived: () => void = () => undefined;

  constructor(clock: Clock, table: "found" | "awaited") {
    if (table === "found") {
      this.promise = Promise.resolve();
      return;
    }
    this.promise = new Promise((resolve) => {
      const late = clock.alarm(monotonicMs(clock.monotonic() + firstTableMs), resolve);
      this.#arrived = () => {
        late.cancel();
        resolve();
      };
    });
  }

  arrived(): void {
    this.#arrived();
  }
}
