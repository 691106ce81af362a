import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";

/** What `promise` comes to, or undefined where that takes longer than `ms`; it goes on all the same. */
export async function atMost<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  let isLate: () => void = () => undefined;
  const late = new Promise<undefined>((resolve) => {
    isLate = () => resolve(undefined);
  });
  const alarm = clock.alarm(monotonicMs(clock.monotonic() + ms), isLate);
  try {
    return await Promise.race([promise, late]);
  } finally {
    alarm.cancel();
  }
}
