import t from "tap";
import type { Alarm } from "../../../hal/clock.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimServiceManager } from "../../../hal/sim/sim-service-manager.ts";
import { WatchdogPulse } from "../../../src/compose/watchdog-pulse.ts";
import type { MonotonicMs } from "../../../src/domain/time.ts";
import { adaBits, content, front, open } from "../controller/door-rig.ts";

/** The strike is released for 3 s: nothing else of a door and its watchdog waits for so long. */
const relockWaitMsMin = 2_500;

/** Loses the timers that secure a strike, as a bug of ours would. */
class ForgetfulClock extends SimClock {
  override alarm(at: MonotonicMs, due: () => void): Alarm {
    const isLost = at - this.monotonic() >= relockWaitMsMin;
    return isLost ? { cancel: () => undefined } : super.alarm(at, due);
  }
}

/** A controller under a watchdog of 5 s. */
function watched(clock = new SimClock()) {
  const world = open(content(), { clock });
  const service = new SimServiceManager({ clock, watchdogMs: 5_000 });
  service.ready();
  const overdueMs = () => world.controller.overdueMs();
  const pulse = new WatchdogPulse({ service, clock, overdueMs });
  /** Of `ready`, and then of each pulse. */
  const aliveAts = () => service.heard().map(({ at }) => at);
  return { world, clock, service, pulse, aliveAts };
}

t.test(
  "a controller whose doors are served says so four times in the watchdog's time",
  async (t) => {
    const { world, clock, service, aliveAts } = watched();
    for (let minute = 0; minute < 10; minute += 1) {
      await world.tap(front.reader, adaBits);
      t.equal(world.strikes()[0], "released");
      await clock.elapse(60_000);
      t.notOk(service.isOverdue());
    }
    const ats = aliveAts();
    t.ok(ats.length > 470);
    t.ok(ats.every((at, index) => at - (ats[index - 1] ?? at) <= 1_250));
    world.close();
  },
);

t.test("a door that nobody secures any more is a reason to be killed", async (t) => {
  const { world, clock, service } = watched(new ForgetfulClock());
  await world.tap(front.reader, adaBits);
  await clock.elapse(3_500);
  t.equal(world.strikes()[0], "released", "for longer than it should");
  t.notOk(service.isOverdue());
  await clock.elapse(6_500);
  t.ok(service.isOverdue());
  world.close();
});

t.test(
  "a loop that was held up for less than the watchdog's time is not killed for it",
  async (t) => {
    // At each moment of an unlock time, so that its end comes due before a pulse's time and after it.
    for (let offsetMs = 0; offsetMs < 3_000; offsetMs += 100) {
      const { world, clock, aliveAts } = watched();
      await world.tap(front.reader, adaBits);
      await clock.elapse(offsetMs);
      clock.stall(3_500);
      await clock.elapse(10_000);
      const ats = aliveAts();
      const longestMs = Math.max(...ats.map((at, index) => at - (ats[index - 1] ?? at)));
      t.ok(longestMs > 3_400 && longestMs < 5_000, `silent for ${longestMs} ms`);
      t.equal(world.strikes()[0], "secured");
      world.close();
    }
  },
);

t.test("nobody is told where nobody watches, and after the end", async (t) => {
  const clock = new SimClock();
  const unwatched = new SimServiceManager({ clock });
  new WatchdogPulse({ service: unwatched, clock, overdueMs: () => 0 });
  t.equal(clock.alarmCount, 0, "a timer for nothing would wake the machine");
  const { world, clock: watchedClock, pulse, aliveAts } = watched();
  await watchedClock.elapse(2_000);
  pulse.close();
  await watchedClock.elapse(10_000);
  t.equal(aliveAts().length, 2);
  world.close();
});
