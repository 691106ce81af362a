import t from "tap";
import type { Clock } from "../../hal/clock.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimTimeSync } from "../../hal/sim/sim-time-sync.ts";
import { SimWallClock } from "../../hal/sim/sim-wall-clock.ts";
import { KeptClock } from "../../src/controller/kept-clock.ts";
import { type ClockQuality, monotonicMs } from "../../src/domain/time.ts";
import { clockConformance } from "./clock-conformance.ts";

/** Counts time on its own, so that an alarm that never fires is seen and not waited for. */
const passReal = (clock: Clock) => (ms: number) =>
  new Promise<void>((resolve) => {
    const end = clock.monotonic() + ms;
    const look = () => (clock.monotonic() >= end ? setImmediate(resolve) : setImmediate(look));
    look();
  });

t.test("the machine's clock", async (t) => {
  clockConformance(t, () => {
    const clock = createSystemClock({ quality: () => "trusted" });
    return { clock, pass: passReal(clock) };
  });

  t.test("waits for a year in pieces that a timer can wait for", async (t) => {
    const warnings: string[] = [];
    const warned = (warning: Error) => warnings.push(warning.name);
    process.on("warning", warned);
    t.teardown(() => process.off("warning", warned));
    const clock = createSystemClock({ quality: () => "trusted" });
    const year = monotonicMs(clock.monotonic() + 365 * 86_400_000);
    const alarm = clock.alarm(year, () => t.fail("a year has not passed"));
    await passReal(clock)(10);
    alarm.cancel();
    t.same(warnings, [], "a longer timer would fire at once, and again and again");
  });

  t.test("is the clock of process.hrtime, in milliseconds", async (t) => {
    const clock = createSystemClock({ quality: () => "trusted" });
    const before = Number(process.hrtime.bigint()) / 1e6;
    const now = clock.monotonic();
    const after = Number(process.hrtime.bigint()) / 1e6;
    // A double of this size is exact to less than a microsecond.
    t.ok(now >= before - 0.001 && now <= after + 0.001, `${before} ${now} ${after}`);
  });

  t.test("says at each look how far its wall time may be believed", async (t) => {
    let quality: ClockQuality = "unknown";
    const clock = createSystemClock({ quality: () => quality });
    t.equal(clock.wall().quality, "unknown");
    quality = "trusted";
    t.equal(clock.wall().quality, "trusted");
    t.ok(Math.abs(clock.wall().at - Date.now()) < 1_000);
  });
});

t.test("the clock that tests move", async (t) => {
  clockConformance(t, () => {
    const clock = new SimClock();
    return { clock, pass: (ms) => clock.elapse(ms) };
  });

  t.test("keeps what came due during a stall, and fires it late and in order", async (t) => {
    const clock = new SimClock({ monotonicAt: 0 });
    const fired: string[] = [];
    clock.alarm(clock.monotonic(), () => fired.push("first"));
    const later = clock.monotonic();
    clock.alarm(later, () => fired.push(`second at ${clock.monotonic()}`));
    clock.stall(50);
    t.same(fired, []);
    clock.advance(0);
    t.same(fired, ["first", "second at 50"]);
    t.equal(clock.alarmCount, 0);
  });
});

t.test("a wall clock that can be set wrong", async (t) => {
  const under = new SimClock({ wallAt: 1_000_000, quality: "trusted" });
  const clock = new SimWallClock(under);
  clockConformance(t, () => {
    const own = new SimClock();
    return { clock: new SimWallClock(own), pass: (ms) => own.elapse(ms) };
  });
  t.same(clock.wall(), { at: 1_000_000, quality: "trusted" });
  clock.setWall({ offsetMs: -500 });
  t.same(clock.wall(), { at: 999_500, quality: "trusted" });
  clock.setWall({ quality: "unknown" });
  t.same(clock.wall(), { at: 999_500, quality: "unknown" });
  t.equal(clock.monotonic(), under.monotonic());
});

t.test("the clock that doors go by", async (t) => {
  clockConformance(t, () => {
    const machine = new SimClock();
    const clock = new KeptClock({
      machine,
      rule: "trusted",
      timeSync: new SimTimeSync(),
      boot: undefined,
      file: "never-opened",
    });
    return { clock, pass: (ms) => machine.elapse(ms) };
  });
});
