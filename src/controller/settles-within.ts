import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";

/** Whether it settles in this time; it goes on all the same. What it comes to is for the caller. */
export function settlesWithin(
  clock: Pick<Clock, "monotonic" | "alarm">,
  ms: number,
  work: Promise<unknown>,
): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = new Deadline(clock, () => resolve(false));
    deadline.set(monotonicMs(clock.monotonic() + ms));
    const settled = () => {
      deadline.set(undefined);
      resolve(true);
    };
    work.then(settled, settled);
  });
}
