import { readFileSync } from "node:fs";
import t from "tap";
import type { Gpio } from "../../../hal/gpio.ts";
import { openBoard } from "../../../hal/lines/board.ts";
import { SimBoard } from "../../../hal/sim/sim-board.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { parseBoardProfile } from "../../../src/compose/config/board-profile-file.ts";
import { DoorController } from "../../../src/controller/door-controller.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { DoorSettings, TableContent } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { encodeCard, standardFormats } from "../../../src/protocols/wiegand/format.ts";
import {
  cardPass,
  door,
  pinPass,
  rule,
  tableContent,
  testHashKey,
  user,
} from "../core/sample-table.ts";

const file = "config/boards/sim.toml";
const pinKey = new Uint8Array(32).fill(7);
const front = { reader: readerId("front"), door: doorId("front") };
const lab = { reader: readerId("lab"), door: doorId("lab") };

function bitsOf(number: number): string {
  const format = standardFormats.find(({ name }) => name === "H10301");
  if (format === undefined) throw new Error("no H10301");
  const bits = encodeCard(format, { facility: 12, number });
  if (!bits.ok) throw new Error(bits.fault.expected);
  return bits.value;
}

const adaBits = bitsOf(34567);
const strangerBits = bitsOf(1);

function content(settings: Partial<DoorSettings> = {}): TableContent {
  return tableContent({
    doors: [
      door("front", { factors: "card_or_pin", ...settings }),
      door("lab", { factors: "card_and_pin", ...settings }),
    ],
    users: [user("ada")],
    passes: [
      cardPass("ada-card", "ada", rawFromBits(adaBits)),
      pinPass("ada-pin", "ada", digestPin(pinKey, "246810")),
    ],
    rules: [rule("everywhere", ["ada"], ["front", "lab"])],
  });
}

/** The same lines, with a note of every level that is driven. */
function noting(gpio: Gpio, order: string[]): Gpio {
  return {
    openInputs: (request) => gpio.openInputs(request),
    openOutput: (request) => {
      const output = gpio.openOutput(request);
      return {
        line: output.line,
        drive: (level) => {
          output.drive(level);
          order.push(`${output.line}=${level}`);
        },
        driven: () => output.driven(),
        close: () => output.close(),
      };
    },
  };
}

/** A whole controller on the simulated lines, on a clock that the test moves. */
function open(table: TableContent | undefined) {
  const profile = parseBoardProfile({ file, text: readFileSync(file, "utf8") });
  if (!profile.ok) throw new Error("the demonstration profile is at fault");
  const clock = new SimClock();
  const sim = new SimBoard({ ...profile.value, clock });
  const events: DoorEvent[] = [];
  const order: string[] = [];
  const gpio = noting(sim.gpio, order);
  const board = openBoard({ ...profile.value, gpio, clock: sim.clock });
  const record = (event: DoorEvent) => {
    events.push(event);
    order.push(event.kind);
  };
  const controller = new DoorController(
    {
      board,
      digestPin: (digits) => digestPin(pinKey, digits),
      record,
      troubles: new Troubles(record),
    },
    table && buildAccessTable(table, testHashKey),
  );
  const world = {
    clock,
    sim,
    board,
    controller,
    events,
    order,
    strikes: () => [sim.state().doors["front"]?.strike, sim.state().doors["lab"]?.strike],
    tap: async (reader: typeof front.reader, bits: string) => {
      await clock.elapse(200);
      order.length = 0;
      const sent = sim.presentCard(reader, bits);
      await clock.elapse(200);
      await sent;
    },
    type: async (reader: typeof front.reader, keys: string) => {
      const sent = sim.typeKeys(reader, [...keys] as Parameters<typeof sim.typeKeys>[1] & string[]);
      await clock.elapse(keys.length * 200);
      await sent;
    },
  };
  return world;
}

t.test("the strike moves first, then the lamp, and only then is it recorded", async (t) => {
  const world = open(content());
  await world.tap(front.reader, adaBits);
  t.same(world.strikes(), ["released", "secured"]);
  t.equal(world.order[0], "relay1=1", "the strike is the first thing that anybody could see");
  const recorded = world.order.indexOf("access_granted");
  t.ok(recorded > world.order.findIndex((step) => step.startsWith("reader1-green")));
  t.match(world.events.at(-1), { door: "front", reader: "front", pass: "ada-card", user: "ada" });
});

t.test("the strike is secured again after the unlock time, and the lamp is red", async (t) => {
  const world = open(content());
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(3_000);
  t.same(world.strikes(), ["secured", "secured"]);
  t.equal(world.sim.state().readers["front"]?.led, "red");
});

t.test("without a table nobody enters, everybody leaves, and both are recorded", async (t) => {
  const world = open(undefined);
  await world.tap(front.reader, adaBits);
  t.same(world.strikes(), ["secured", "secured"]);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "no_table" });
  world.sim.setRex(front.door, "pressed");
  await world.clock.elapse(100);
  t.same(world.strikes(), ["released", "secured"]);
  t.match(world.events.at(-1), { kind: "rex_admitted", door: "front" });
});

