import t from "tap";
import type { I2cDevice } from "../../../hal/i2c.ts";
import type { ReaderReport } from "../../../hal/reader.ts";
import { SimDs3231 } from "../../../hal/sim/sim-ds3231.ts";
import type { BoardProfileFile } from "../../../src/compose/config/board-profile-file.ts";
import { openWiredBoard } from "../../../src/compose/wired-board.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { doorOf, halErrorOf, readerOf } from "../hal/sim-rig.ts";
import { BoardWorld, parsedProfile } from "./board-world.ts";

/** The front door is the board's own, the lab hangs from an expander. */
const twoChips = `
[[expanders]]
id = "io"
kind = "mcp23017"
bus = 1
address = 0x20
interrupt_line = "GPIO17"

[clock_chip]
kind = "ds3231"
bus = 1

[[doors]]
id = "front"
strike = { line = "GPIO27", energized_level = "high", lock = "fail_secure" }
position = { line = "GPIO5", contact = "normally_closed" }

[[doors]]
id = "lab"
strike = { line = "io:B0", energized_level = "high", lock = "fail_secure" }
position = { line = "io:A0", contact = "normally_closed" }
rex = { line = "io:A1", contact = "normally_open" }

[[readers]]
id = "front"
door = "front"
d0 = "GPIO22"
d1 = "GPIO23"
formats = ["CSN32"]
green = { line = "io:B7", active_level = "high" }

[readers.matrix]
rows = ["io:A2", "io:A3", "io:A4", "io:A5"]
columns = ["io:B1", "io:B2", "io:B3"]

[fire]
line = "io:A6"
contact = "normally_closed"
`;

function openRig(
  file: BoardProfileFile = parsedProfile(twoChips),
  extender = (_: BoardWorld) => {},
) {
  const world = new BoardWorld(file);
  extender(world);
  const wired = world.open();
  const events: DoorEvent[] = [];
  const troubles = new Troubles((event) => events.push(event));
  const told: unknown[] = [];
  doorOf(wired.board, "lab").position?.listen((leaf) => told.push(leaf));
  return { world, ...wired, troubles, events, told };
}

const pulledOut = (world: BoardWorld) => world.setExpander("io", "disconnected");

t.test("an expander that is not there at the start keeps no other door closed", async (t) => {
  const { world, board, troubles, reportTo } = openRig(undefined, pulledOut);
  reportTo(troubles);
  t.same(troubles.active(), ["expander_absent:io"]);
  const [front, lab] = [doorOf(board, "front"), doorOf(board, "lab")];
  front.strike.drive("released");
  t.equal(world.drivenLevel("GPIO27"), 1);
  t.equal(front.position?.read(), "closed");
  t.equal(halErrorOf(() => lab.strike.drive("released"))?.kind, "disconnected");
  t.equal(lab.position?.read(), "cut", "what nobody can read is not taken for shut");
  t.equal(lab.rex?.read(), "cut");
  t.equal(board.fire?.read(), "cut", "and for no fire");
});

t.test("when the expander comes, its doors are served and its strikes secured", async (t) => {
  const { world, board, troubles, reportTo, events, told } = openRig(undefined, pulledOut);
  reportTo(troubles);
  const lab = doorOf(board, "lab");
  halErrorOf(() => lab.strike.drive("released"));
  world.setExpander("io", "connected");
  await world.clock.elapse(10_000);
  t.same(troubles.active(), []);
  t.equal(world.drivenLevel("io:B0"), 0, "what failed to release it is not made up for later");
  t.equal(lab.position?.read(), "closed");
  t.same(told, ["closed"]);
  t.equal(lab.rex?.read(), "idle");
  t.equal(board.fire?.read(), "idle");
  lab.strike.drive("released");
  t.equal(world.drivenLevel("io:B0"), 1);
  t.same(
    events.map((event) => "state" in event && event.state),
    ["raised", "cleared"],
  );
});

t.test("an expander that is pulled out is a trouble, and nothing waits for it", async (t) => {
  const { world, board, troubles, reportTo } = openRig();
  reportTo(troubles);
  const [front, lab] = [doorOf(board, "front"), doorOf(board, "lab")];
  lab.strike.drive("released");
  pulledOut(world);
  await world.clock.elapse(2_000);
  t.same(troubles.active(), ["expander_absent:io"]);
  const { blockingCount } = world.i2c;
  for (let taps = 0; taps < 100; taps += 1) {
    t.equal(halErrorOf(() => lab.strike.drive("secured"))?.kind, "disconnected");
    readerOf(board, "front").indicator.show({ kind: "steady", light: "green" });
    front.strike.drive(taps % 2 === 0 ? "released" : "secured");
  }
  t.equal(world.i2c.blockingCount, blockingCount, "no door waits for a bus in vain");
  world.losePower("io");
  world.setExpander("io", "connected");
  await world.clock.elapse(10_000);
  t.same(troubles.active(), []);
  t.equal(world.drivenLevel("io:B0"), 0, "it is secured, as was asked meanwhile");
});

