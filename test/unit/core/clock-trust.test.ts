import t from "tap";
import { clockRules, holdoverMsMax } from "../../../src/core/clock-trust.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { bootOf, ClockedMachine, noon } from "./clocked-machine.ts";

const hour = 3_600_000;
const minute = 60_000;
const day = 24 * hour;

const shown = (machine: ClockedMachine) => [machine.wall().at, machine.wall().quality];

t.test("a clock that the configuration believes is believed, and nothing is asked", async (t) => {
  for (const rule of ["trusted", "holdover", "unknown"] as const) {
    const machine = new ClockedMachine(rule);
    t.same(shown(machine), [noon, rule]);
    machine.pass(day);
    t.same(shown(machine), [noon + day, rule]);
    t.equal(machine.count("ask"), 0);
    t.equal(machine.count("store"), 25, "at the start and hourly");
  }
});

t.test("a time source makes the time trusted, and without it the time is unknown", async (t) => {
  const machine = new ClockedMachine("ntp");
  t.equal(machine.count("ask"), 1, "asked at the start");
  t.same(shown(machine), [noon, "unknown"]);
  machine.answer(false);
  t.same(shown(machine), [noon, "unknown"]);
  machine.pass(5_000);
  t.equal(machine.count("ask"), 2);
  machine.setUnseen(3 * day);
  machine.answer(true);
  t.equal(machine.wall().quality, "unknown", "that may have been said of the time before");
  machine.answer(true);
  t.same(shown(machine), [noon + 3 * day + 5_000, "trusted"]);
  t.same(machine.told(), [[3 * day, "followed"]], "earlier entries have another time");
});

t.test("until it vouches a source is asked more and more seldom, and then hourly", async (t) => {
  const machine = new ClockedMachine("ntp");
  const askedAt: number[] = [];
  for (let second = 0; second <= 4 * 3_600; second += 1) {
    if (machine.isAsking) {
      askedAt.push(second);
      machine.answer(second > 3 * 3_600);
    }
    machine.pass(1_000);
  }
  const waits = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0));
  t.same(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
});

t.test("when the network comes the source is asked soon, and its answer not hurried", async (t) => {
  const machine = new ClockedMachine("ntp");
  for (let count = 0; count < 12; count += 1) {
    machine.answer(false);
    machine.pass(hour);
  }
  machine.answer(false);
  const before = machine.count("ask");
  for (let ups = 0; ups < 100; ups += 1) machine.feed({ kind: "ask_again" });
  t.equal(machine.count("ask"), before, "a link that flaps starts no program each time");
  machine.pass(5_000);
  t.equal(machine.count("ask"), before + 1);
});

t.test("a question that is not answered is not asked twice", async (t) => {
  const machine = new ClockedMachine("ntp");
  machine.pass(day);
  t.equal(machine.count("ask"), 1);
});

t.test(
  "time that nobody vouches for any more is in holdover for 69 days, then unknown",
  async (t) => {
    const machine = new ClockedMachine("ntp");
    machine.answer(true);
    machine.pass(hour);
    t.ok(machine.isAsking);
    machine.answer(false);
    const lost = holdoverMsMax - hour;
    t.equal(Math.floor(holdoverMsMax / day), 69);
    t.same(shown(machine), [noon + hour, "holdover"]);
    machine.pass(lost - 1);
    t.equal(machine.wall().quality, "holdover");
    machine.pass(1);
    t.equal(machine.wall().quality, "unknown");
    machine.answer(true);
    t.equal(machine.wall().quality, "trusted");
  },
);

t.test("holdover ends in time also where the timer is late", async (t) => {
  const machine = new ClockedMachine("ntp");
  machine.answer(true);
  machine.stop();
  machine.startAgain(0);
  t.equal(machine.wall().quality, "holdover");
  machine.sleep(holdoverMsMax);
  t.equal(machine.wall().quality, "unknown");
});

t.test("a clock that is set by hand is not followed once time was vouched for", async (t) => {
  for (const byMs of [-2 * hour, 2 * hour]) {
    const machine = new ClockedMachine("ntp");
    machine.answer(true);
    machine.pass(minute);
    machine.set(byMs);
    t.same(shown(machine), [noon + minute, "holdover"]);
    t.same(machine.told(), [[byMs, "ignored"]]);
    t.ok(machine.isAsking, "the source is asked at once");
    machine.answer(false);
    machine.pass(minute);
    t.same(shown(machine), [noon + 2 * minute, "holdover"]);
    machine.set(-byMs);
    t.same(shown(machine), [noon + 2 * minute, "holdover"], "set right again: nothing moved");
    machine.set(byMs);
    machine.answer(true);
    t.same(shown(machine), [noon + 2 * minute, "holdover"], "asked before it was set");
    machine.answer(true);
    t.same(shown(machine), [noon + 2 * minute + byMs, "trusted"], "the source says so");
  }
});

