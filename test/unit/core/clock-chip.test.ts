import fc from "fast-check";
import t from "tap";
import { holdoverMsMax } from "../../../src/core/clock-trust.ts";
import { ClockedMachine, noon } from "./clocked-machine.ts";
import { checkProperty } from "./property.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const shown = (machine: ClockedMachine) => [machine.wall().at, machine.wall().quality];

/** Its chip was set by a time source, and its machine has no battery. */
function machineWithChip(chip: { at: number | undefined } = { at: noon }) {
  return new ClockedMachine("ntp", noon, undefined, chip);
}

t.test(
  "after a power cut the chip's time is in force, in holdover, until NTP vouches",
  async (t) => {
    const machine = machineWithChip({ at: undefined });
    machine.answer(true);
    machine.pass(minute);
    machine.stop();
    machine.reboot(0, 3 * day);
    t.same(shown(machine), [noon + minute + 3 * day, "holdover"]);
    machine.answer(false);
    machine.pass(hour);
    t.same(shown(machine), [noon + minute + 3 * day + hour, "holdover"]);
    machine.set(noon + 3 * day + hour + 30 * second - machine.now.machine);
    machine.answer(true);
    machine.answer(true);
    t.equal(machine.wall().quality, "trusted");
  },
);

t.test("a chip whose battery was empty is not believed", async (t) => {
  const machine = machineWithChip({ at: undefined });
  t.same(shown(machine), [noon, "unknown"]);
  machine.answer(false);
  t.same(shown(machine), [noon, "unknown"]);
});

t.test("a machine whose clock agrees with the chip is followed", async (t) => {
  const machine = machineWithChip({ at: noon - 900 });
  t.same(shown(machine), [noon, "holdover"]);
  machine.answer(false);
  machine.pass(day);
  t.same(shown(machine), [noon + day, "holdover"]);
});

t.test("a chip that keeps its time keeps it believed for as long as it does", async (t) => {
  const machine = machineWithChip();
  for (let passed = 0; passed < 3 * holdoverMsMax; passed += hour) {
    if (machine.isAsking) machine.answer(false);
    machine.pass(hour);
    if (machine.wall().quality !== "holdover") t.fail(`lost after ${passed / day} days`);
  }
  if (machine.chip !== undefined) machine.chip.at = undefined;
  machine.answer(false);
  machine.pass(holdoverMsMax);
  t.equal(machine.wall().quality, "unknown", "and no longer than the worst crystal after that");
});

t.test("a crystal that drifts is set right by the chip", async (t) => {
  const machine = machineWithChip();
  for (let week = 0; week < 20; week += 1) {
    machine.pass(7 * day);
    // 100 ppm.
    if (machine.chip?.at !== undefined) machine.chip.at += 60 * second;
    if (machine.isAsking) machine.answer(false);
  }
  const { at, quality } = machine.wall();
  t.equal(quality, "holdover");
  t.ok(Math.abs(at - (machine.chip?.at ?? 0)) <= 62 * second);
  t.same(machine.told(), [], "nobody has set anything");
});

t.test("a chip far from a time that was vouched for is not believed", async (t) => {
  for (const offMs of [-11 * minute, 11 * minute, -1_000 * day, 1_000 * day]) {
    const machine = machineWithChip();
    machine.answer(true);
    if (machine.chip !== undefined) machine.chip.at = noon + offMs;
    machine.pass(hour);
    machine.answer(false);
    t.same(shown(machine), [noon + hour, "holdover"]);
    machine.pass(holdoverMsMax);
    t.equal(machine.wall().quality, "unknown", "and renews nothing");
  }
});

t.test("a chip far behind what was shown does not take the doors back", async (t) => {
  const machine = machineWithChip();
  machine.answer(true);
  machine.pass(day);
  machine.stop();
  if (machine.chip !== undefined) machine.chip.at = noon;
  machine.reboot(0);
  t.same(shown(machine), [noon + day, "unknown"], "somebody has set it, or it stood still");
  machine.answer(false);
  t.same(shown(machine), [noon + day, "unknown"]);
});

t.test("a chip a little behind is believed, and time stands at what was shown", async (t) => {
  const machine = machineWithChip();
  machine.answer(true);
  machine.pass(day);
  machine.stop();
  if (machine.chip !== undefined) machine.chip.at = noon + day - 9 * minute;
  machine.reboot(0);
  t.same(shown(machine), [noon + day, "holdover"]);
});

t.test("a chip that answers late is believed late", async (t) => {
  const machine = machineWithChip({ at: undefined });
  machine.answer(true);
  machine.stop();
  if (machine.chip !== undefined) machine.chip.at = undefined;
  machine.reboot(0, hour);
  t.equal(machine.wall().quality, "unknown");
  if (machine.chip !== undefined) machine.chip.at = noon + hour;
  machine.answer(false);
  t.same(shown(machine), [noon + hour, "holdover"]);
});

t.test("the chip is set when a source vouches, and hourly while it does", async (t) => {
  const machine = machineWithChip({ at: undefined });
  machine.answer(false);
  t.equal(machine.count("set_chip"), 0);
  machine.pass(5 * second);
  machine.answer(true);
  t.equal(machine.count("set_chip"), 1);
  machine.set(3 * second);
  machine.answer(true);
  t.equal(machine.count("set_chip"), 1, "not more often, whatever happens");
  for (let hours = 0; hours < 24; hours += 1) {
    machine.pass(hour);
    machine.answer(true);
  }
  t.equal(machine.count("set_chip"), 25);
  const without = new ClockedMachine("ntp");
  without.answer(true);
  t.equal(without.count("set_chip"), 0);
});

t.test("somebody who says how far the clock is to be believed hears no chip", async (t) => {
  for (const rule of ["trusted", "holdover", "unknown"] as const) {
    const machine = new ClockedMachine(rule, noon, undefined, { at: noon + 1_000 * day });
    t.same(shown(machine), [noon, rule]);
    t.equal(machine.count("set_chip"), 0);
  }
});

t.test("a restart of the daemon neither loses nor moves the chip's time", async (t) => {
  const machine = machineWithChip();
  machine.reboot(0, hour);
  machine.pass(minute);
  machine.stop();
  machine.startAgain();
  t.same(shown(machine), [noon + hour + minute + second, "holdover"]);
});

t.test("whatever the chip says, no time earlier than what was shown by ten minutes", async (t) => {
  checkProperty(
    t,
    500,
    fc.property(
      fc.integer({ min: -100 * day, max: 100 * day }),
      fc.boolean(),
      fc.boolean(),
      (chipOffMs, wasVouched, isKilled) => {
        const machine = machineWithChip({ at: undefined });
        if (wasVouched) machine.answer(true);
        machine.pass(hour);
        if (!isKilled) machine.stop();
        const least = machine.disk?.wallAt ?? 0;
        if (machine.chip !== undefined) machine.chip.at = machine.wall().at + chipOffMs;
        machine.reboot(0);
        machine.answer(false);
        const { at, quality } = machine.wall();
        if (at < least) throw new Error(`ran back by ${least - at} ms`);
        const isFar = chipOffMs < -11 * minute - hour;
        if (isFar && quality !== "unknown") throw new Error(`believed ${chipOffMs} ms behind`);
      },
    ),
  );
});
