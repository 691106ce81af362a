import type { Clock } from "../../hal/clock.ts";
import { settlesWithin } from "../controller/settles-within.ts";

/** How long a controller that never had a table is waited for, before it is shown without one. */
const firstTableMs = 5_000;

/** Comes when there is a table, or when it is late. The doors do not wait for it. */
export class FirstTable {
  readonly promise: Promise<unknown>;
  #arrived: () => void = () => undefined;

  constructor(clock: Clock, table: "found" | "awaited") {
    if (table === "found") {
      this.promise = Promise.resolve();
      return;
    }
    const arrival = new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    this.promise = settlesWithin(clock, firstTableMs, arrival);
  }

  arrived(): void {
    this.#arrived();
  }
}