t.test("a believed clock is followed when it is set, and the step is told", async (t) => {
  const machine = new ClockedMachine("trusted");
  machine.set(-1_001);
  machine.set(900);
  machine.set(2 * hour);
  t.same(machine.told(), [
    [-1_001, "followed"],
    [2 * hour + 900, "followed"],
  ]);
  t.equal(machine.wall().quality, "trusted");
});

t.test("a step by more than a minute is on disk at once", async (t) => {
  const machine = new ClockedMachine("trusted");
  machine.set(-30_000);
  t.equal(machine.disk?.wallAt, noon);
  machine.set(-61_000);
  t.equal(machine.disk?.wallAt, noon - 91_000);
});

t.test("a clock that starts in 1970 does not take the doors there", async (t) => {
  for (const rule of clockRules) {
    const machine = new ClockedMachine(rule);
    machine.pass(hour);
    machine.reboot(0);
    t.same(shown(machine), [noon + hour, "unknown"], rule);
    machine.pass(minute);
    t.same(shown(machine), [noon + hour + minute, "unknown"], "time runs on from the floor");
    if (rule === "unknown") continue;
    t.ok(machine.isAsking, `${rule}: somebody may set it right`);
    machine.set(noon + day - machine.now.machine);
    machine.answer(true);
    machine.answer(true);
    t.same(shown(machine), [noon + day, rule === "ntp" ? "trusted" : rule]);
  }
});

t.test("a floor is left behind when the machine's clock passes it", async (t) => {
  const machine = new ClockedMachine("trusted");
  machine.reboot(0);
  machine.set(noon - hour);
  t.equal(machine.wall().quality, "unknown", "not yet");
  machine.set(hour + minute);
  t.same(shown(machine), [noon + minute, "trusted"]);
});

t.test("a floor in the future is put right by a time source, and that is told", async (t) => {
  const machine = new ClockedMachine("trusted", noon + 1_000 * day);
  machine.reboot(noon);
  t.same(shown(machine), [noon + 1_000 * day, "unknown"]);
  machine.answer(true);
  t.same(shown(machine), [noon, "trusted"]);
  t.same(machine.told(), [[-1_000 * day, "followed"]]);
  t.equal(machine.disk?.wallAt, noon, "and does not come back");
});

t.test("a believed clock a little behind the floor catches up without running back", async (t) => {
  const machine = new ClockedMachine("trusted");
  machine.reboot(noon - 5 * minute);
  t.same(shown(machine), [noon, "trusted"]);
  machine.pass(2 * minute);
  t.same(shown(machine), [noon + minute, "trusted"], "at half speed");
  machine.stop();
  machine.startAgain(0);
  t.equal(machine.wall().at, noon + minute, "over a restart of the daemon too");
  machine.pass(20 * minute);
  t.same(shown(machine), [noon + 17 * minute, "trusted"]);
  const late = new ClockedMachine("trusted");
  late.reboot(noon - 10 * minute - 1);
  t.equal(late.wall().quality, "unknown", "behind by more, its battery is empty");
});

t.test("a restart of the daemon loses no trust, and a restart of the machine does", async (t) => {
  const machine = new ClockedMachine("ntp");
  machine.answer(true);
  machine.pass(minute);
  machine.startAgain();
  t.same(shown(machine), [noon + minute + 1_000, "holdover"], "also when it was killed");
  machine.pass(holdoverMsMax - minute - 1_000);
  t.equal(machine.wall().quality, "unknown", "holdover counts from the source's word");
  const rebooted = new ClockedMachine("ntp");
  rebooted.answer(true);
  rebooted.reboot(noon + minute);
  t.same(shown(rebooted), [noon + minute, "unknown"]);
});

t.test("a clock that is set while the daemon is away is seen by the next one", async (t) => {
  const vouched = new ClockedMachine("ntp");
  vouched.answer(true);
  vouched.stop();
  vouched.setUnseen(-hour);
  vouched.startAgain();
  t.same(shown(vouched), [noon + 1_000, "holdover"]);
  t.same(vouched.told(), [[-hour, "ignored"]]);
  const believed = new ClockedMachine("trusted");
  believed.stop();
  believed.setUnseen(-hour);
  believed.startAgain();
  t.same(shown(believed), [noon + 1_000 - hour, "trusted"]);
  t.same(believed.told(), [[-hour, "followed"]]);
});

t.test("another boot's monotonic time is not taken for this one's", async (t) => {
  const machine = new ClockedMachine("ntp");
  machine.answer(true);
  const disk = machine.disk;
  if (disk === undefined) throw new Error("nothing is on disk");
  for (const found of [
    { ...disk, boot: undefined },
    { ...disk, boot: bootOf(9) },
    { ...disk, monotonicAt: monotonicMs(1e9) },
  ]) {
    t.equal(new ClockedMachine("ntp", noon, found).wall().quality, "unknown");
  }
});
