import t from "tap";
import type { Level } from "../../../hal/gpio.ts";
import { openStrike } from "../../../hal/lines/strike.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { halErrorOf } from "./sim-rig.ts";

const wirings = [
  { lock: "fail_secure", energizedLevel: 1, secured: 0, released: 1 },
  { lock: "fail_secure", energizedLevel: 0, secured: 1, released: 0 },
  { lock: "fail_safe", energizedLevel: 1, secured: 1, released: 0 },
  { lock: "fail_safe", energizedLevel: 0, secured: 0, released: 1 },
] as const;

for (const { lock, energizedLevel, secured, released } of wirings) {
  const name = `${lock}, energized ${energizedLevel === 1 ? "high" : "low"}`;

  t.test(`a strike (${name}) is secured from opening to closing but for a release`, async (t) => {
    const gpio = new SimGpio({ clock: new SimClock(), lines: ["relay"] });
    const levels: Level[] = [];
    gpio.watchOutputs((change) => levels.push(change.level));
    const strike = openStrike({ gpio, wiring: { line: "relay", lock, energizedLevel } });
    t.equal(strike.commanded(), "secured");
    t.same(levels, [secured], "the line was never at another level");
    strike.drive("released");
    strike.drive("released");
    t.equal(strike.commanded(), "released");
    t.same(levels, [secured, released]);
    strike.close();
    strike.close();
    t.equal(strike.commanded(), "secured");
    t.same(levels, [secured, released, secured]);
    t.match(
      halErrorOf(() => strike.drive("released")),
      { kind: "disconnected" },
    );
    t.equal(gpio.levelOf("relay"), secured, "and nothing releases it after closing");
  });

  t.test(`a strike (${name}) whose chip fails says what still holds`, async (t) => {
    const gpio = new SimGpio({ clock: new SimClock(), lines: ["relay"] });
    const strike = openStrike({ gpio, wiring: { line: "relay", lock, energizedLevel } });
    gpio.setConnection("relay", "disconnected");
    t.match(
      halErrorOf(() => strike.drive("released")),
      { kind: "disconnected" },
    );
    t.equal(strike.commanded(), "secured");
    gpio.setConnection("relay", "connected");
    strike.drive("released");
    t.equal(gpio.levelOf("relay"), released);
  });
}

t.test("securing twice writes twice: an expander that lost power is set right", async (t) => {
  const gpio = new SimGpio({ clock: new SimClock(), lines: ["relay"] });
  const strike = openStrike({
    gpio,
    wiring: { line: "relay", lock: "fail_secure", energizedLevel: 1 },
  });
  gpio.setConnection("relay", "disconnected");
  t.match(
    halErrorOf(() => strike.drive("secured")),
    { kind: "disconnected" },
  );
});
