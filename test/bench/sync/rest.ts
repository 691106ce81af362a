import type { Alarm } from "../../../hal/clock.ts";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

const clock = createSystemClock({ quality: () => "trusted" });

/** So that the next thing measured finds everybody at rest. */
export async function rest(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), resolve);
  });
}

/** Rejects, saying `what` did not come about, where `promise` takes longer than any measurement may. */
export async function inTime<Value>(
  what: string,
  mostMs: number,
  promise: Promise<Value>,
): Promise<Value> {
  let alarm: Alarm | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`not in ${mostMs} ms: ${what}`);
    alarm = clock.alarm(monotonicMs(clock.monotonic() + mostMs), () => reject(error));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    alarm?.cancel();
  }
}
