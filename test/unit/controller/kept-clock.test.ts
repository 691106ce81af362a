import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimTimeSync } from "../../../hal/sim/sim-time-sync.ts";
import { openClockFloor } from "../../../src/controller/clock-floor.ts";
import { KeptClock } from "../../../src/controller/kept-clock.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { ClockRule } from "../../../src/core/clock-trust.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { epochMs, monotonicMs } from "../../../src/domain/time.ts";
import { temporaryFolder } from "./journal-records.ts";

const hour = 3_600_000;
const noon = Date.UTC(2026, 0, 5, 12);
const boot = "0123456789abcdef0123456789abcdef";

/** A clock with everything around it; `file` and `machine` may be an earlier one's. */
function rigOf(
  t: Test,
  options: {
    readonly rule?: ClockRule;
    readonly file?: string;
    readonly machine?: SimClock;
    readonly boot?: string;
  } = {},
) {
  const file = options.file ?? join(temporaryFolder(t), "clock.floor");
  const machine = options.machine ?? new SimClock({ wallAt: noon });
  const timeSync = new SimTimeSync();
  const clock = new KeptClock({
    machine,
    timeSync,
    rule: options.rule ?? "ntp",
    boot: options.boot ?? boot,
    file,
  });
  const events: DoorEvent[] = [];
  const troubles = new Troubles((event) => events.push(event));
  let changeCount = 0;
  const report = () =>
    clock.reportTo({
      troubles,
      record: (event) => events.push(event),
      onChange: () => {
        changeCount += 1;
      },
    });
  return { clock, machine, timeSync, file, events, troubles, report, changes: () => changeCount };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test("before it is started nothing vouches for the time", async (t) => {
  const { clock } = rigOf(t, { rule: "trusted" });
  t.same(clock.wall(), { at: noon, quality: "unknown" });
  await clock.close();
});

t.test("a start waits for the source's word, so that doors do not begin by denying", async (t) => {
  const { clock, timeSync, events, report } = rigOf(t);
  timeSync.answer = "synchronised";
  await clock.start();
  t.same(clock.wall(), { at: noon, quality: "trusted" });
  report();
  t.same(events, [], "and no trouble comes and goes");
  await clock.close();
});

t.test("a source that does not answer holds a start up for a second and no longer", async (t) => {
  const { clock, machine, timeSync, troubles, report } = rigOf(t);
  timeSync.hold();
  const started = clock.start();
  while (machine.alarmCount < 2) await turn();
  machine.advance(1_000);
  await started;
  report();
  t.same(troubles.active(), ["clock_unknown"]);
  timeSync.answer = "synchronised";
  timeSync.letGo();
  await turn();
  t.equal(clock.wall().quality, "unknown", "that was said of a second ago: not synchronised");
  machine.advance(5_000);
  await turn();
  t.equal(clock.wall().quality, "trusted");
  t.same(troubles.active(), []);
  await clock.close();
});

t.test("quality lost and found again is told, each once", async (t) => {
  const { clock, machine, timeSync, events, report, changes } = rigOf(t);
  timeSync.answer = "synchronised";
  await clock.start();
  report();
  const before = changes();
  timeSync.answer = "absent";
  await machine.elapse(hour);
  t.equal(clock.wall().quality, "holdover");
  t.equal(changes(), before + 1, "status is looked at again");
  t.same(events, [], "holdover is no trouble");
  await machine.elapse(70 * 24 * hour);
  t.equal(clock.wall().quality, "unknown");
  timeSync.answer = "synchronised";
  clock.askAgain();
  await machine.elapse(5_000);
  t.same(events, [
    { kind: "trouble", trouble: "clock_unknown", state: "raised" },
    { kind: "trouble", trouble: "clock_unknown", state: "cleared" },
  ]);
  await clock.close();
});

t.test("a clock that is set back is told, and whoever looks is not interrupted", async (t) => {
  const { clock, machine, timeSync, events, report } = rigOf(t, { rule: "trusted" });
  await clock.start();
  report();
  machine.setWall({ at: epochMs(noon - 7_200_000) });
  t.equal(clock.wall().at, noon - 7_200_000);
  t.same(events, [], "not in the middle of a decision");
  await turn();
  t.same(events, [{ kind: "clock_set", byMs: -7_200_000, outcome: "followed" }]);
  t.equal(timeSync.askedCount, 0);
  await clock.close();
});

t.test("a clock that nobody looks at is looked at every hour", async (t) => {
  const { clock, machine, events, report } = rigOf(t, { rule: "trusted" });
  await clock.start();
  report();
  machine.setWall({ at: epochMs(noon + 7_200_000) });
  await machine.elapse(hour);
  t.match(events, [{ kind: "clock_set", byMs: 7_200_000 }]);
  await clock.close();
});

t.test("a clock that is set to and fro fills no journal", async (t) => {
  const { clock, machine, events, report } = rigOf(t, { rule: "trusted" });
  await clock.start();
  report();
  for (let count = 0; count < 1_000; count += 1) {
    machine.setWall({ at: epochMs(noon + (count % 2) * hour) });
    clock.wall();
    await turn();
  }
  t.equal(events.length, 20);
  await clock.close();
});

t.test("what happened before there was anybody to tell is told then", async (t) => {
  const first = rigOf(t, { rule: "trusted" });
  await first.clock.start();
  await first.clock.close();
  first.machine.setWall({ at: epochMs(noon - hour) });
  const second = rigOf(t, { rule: "trusted", file: first.file, machine: first.machine });
  await second.clock.start();
  await turn();
  second.report();
  t.same(second.events, [{ kind: "clock_set", byMs: -hour, outcome: "followed" }]);
  await second.clock.close();
});

t.test("a machine that comes up in 1970 shows no time before the last stop", async (t) => {
  const first = rigOf(t, { rule: "trusted" });
  await first.clock.start();
  first.machine.advance(hour / 2);
  await first.clock.close();
  const machine = new SimClock({ wallAt: 0, monotonicAt: 3_000 });
  const second = rigOf(t, {
    rule: "trusted",
    file: first.file,
    machine,
    boot: boot.replace("0", "9"),
  });
  await second.clock.start();
  second.report();
  t.same(second.clock.wall(), { at: noon + hour / 2, quality: "unknown" });
  t.same(second.troubles.active(), ["clock_unknown"]);
  machine.advance(1_000);
  t.equal(second.clock.wall().at, noon + hour / 2 + 1_000);
  await second.clock.close();
});

t.test("a daemon that is killed loses an hour of the floor at most", async (t) => {
  const first = rigOf(t, { rule: "trusted" });
  await first.clock.start();
  first.machine.advance(2.5 * hour);
  // Closed only so that the write under way ends: what an hourly write left is what counts.
  while ((await openClockFloor(first.file)).found?.wallAt !== noon + 2 * hour) await turn();
  const machine = new SimClock({ wallAt: 0 });
  const second = rigOf(t, {
    rule: "trusted",
    file: first.file,
    machine,
    boot: boot.replace("0", "9"),
  });
  await second.clock.start();
  t.equal(second.clock.wall().at, noon + 2 * hour);
  await second.clock.close();
  await first.clock.close();
});

t.test("a floor that cannot be written is a trouble until it can", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "gone", "clock.floor");
  const { clock, troubles, report } = rigOf(t, { rule: "trusted", file });
  await clock.start();
  report();
  while (troubles.active().length === 0) await turn();
  t.same(troubles.active(), ["clock_floor_failing"]);
  t.equal(clock.wall().quality, "trusted", "the doors go on");
  await clock.close();
});

