import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { testHashKey } from "../core/sample-table.ts";
import { adaBits, content, front, lab, open, strangerBits } from "./door-rig.ts";

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
