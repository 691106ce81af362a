import t from "tap";
import type { Level } from "../../../hal/gpio.ts";
import { openMcp23017 } from "../../../hal/lines/mcp23017.ts";
import { openStrike } from "../../../hal/lines/strike.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type SimChip, SimI2c } from "../../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../../hal/sim/sim-mcp23017.ts";
import { backMs, movesOf, openExpanderRig, place, pollMs } from "./expander-rig.ts";
import { halErrorOf } from "./sim-rig.ts";

const kindOf = (action: () => unknown) => halErrorOf(action)?.kind;

t.test("a relay never has another level than its initial one while it is opened", async (t) => {
  for (const initial of [0, 1] as const) {
    const { chip, expander } = openExpanderRig();
    expander.openOutput({ line: "B3", initial });
    t.same(chip.drivesOf(11), [undefined, initial]);
  }
});

t.test("a maglock that an earlier process held is not let go by a new one", async (t) => {
  const chip = new SimMcp23017();
  // A2 is high and an output, as postern left it; so is B7, which nobody opens now.
  chip.setRegister(0x14, 0x04);
  chip.setRegister(0x15, 0x80);
  chip.setRegister(0x00, 0xfb);
  chip.setRegister(0x01, 0x7f);
  const { clock, expander } = openExpanderRig({ chip });
  const held = openStrike({
    gpio: expander,
    wiring: { line: "A2", energizedLevel: 1, lock: "fail_safe" },
  });
  await clock.elapse(2_000);
  t.same(chip.drivesOf(2), [undefined, 1]);
  t.same(chip.drivesOf(15), [undefined, 1]);
  held.drive("released");
  t.equal(chip.levelOf(2), 0);
});

t.test("a chip that was set for other registers, or not to count, is set right", async (t) => {
  for (const iocon of [0x80, 0x20, 0xa0, 0x02]) {
    const chip = new SimMcp23017();
    chip.setRegister(0x0a, iocon);
    const { expander, troubles } = openExpanderRig({ chip });
    expander.openOutput({ line: "A5", initial: 1 });
    t.equal(chip.drivenLevel(5), 1, iocon.toString(16));
    t.same(troubles, []);
  }
});