t.test("a floor that is damaged is told, and the clock goes on without it", async (t) => {
  const first = rigOf(t, { rule: "trusted" });
  await first.clock.start();
  await first.clock.close();
  const whole = readFileSync(first.file);
  writeFileSync(first.file, whole.fill(7));
  const second = rigOf(t, { rule: "trusted", file: first.file });
  await second.clock.start();
  second.report();
  t.ok(second.clock.damage());
  t.same(second.troubles.active(), ["clock_floor_damaged"]);
  await second.clock.close();
});

t.test("what is kept is read back as it was written", async (t) => {
  const file = join(temporaryFolder(t), "clock.floor");
  const records = [
    { boot, vouchedAt: monotonicMs(1_234.5), isHeld: false },
    { boot: undefined, vouchedAt: undefined, isHeld: true },
  ].map((record) => ({ ...record, wallAt: epochMs(noon), monotonicAt: monotonicMs(98_765.4321) }));
  for (const record of records) {
    const floor = await openClockFloor(file);
    await floor.write(record);
    await floor.close();
    t.same((await openClockFloor(file)).found, record);
  }
  t.ok(readFileSync(file).length <= 8_192);
});

t.test("at rest there is one timer, and none after the end", async (t) => {
  const { clock, machine, timeSync } = rigOf(t);
  timeSync.answer = "synchronised";
  await clock.start();
  t.equal(machine.alarmCount, 1);
  await machine.elapse(10 * hour);
  t.equal(machine.alarmCount, 1);
  t.equal(timeSync.askedCount, 11);
  await clock.close();
  t.equal(machine.alarmCount, 0);
  await clock.close();
});

t.test("a process that is held up between two readings sees no step", async (t) => {
  const { clock, machine, events, report } = rigOf(t, { rule: "trusted" });
  await clock.start();
  report();
  const wall = machine.wall.bind(machine);
  let readings = 0;
  machine.wall = () => {
    readings += 1;
    // Before the first reading, so that it looks like a step, and after the next two.
    if (readings === 1) machine.stall(3_000);
    const read = wall();
    if (readings === 2 || readings === 3) machine.stall(3_000);
    return read;
  };
  clock.wall();
  await turn();
  t.same(events, []);
  await clock.close();
});

t.test("a start does not wait for a disk that hangs, nor take its place afterwards", async (t) => {
  const { clock, machine, file } = rigOf(t, { rule: "trusted" });
  execFileSync("mkfifo", [file]);
  const starting = clock.start();
  machine.advance(5_000);
  await starting;
  t.equal(clock.damage(), "the disk does not answer");
  t.equal(clock.wall().quality, "trusted", "doors have the machine's time");
  await clock.close();
  // The other end is opened once somebody waits for it, and closed.
  await once(spawn("sh", ["-c", ': > "$0"', file]), "exit");
  t.ok(statSync(file).isFIFO(), "nothing was written over what was not read");
});
