import t from "tap";
import type { LightPattern } from "../../../hal/indicator.ts";
import { openIndicator } from "../../../hal/lines/indicator.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { openRig, readerOf } from "./sim-rig.ts";

function openLamps(reader: "front" | "lab") {
  const { clock, sim, board } = openRig();
  const { indicator } = readerOf(board, reader);
  const led = () => sim.state().readers[reader]?.led;
  return { clock, sim, board, indicator, led };
}

const steady = (light: "red" | "green" | "amber" | "off"): LightPattern => ({
  kind: "steady",
  light,
});

for (const reader of ["front", "lab"] as const) {
  const how = reader === "front" ? "red and green together" : "an amber lamp";
  t.test(`each light shows as itself, amber by ${how}`, async (t) => {
    const { indicator, led, clock } = openLamps(reader);
    t.equal(led(), "off");
    for (const light of ["red", "green", "amber", "red", "amber", "green", "off"] as const) {
      indicator.show(steady(light));
      t.equal(led(), light);
    }
    indicator.show(steady("red"));
    t.equal(clock.alarmCount, 0, "nothing ticks while the light is steady");
  });
}

t.test("a reader with an amber lamp does not light the others along with it", async (t) => {
  const { sim, indicator } = openLamps("lab");
  indicator.show(steady("amber"));
  t.same(
    ["lab-amber", "lab-red", "lab-green"].map((line) => sim.gpio.levelOf(line)),
    [0, 1, 1],
  );
});

t.test("going from red to green never shows an amber that nobody meant", async (t) => {
  const { sim, indicator, led } = openLamps("front");
  const seen: unknown[] = [];
  sim.watch({
    changed: ({ state }) => seen.push(state.readers["front"]?.led),
    closed: () => undefined,
  });
  for (const light of ["red", "green", "red"] as const) {
    indicator.show(steady(light));
    await Promise.resolve();
    await Promise.resolve();
  }
  t.same(seen, ["red", "green", "red"]);
  t.equal(led(), "red");
});

t.test("red and green are never lit together on the way from one to the other", async (t) => {
  const clock = new SimClock();
  const gpio = new SimGpio({ clock, lines: ["red", "green"] });
  const lamp = (line: string) => ({ line, activeLevel: 1 as const });
  const wiring = { red: lamp("red"), green: lamp("green") };
  const indicator = openIndicator({ gpio, clock, wiring });
  gpio.watchOutputs(() => {
    if (gpio.levelOf("red") === 1 && gpio.levelOf("green") === 1) t.fail("both are lit");
  });
  for (const light of ["red", "green", "red", "off"] as const) indicator.show(steady(light));
  t.same([gpio.levelOf("red"), gpio.levelOf("green")], [0, 0]);
});

t.test("flashing begins with the light and alternates until something else is shown", async (t) => {
  const { clock, indicator, led } = openLamps("front");
  indicator.show({ kind: "flash", light: "red", onMs: 100 });
  const seen: unknown[] = [];
  for (let step = 0; step < 6; step += 1) {
    seen.push(led());
    clock.advance(99);
    seen.push(led());
    clock.advance(1);
  }
  const on = ["red", "red", "off", "off"];
  t.same(seen, [...on, ...on, ...on]);
  t.equal(clock.alarmCount, 1);
  indicator.show({ kind: "flash", light: "amber", onMs: 50 });
  t.equal(clock.alarmCount, 1, "the flashing before it has ended");
  indicator.show(steady("green"));
  clock.advance(1_000);
  t.equal(led(), "green");
  t.equal(clock.alarmCount, 0);
});

t.test("a grant flashes three times, then rests, and nothing ticks", async (t) => {
  const { clock, indicator, led } = openLamps("front");
  indicator.show({ kind: "flash_then", light: "green", onMs: 120, count: 3, then: "green" });
  const seen: unknown[] = [];
  for (let step = 0; step < 8; step += 1) {
    seen.push(led());
    clock.advance(120);
  }
  t.same(seen, ["green", "off", "green", "off", "green", "off", "green", "green"]);
  t.equal(clock.alarmCount, 0);
});

t.test("a stall skips flashes instead of catching up on them", async (t) => {
  const { clock, indicator, led } = openLamps("front");
  indicator.show({ kind: "flash_then", light: "green", onMs: 100, count: 3, then: "red" });
  clock.stall(450);
  clock.advance(0);
  t.equal(led(), "green", "the third flash is on at 450 ms");
  clock.advance(50);
  t.equal(led(), "off");
  clock.advance(100);
  t.equal(led(), "red");
});

t.test("a second beep extends the first and never shortens it", async (t) => {
  const { clock, sim, indicator } = openLamps("front");
  const beeper = () => sim.state().readers["front"]?.beeper;
  indicator.beep(100);
  t.equal(beeper(), "on");
  clock.advance(60);
  indicator.beep(10);
  clock.advance(39);
  t.equal(beeper(), "on");
  indicator.beep(100);
  clock.advance(99);
  t.equal(beeper(), "on");
  clock.advance(1);
  t.equal(beeper(), "off");
  t.equal(clock.alarmCount, 0);
});

t.test("no duration makes a beeper sound for ever or a lamp spin", async (t) => {
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e12]) {
    const { clock, sim, indicator, led } = openLamps("front");
    indicator.beep(ms);
    indicator.show({ kind: "flash", light: "red", onMs: ms });
    clock.advance(10_000);
    t.equal(sim.state().readers["front"]?.beeper, "off");
    indicator.show({ kind: "flash_then", light: "red", onMs: 20, count: ms, then: "green" });
    indicator.show(steady("off"));
    t.equal(led(), "off");
  }
});

t.test("lamps that fail are counted, never thrown, and tried again", async (t) => {
  const { clock, sim, indicator, led } = openLamps("front");
  for (const line of ["front-red", "front-green", "front-beeper"]) {
    sim.gpio.setConnection(line, "disconnected");
  }
  indicator.show(steady("amber"));
  indicator.beep(10);
  clock.advance(20);
  t.equal(led(), "off");
  t.equal((indicator as unknown as { failureCount(): number }).failureCount(), 3);
  for (const line of ["front-red", "front-green"]) sim.gpio.setConnection(line, "connected");
  indicator.show(steady("amber"));
  t.equal(led(), "amber");
  sim.gpio.setConnection("front-red", "disconnected");
  indicator.close();
  t.equal(sim.gpio.levelOf("front-green"), 1, "one dead lamp leaves no other lit");
});

t.test("closing turns everything off and stops the flashing", async (t) => {
  const { clock, sim, indicator, led } = openLamps("lab");
  indicator.show({ kind: "flash", light: "amber", onMs: 50 });
  indicator.close();
  indicator.close();
  indicator.show(steady("red"));
  indicator.beep(50);
  clock.advance(500);
  t.equal(led(), "off");
  t.equal(clock.alarmCount, 0);
  t.same(sim.gpio.openOutput({ line: "lab-red", initial: 1 }).driven(), 1, "the line is free");
});

t.test("a reader without lamps or beeper takes every pattern", async (t) => {
  const { board, clock, sim } = openRig();
  const { indicator } = readerOf(board, "back");
  indicator.show({ kind: "flash", light: "amber", onMs: 50 });
  indicator.beep(100);
  clock.advance(200);
  t.same(sim.state().readers["back"], { led: "off", beeper: "off", tamper: null });
});