t.test("one that is wired to something else is no expander, and stays a trouble", async (t) => {
  const clock = new SimClock();
  const i2c = new SimI2c();
  const zeros: SimChip = { read: (_, count) => new Uint8Array(count), write: () => undefined };
  i2c.add(place, zeros);
  const troubles: string[] = [];
  const expander = openMcp23017({
    device: i2c.open(place),
    clock,
    pollMs,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  await clock.elapse(20_000);
  t.same(troubles, ["raised"]);
  t.equal(expander.isPresent(), false);
});

t.test(
  "an expander that is not there opens, refuses at once, and comes when it comes",
  async (t) => {
    const { clock, i2c, chip, troubles, expander, edges, listen } = openExpanderRig({
      isThere: false,
    });
    const strike = openStrike({
      gpio: expander,
      wiring: { line: "B0", energizedLevel: 1, lock: "fail_safe" },
    });
    const inputs = listen(["A0", "A1"]);
    t.same(troubles, ["raised"]);
    const before = i2c.transactionCount;
    for (const action of [() => strike.drive("released"), () => inputs.read(0)]) {
      t.equal(kindOf(action), "disconnected");
    }
    t.equal(i2c.transactionCount, before, "without a try");
    t.equal(strike.commanded(), "secured");
    chip.pull(1, 0);
    i2c.setConnection(place, "connected");
    await clock.elapse(backMs);
    t.same(troubles, ["raised", "cleared"]);
    t.equal(chip.levelOf(8), 1, "the maglock holds");
    t.same(
      movesOf(edges),
      [
        [0, 1],
        [1, 0],
      ],
      "what was never read is told",
    );
    strike.drive("released");
    t.equal(chip.levelOf(8), 0);
  },
);

t.test("a chip that is gone costs the other doors nothing", async (t) => {
  const { clock, i2c, expander, listen, troubles } = openExpanderRig();
  listen(["A0"]);
  const output = expander.openOutput({ line: "B0", initial: 0 });
  i2c.setConnection(place, "disconnected");
  t.equal(
    kindOf(() => output.drive(1)),
    "disconnected",
  );
  t.equal(output.driven(), 0);
  const [blocking, all] = [i2c.blockingCount, i2c.transactionCount];
  for (let second = 0; second < 60; second += 1) {
    kindOf(() => output.drive(1));
    await clock.elapse(1_000);
  }
  t.equal(i2c.blockingCount, blocking, "nothing holds the event loop up");
  t.ok(i2c.transactionCount - all <= 20, `looked for ${i2c.transactionCount - all} times a minute`);
  t.same(troubles, ["raised"], "and one trouble is enough");
});

t.test("outputs alone are looked after within a second or so", async (t) => {
  const { clock, i2c, expander, troubles } = openExpanderRig();
  expander.openOutput({ line: "B0", initial: 0 });
  i2c.setConnection(place, "disconnected");
  await clock.elapse(1_100);
  t.same(troubles, ["raised"]);
});

t.test("a door that is held unlocked is unlocked again when its expander is back", async (t) => {
  const { clock, i2c, chip, expander } = openExpanderRig();
  const output = expander.openOutput({ line: "B0", initial: 0 });
  output.drive(1);
  i2c.setConnection(place, "disconnected");
  chip.losePower();
  await clock.elapse(1_100);
  t.equal(chip.levelOf(8), undefined);
  i2c.setConnection(place, "connected");
  await clock.elapse(backMs);
  t.equal(chip.levelOf(8), 1);
  t.equal(output.driven(), 1);
});

t.test("a strike that should have been secured meanwhile comes back secured", async (t) => {
  const { clock, i2c, chip, expander } = openExpanderRig();
  const strike = openStrike({
    gpio: expander,
    wiring: { line: "B0", energizedLevel: 1, lock: "fail_secure" },
  });
  strike.drive("released");
  i2c.setConnection(place, "disconnected");
  t.equal(
    kindOf(() => strike.drive("secured")),
    "disconnected",
  );
  t.equal(strike.commanded(), "released", "nobody is told that it is secured");
  chip.losePower();
  const drivesBefore = chip.drivesOf(8).length;
  i2c.setConnection(place, "connected");
  await clock.elapse(backMs);
  t.same(chip.drivesOf(8).slice(drivesBefore), [0], "and was not released for a moment");
});

t.test("a grant that failed does not open the door minutes later", async (t) => {
  const { clock, i2c, chip, expander, troubles } = openExpanderRig();
  const strike = openStrike({
    gpio: expander,
    wiring: { line: "B0", energizedLevel: 1, lock: "fail_secure" },
  });
  i2c.setConnection(place, "disconnected");
  t.equal(
    kindOf(() => strike.drive("released")),
    "disconnected",
  );
  await clock.elapse(180_000);
  i2c.setConnection(place, "connected");
  await clock.elapse(backMs);
  t.same(troubles, ["raised", "cleared"]);
  t.notOk(chip.drivesOf(8).includes(1));
});

t.test(
  "a chip that lost its power and is back at once is set anew within two seconds",
  async (t) => {
    const { clock, chip, expander, edges, listen, troubles } = openExpanderRig();
    listen(["A0"]);
    expander.openOutput({ line: "B0", initial: 0 }).drive(1);
    await clock.elapse(3_000);
    chip.losePower();
    t.equal(chip.levelOf(8), undefined);
    await clock.elapse(2_000);
    t.equal(chip.levelOf(8), 1);
    t.same(troubles, ["raised", "cleared"]);
    chip.pull(0, 0);
    await clock.elapse(pollMs);
    t.same(movesOf(edges).at(-1), [0, 0], "its inputs have their pull-ups and tell again");
  },
);

t.test("one transaction that a spark spoils is made again, and is no trouble", async (t) => {
  const { clock, i2c, chip, expander, listen, troubles } = openExpanderRig();
  const output = expander.openOutput({ line: "B0", initial: 0 });
  const inputs = listen(["A0"]);
  i2c.spoil(place, 1);
  output.drive(1);
  t.equal(chip.levelOf(8), 1);
  i2c.spoil(place, 1);
  t.equal(inputs.read(0), 1);
  i2c.spoil(place, 1);
  await clock.elapse(pollMs);
  i2c.spoil(place, 1);
  await clock.elapse(1_500);
  t.same(troubles, []);
});

t.test("an answer from before a relay moved does not make it look like a lost chip", async (t) => {
  const { clock, i2c, expander, troubles } = openExpanderRig();
  const output = expander.openOutput({ line: "B0", initial: 0 });
  i2c.hold();
  await clock.elapse(1_100);
  output.drive(1);
  i2c.letGo();
  await clock.elapse(1_100);
  t.same(troubles, []);
});

t.test("a chip whose own settings a spark turned over is set right", async (t) => {
  const { clock, chip, expander, troubles } = openExpanderRig();
  expander.openOutput({ line: "B0", initial: 0 }).drive(1);
  expander.openOutput({ line: "A2", initial: 0 });
  for (const iocon of [0xc4, 0x64]) {
    chip.setRegister(0x0a, iocon);
    chip.setRegister(0x15, 0x00);
    t.equal(chip.levelOf(8), 0);
    await clock.elapse(2_000);
    t.equal(chip.levelOf(8), 1, iocon.toString(16));
  }
  t.same(troubles, ["raised", "cleared", "raised", "cleared"]);
  t.notOk(chip.drivesOf(2).includes(1), "and no other door was released by it");
});

t.test("what an expander cannot do is refused by name", async (t) => {
  const { expander } = openExpanderRig();
  const lines = ["A0", "A1"];
  const pulses = halErrorOf(() =>
    expander.openInputs({ lines, bias: "pull_up", carries: "pulses" }),
  );
  t.equal(pulses?.kind, "not_supported");
  t.match(pulses?.message, /0x20.*A0, A1.*Wiegand/);
  t.equal(
    kindOf(() => expander.openInputs({ lines, bias: "pull_down" })),
    "not_supported",
  );
  for (const line of ["A8", "C0", "a0", "A00", "", "16"]) {
    t.equal(
      kindOf(() => expander.openOutput({ line, initial: 0 })),
      "not_found",
      line,
    );
  }
  t.equal(
    kindOf(() => expander.openInputs({ lines: ["A0", "A0"], bias: "none" })),
    "in_use",
  );
  expander.openInputs({ lines, bias: "none" });
});

t.test("an open-drain line is driven low and never high", async (t) => {
  const { chip, expander } = openExpanderRig();
  const row = expander.openOutput({ line: "A4", initial: 1, drive: "open_drain" });
  row.drive(0);
  t.equal(chip.levelOf(4), 0);
  row.drive(1);
  t.equal(chip.levelOf(4), 1, "the pull-up of the chip pulls it");
  t.same(chip.drivesOf(4), [undefined, 0, undefined]);
});

t.test("a line says where the kernel has it, for who secures it after our death", async (t) => {
  const { expander } = openExpanderRig();
  const at = { kind: "i2c", device: "/dev/i2c-1", address: 0x20 };
  t.same(expander.addressOf("A3"), {
    ...at,
    outputs: { register: 0x14, directionRegister: 0x00 },
    bit: 3,
  });
  t.same(expander.addressOf("B7"), {
    ...at,
    outputs: { register: 0x15, directionRegister: 0x01 },
    bit: 7,
  });
});

t.test("closing leaves relays as they were closed, and nothing armed", async (t) => {
  const { clock, chip, expander, listen } = openExpanderRig({ hasInterrupt: true });
  const output = expander.openOutput({ line: "B0", initial: 0 });
  listen(["A0"]);
  output.drive(1);
  output.close();
  expander.close();
  expander.close();
  t.equal(chip.levelOf(8), 0);
  t.equal(clock.alarmCount, 0);
  t.equal(
    kindOf(() => expander.openOutput({ line: "B1", initial: 0 }).drive(1)),
    "disconnected",
  );
});

t.test("sixteen lines are those of the data sheet", async (t) => {
  const { chip, expander } = openExpanderRig();
  for (const [pin, line] of [
    [0, "A0"],
    [7, "A7"],
    [8, "B0"],
    [15, "B7"],
  ] as const) {
    const output = expander.openOutput({ line, initial: 0 });
    output.drive(1);
    const high: Level[] = Array.from({ length: 16 }, (_, other) => chip.drivenLevel(other) ?? 0);
    t.same(high.indexOf(1), pin);
    output.drive(0);
  }
});
