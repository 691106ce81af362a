import t from "tap";
import { openMcp23017 } from "../../hal/lines/mcp23017.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../hal/sim/sim-gpio.ts";
import { SimI2c } from "../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../hal/sim/sim-mcp23017.ts";
import { type GpioRig, gpioConformance } from "./gpio-conformance.ts";

const pollMs = 10;
const place = { bus: 1, address: 0x20 };

function makeRig(wiring: "polled" | "interrupt"): GpioRig {
  const clock = new SimClock();
  const board = new SimGpio({ clock, lines: ["int"] });
  const i2c = new SimI2c();
  const chip = new SimMcp23017();
  i2c.add(place, chip);
  chip.watchInterrupt((level) => board.pull("int", level));
  const expander = openMcp23017({
    device: i2c.open(place),
    clock,
    // So seldom that only the interrupt can have told.
    pollMs: wiring === "polled" ? pollMs : 900,
    ...(wiring === "interrupt" && {
      interrupt: board.openInputs({ lines: ["int"], bias: "pull_up" }),
    }),
    onTrouble: () => undefined,
  });
  const pins: Record<string, number> = { A6: 6, B1: 9, B7: 15 };
  const pinOf = (line: string) => pins[line] ?? Number.NaN;
  return {
    gpio: expander,
    inputs: ["A6", "B1"],
    output: "B7",
    pull: async (line, level) => {
      chip.pull(pinOf(line), level);
      await clock.elapse(pollMs);
    },
    outputLevel: async () => chip.levelOf(15),
    handedOver: () => clock.elapse(pollMs),
    nowNs: () => clock.monotonic() * 1e6,
    close: async () => expander.close(),
  };
}

t.test("lines of an expander that is polled", async (t) => {
  gpioConformance(t, async () => makeRig("polled"));
});

t.test("lines of an expander that interrupts", async (t) => {
  gpioConformance(t, async () => makeRig("interrupt"));
});