t.test("a contact that moves while its expander goes is told as it was last heard", async (t) => {
  const { world, board, told } = openRig();
  const wiring = world.contacts().get("doors.lab.position");
  if (wiring === undefined) throw new Error("the lab has a contact");
  world.move(wiring, "active");
  await world.clock.elapse(5);
  t.equal(doorOf(board, "lab").position?.read(), "closed", "it may bounce still");
  pulledOut(world);
  await world.clock.elapse(5_000);
  t.same(told, ["open", "cut"], "and then that nobody can look any more");
  world.setExpander("io", "connected");
  await world.clock.elapse(10_000);
  t.same(told, ["open", "cut", "open"]);
});

t.test("a reader with a keypad of bare switches tells keys and cards in one stream", async (t) => {
  const { world, board } = openRig();
  const { reader } = readerOf(board, "front");
  const reports: ReaderReport[] = [];
  reader.listen((report) => reports.push(report));
  await world.clock.elapse(200);
  const press = async (row: string, column: string) => {
    world.press(row, column, "joined");
    await world.clock.elapse(100);
    world.press(row, column, "apart");
    await world.clock.elapse(100);
  };
  const present = async (bits: string) => {
    for (const bit of bits) {
      const line = bit === "0" ? "GPIO22" : "GPIO23";
      world.pull(line, 0);
      await world.clock.elapse(0.05);
      world.pull(line, 1);
      await world.clock.elapse(1);
    }
    await world.clock.elapse(100);
  };
  await press("io:A3", "io:B2");
  await present("10110011100011110000111110101010");
  await press("io:A5", "io:B3");
  t.match(reports, [{ kind: "key", key: "5" }, { kind: "card" }, { kind: "key", key: "#" }]);
  t.equal(reports.length, 3);
  t.equal(reader.health().frameCount, 3);
});

t.test("an interrupt line that somebody holds is named, and nothing stays open", async (t) => {
  const world = new BoardWorld(parsedProfile(twoChips));
  const holder = world.gpio.openInputs({ lines: ["GPIO17"], bias: "none" });
  t.match(
    halErrorOf(() => world.open()),
    { kind: "in_use", message: /GPIO17/ },
  );
  holder.close();
  const taken = world.gpio.openInputs({ lines: ["GPIO22"], bias: "none" });
  t.match(
    halErrorOf(() => world.open()),
    { kind: "in_use", message: /GPIO22/ },
  );
  t.equal(world.drivenLevel("io:B0"), 0, "its strike is secured");
  taken.close();
  world.open().close();
  world.gpio.openInputs({ lines: world.gpio.lines, bias: "none" });
  world.clock.advance(60_000);
  t.equal(world.clock.alarmCount, 0, "nothing ticks on");
});

t.test("a board whose chips cannot all be had leaves every line to others", async (t) => {
  const chips = { "the clock chip": 0x68, "the expander": 0x20 };
  for (const [name, refused] of Object.entries(chips)) {
    const file = parsedProfile(twoChips);
    const world = new BoardWorld(file);
    const { gpio, i2c, clock, profile } = world;
    const open = (place: { readonly bus: number; readonly address: number }) => {
      if (place.address === refused) throw new HalError("not_supported", `no bus for ${name}`);
      return i2c.open(place);
    };
    t.match(
      halErrorOf(() => openWiredBoard({ ...file, gpio, i2c: () => ({ open }), clock })),
      { kind: "not_supported", message: `no bus for ${name}` },
    );
    for (const { strike } of profile.doors) {
      t.not(world.drivenLevel(strike.line), 1, `${name}: no strike is released`);
    }
    gpio.openInputs({ lines: gpio.lines, bias: "none" });
    clock.advance(60_000);
    t.equal(clock.alarmCount, 0, `${name}: nothing ticks on`);
  }
});

t.test("a fault of ours in a chip's driver leaves no interrupt line taken", async (t) => {
  const file = parsedProfile(twoChips);
  const { gpio, i2c, clock } = new BoardWorld(file);
  let isClosed = false;
  const open = (place: { readonly bus: number; readonly address: number }): I2cDevice => ({
    ...i2c.open(place),
    writeRegisters: () => {
      throw new TypeError("a fault of ours");
    },
    close: () => {
      isClosed = true;
    },
  });
  t.throws(() => openWiredBoard({ ...file, gpio, i2c: () => ({ open }), clock }), TypeError);
  gpio.openInputs({ lines: gpio.lines, bias: "none" });
  t.ok(isClosed, "and its bus is let go");
});

t.test("what secures a strike when we are dead finds it on its own chip", async (t) => {
  const { gpio } = openRig();
  t.match(gpio.addressOf?.("io:B0"), {
    kind: "i2c",
    device: "/dev/i2c-1",
    address: 0x20,
    outputs: { register: 0x15, directionRegister: 0x01 },
    bit: 0,
  });
  t.equal(gpio.addressOf?.("GPIO27"), undefined, "nothing outlives simulated lines");
});

t.test("the profile's clock chip is read where it is", async (t) => {
  const at = epochMs(Date.UTC(2026, 0, 5, 12));
  const { clockChip } = openRig(undefined, ({ i2c, clock }) =>
    i2c.add({ bus: 1, address: 0x68 }, new SimDs3231({ clock, at })),
  );
  t.same(clockChip?.read(), { at, kept: true });
  const { clockChip: absent } = openRig();
  t.equal(halErrorOf(() => absent?.read())?.kind, "disconnected");
});
