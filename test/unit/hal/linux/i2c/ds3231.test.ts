import t from "tap";
import { openDs3231 } from "../../../../../hal/linux/i2c/ds3231.ts";
import { SimClock } from "../../../../../hal/sim/sim-clock.ts";
import { SimDs3231 } from "../../../../../hal/sim/sim-ds3231.ts";
import { SimI2c } from "../../../../../hal/sim/sim-i2c.ts";
import { epochMs } from "../../../../../src/domain/time.ts";
import { halErrorOf } from "../../sim-rig.ts";

const place = { bus: 1, address: 0x68 };
const noon = epochMs(Date.UTC(2026, 10, 21, 12, 34, 56));

function makeRig(at = noon) {
  const clock = new SimClock();
  const chip = new SimDs3231({ clock, at });
  const i2c = new SimI2c();
  i2c.add(place, chip);
  return { clock, chip, i2c, clockChip: openDs3231(i2c.open(place)) };
}

t.test("the time of a chip that was kept is read to the second, and goes on", async (t) => {
  const { clock, clockChip } = makeRig();
  t.same(clockChip.read(), { at: noon, kept: true });
  clock.advance(86_400_000 * 400);
  t.same(clockChip.read(), { at: noon + 86_400_000 * 400, kept: true });
});

t.test("every hour of the day is read alike from a chip of twelve hours and of 24", async (t) => {
  const { chip, clockChip } = makeRig();
  for (let hour = 0; hour < 24; hour += 1) {
    const at = epochMs(Date.UTC(2028, 1, 29, hour, 59, 59));
    for (const hours of ["twelve", "twenty_four"] as const) {
      chip.setTime(at, hours);
      t.equal(clockChip.read().at, at, `${hour} of ${hours}`);
    }
  }
});

t.test("registers as another program writes them are that time", async (t) => {
  const { chip, clockChip } = makeRig();
  // 2031-12-31 23:58:07, a Wednesday; then 11:58:07 in the afternoon of the same day.
  chip.showNonsense(Uint8Array.of(0x07, 0x58, 0x23, 0x04, 0x31, 0x12, 0x31));
  t.equal(clockChip.read().at, Date.UTC(2031, 11, 31, 23, 58, 7));
  chip.showNonsense(Uint8Array.of(0x07, 0x58, 0x71, 0x04, 0x31, 0x12, 0x31));
  t.equal(clockChip.read().at, Date.UTC(2031, 11, 31, 23, 58, 7));
  // The century bit: 2131.
  chip.showNonsense(Uint8Array.of(0x07, 0x58, 0x23, 0x04, 0x31, 0x92, 0x31));
  t.equal(clockChip.read().at, Date.UTC(2131, 11, 31, 23, 58, 7));
});

t.test("a chip whose battery was changed says that its time means nothing", async (t) => {
  const { chip, clockChip } = makeRig();
  chip.changeBattery();
  t.equal(clockChip.read().kept, false);
});

t.test("setting a chip makes it one that keeps its time, also on its battery", async (t) => {
  const { chip, clockChip, clock } = makeRig();
  chip.changeBattery();
  chip.stopOnBattery();
  for (const at of [
    noon,
    Date.UTC(2000, 0, 1),
    Date.UTC(2099, 11, 31, 23, 59, 59),
    Date.UTC(2100, 1, 28),
    Date.UTC(2199, 11, 31, 23, 59, 59),
  ]) {
    clockChip.set(epochMs(at));
    t.same(clockChip.read(), { at, kept: true });
    t.equal(chip.timeAt(), at);
  }
  t.ok(chip.isKeptByBattery());
  chip.setTime(noon, "twelve");
  clockChip.set(noon);
  clock.advance(3_600_000);
  t.equal(clockChip.read().at, noon + 3_600_000, "and counts 24 hours from then on");
});

t.test("a chip is set to the nearest second", async (t) => {
  const { chip, clockChip } = makeRig();
  clockChip.set(epochMs(noon + 499));
  t.equal(chip.timeAt(), noon);
  clockChip.set(epochMs(noon + 500));
  t.equal(chip.timeAt(), noon + 1_000);
});

t.test("a chip that could not be given its time does not say that it kept it", async (t) => {
  const { chip, clockChip, i2c } = makeRig();
  chip.changeBattery();
  for (const written of [0, 1, 2]) {
    // One transaction reads what else the registers say.
    i2c.spoil(place, 1, 1 + written);
    t.equal(halErrorOf(() => clockChip.set(noon))?.kind, "disconnected");
    t.equal(clockChip.read().kept, false, `${written} of three writes reached it`);
  }
});

t.test("a time that the chip cannot keep is refused, and changes nothing", async (t) => {
  const { chip, clockChip } = makeRig();
  for (const at of [Date.UTC(1999, 11, 31), Date.UTC(2200, 0, 1), Number.NaN, Infinity]) {
    t.equal(halErrorOf(() => clockChip.set(epochMs(at)))?.kind, "not_supported");
  }
  t.equal(chip.timeAt(), noon);
});

t.test("registers that are no time are a failure and never a wrong time", async (t) => {
  const { chip, clockChip } = makeRig();
  const good = [0x07, 0x58, 0x23, 0x04, 0x31, 0x12, 0x31];
  const wrong: readonly (readonly [number, number])[] = [
    ...[0x60, 0x7f, 0x0a].map((value) => [0, value] as const),
    ...[0x60, 0x5b].map((value) => [1, value] as const),
    // Hour 24; hour 0 and hour 13 of twelve.
    ...[0x24, 0x3f, 0x60, 0x53].map((value) => [2, value] as const),
    ...[0x00, 0x32, 0x3a].map((value) => [4, value] as const),
    ...[0x00, 0x13, 0x1a].map((value) => [5, value] as const),
    ...[0xa0, 0x0f].map((value) => [6, value] as const),
  ];
  for (const [register, value] of wrong) {
    chip.showNonsense(Uint8Array.from(good.with(register, value)));
    const error = halErrorOf(() => clockChip.read());
    t.equal(error?.kind, "io", `register ${register} is ${value.toString(16)}`);
  }
  chip.showNonsense(Uint8Array.from(good.with(5, 0x02).with(4, 0x30)));
  t.equal(halErrorOf(() => clockChip.read())?.kind, "io", "30 February is no 2 March");
  chip.showNonsense(Uint8Array.from(good));
  t.equal(clockChip.read().at, Date.UTC(2031, 11, 31, 23, 58, 7), "the rest of it was right");
});

t.test("a chip that is not there says so", async (t) => {
  const { i2c, clockChip } = makeRig();
  i2c.setConnection(place, "disconnected");
  t.equal(halErrorOf(() => clockChip.read())?.kind, "disconnected");
  t.equal(halErrorOf(() => clockChip.set(noon))?.kind, "disconnected");
  i2c.setConnection(place, "connected");
  t.same(clockChip.read(), { at: noon, kept: true });
});
