import type { Test } from "tap";
import type { Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";

export interface ClockRig {
  readonly clock: Clock;
  /** Resolves when at least this much time has passed on the clock and what came due has fired. */
  pass(ms: number): Promise<void>;
}

/** What `hal/clock.ts` promises, of any implementation. */
export function clockConformance(t: Test, makeRig: () => ClockRig): void {
  t.test("an alarm is never early and never from within the call that arms it", async (t) => {
    const { clock, pass } = makeRig();
    const early: number[] = [];
    let fired = 0;
    // Timers tick in whole milliseconds; only some of many instants fall so that one could be early.
    for (let count = 0; count < 400; count += 1) {
      const at = monotonicMs(clock.monotonic() + ((count * 0.37) % 20));
      let armed = false;
      clock.alarm(at, () => {
        fired += 1;
        if (!armed) t.fail("fired from within the call");
        if (clock.monotonic() < at) early.push(at - clock.monotonic());
      });
      armed = true;
      await pass(0.05);
    }
    await pass(40);
    t.equal(fired, 400);
    t.same(early, []);
  });

  t.test("an alarm for an instant that has passed fires, later and once", async (t) => {
    const { clock, pass } = makeRig();
    let fired = 0;
    clock.alarm(monotonicMs(clock.monotonic() - 1_000), () => {
      fired += 1;
    });
    t.equal(fired, 0);
    await pass(20);
    t.equal(fired, 1);
  });

  t.test("alarms fire in the order of their instants", async (t) => {
    const { clock, pass } = makeRig();
    const fired: number[] = [];
    for (const wait of [15, 5, 10]) {
      clock.alarm(monotonicMs(clock.monotonic() + wait), () => fired.push(wait));
    }
    await pass(40);
    t.same(fired, [5, 10, 15]);
  });

  t.test("a cancelled alarm stays silent, and cancelling one that fired is harmless", async (t) => {
    const { clock, pass } = makeRig();
    const fired: string[] = [];
    const cancelled = clock.alarm(monotonicMs(clock.monotonic() + 5), () => fired.push("no"));
    const kept = clock.alarm(monotonicMs(clock.monotonic() + 5), () => fired.push("yes"));
    cancelled.cancel();
    await pass(20);
    kept.cancel();
    cancelled.cancel();
    t.same(fired, ["yes"]);
  });

  t.test("an alarm a year away does not fire now", async (t) => {
    const { clock, pass } = makeRig();
    let fired = 0;
    const at = monotonicMs(clock.monotonic() + 365 * 86_400_000);
    const alarm = clock.alarm(at, () => {
      fired += 1;
    });
    await pass(20);
    t.equal(fired, 0);
    alarm.cancel();
  });

  t.test("monotonic time never goes back", async (t) => {
    const { clock, pass } = makeRig();
    let last = clock.monotonic();
    for (let count = 0; count < 10_000; count += 1) {
      const now = clock.monotonic();
      if (now < last) t.fail(`went back from ${last} to ${now}`);
      last = now;
    }
    await pass(5);
    t.ok(clock.monotonic() >= last + 5);
  });
}