t.test(
  "a table that arrives decides the next tap, and the one before is not decided again",
  async (t) => {
    const world = open(content());
    await world.tap(front.reader, adaBits);
    world.controller.setTable(buildAccessTable({ ...content(), passes: [] }, testHashKey));
    await world.clock.elapse(3_000);
    await world.tap(front.reader, adaBits);
    t.same(world.strikes(), ["secured", "secured"]);
    t.match(
      world.events.map(({ kind }) => kind),
      ["access_granted", "door_not_entered", "access_denied"],
    );
  },
);

t.test("lab asks for the PIN after the card and opens to both", async (t) => {
  const world = open(content());
  await world.tap(lab.reader, adaBits);
  t.same(world.events, [], "nothing was decided yet");
  await world.type(lab.reader, "246810#");
  t.same(world.strikes(), ["secured", "released"]);
});

t.test(
  "a card without its PIN is denied when the time is over, and the lamp is red again",
  async (t) => {
    const world = open(content());
    await world.tap(lab.reader, adaBits);
    await world.clock.elapse(12_000);
    t.match(world.events, [
      { kind: "access_denied", reason: "second_factor_timeout", user: "ada" },
    ]);
    t.equal(world.sim.state().readers["lab"]?.led, "red");
    await world.type(lab.reader, "246810#");
    t.same(world.strikes(), ["secured", "secured"]);
  },
);

t.test("five wrong PINs pause the keypad of that reader, and cards go on working", async (t) => {
  const world = open(content());
  for (let count = 0; count < 5; count += 1) await world.type(front.reader, "11111#");
  t.match(world.events.at(-1), { kind: "pin_lockout", reader: "front", pauseMs: 60_000 });
  await world.type(front.reader, "246810#");
  t.match(world.events.at(-1), { kind: "access_denied", reason: "pin_locked_out" });
  t.same(world.strikes(), ["secured", "secured"]);
  await world.tap(front.reader, adaBits);
  t.same(world.strikes(), ["released", "secured"], "cards go on");
  await world.tap(lab.reader, adaBits);
  await world.type(lab.reader, "246810#");
  t.equal(world.strikes()[1], "released", "the other keypad goes on");
});

t.test("a PIN that is refused unchecked after a known card names whose card it was", async (t) => {
  const world = open(content());
  for (let count = 0; count < 5; count += 1) await world.type(lab.reader, "11111#");
  await world.tap(lab.reader, adaBits);
  await world.type(lab.reader, "246810#");
  t.match(world.events.at(-1), { reason: "pin_locked_out", user: "ada", pass: "ada-card" });
  t.same(world.strikes(), ["secured", "secured"]);
});

t.test("no event and no lamp shows a PIN or a card's number", async (t) => {
  const world = open(content());
  await world.type(front.reader, "246810#");
  await world.tap(front.reader, strangerBits);
  const told = JSON.stringify([world.events, world.controller.doors(), world.controller.readers()]);
  t.notMatch(told, /246810/);
  t.notMatch(told, rawFromBits(strangerBits));
});

t.test("misreads are told once with their count, not once each", async (t) => {
  const world = open(content());
  const flipped = adaBits.slice(0, 5) + (adaBits[5] === "0" ? "1" : "0") + adaBits.slice(6);
  for (let count = 0; count < 4; count += 1) await world.tap(front.reader, flipped);
  await world.clock.elapse(10_000);
  t.same(world.strikes(), ["secured", "secured"]);
  t.match(world.events, [
    { kind: "reader_misread", verdict: "parity", count: 1 },
    { kind: "reader_misread", verdict: "parity", count: 3 },
  ]);
});

t.test("explain says what a tap would get, and moves nothing", async (t) => {
  const world = open(content());
  const card = rawFromBits(adaBits);
  t.match(world.controller.explain(front.door, { card }), { decision: { kind: "granted" } });
  t.match(world.controller.explain(lab.door, { card }), { decision: { kind: "pin_required" } });
  t.same(world.strikes(), ["secured", "secured"]);
  t.same(world.events, []);
});

t.test("at rest no timer is armed, so that an idle controller does nothing at all", async (t) => {
  const world = open(content());
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(30_000);
  t.equal(world.clock.alarmCount, 0);
});

t.test("a controller that is closed waits for nothing, so that its process can end", async (t) => {
  const world = open(content());
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, adaBits);
  world.controller.close();
  world.board.close();
  world.sim.close();
  t.equal(world.clock.alarmCount, 0);
});

t.test("closing the board secures a strike that is released", async (t) => {
  const world = open(content());
  await world.tap(front.reader, adaBits);
  world.board.close();
  t.same(world.strikes(), ["secured", "secured"]);
});
