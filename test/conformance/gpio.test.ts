import t from "tap";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../hal/sim/sim-gpio.ts";
import { gpioConformance } from "./gpio-conformance.ts";
import { kernelConformance } from "./gpio-kernel-conformance.ts";
import { hasGpioSim } from "./gpio-sim-chip.ts";

const lines = ["in-a", "in-b", "out"];

t.test("simulated lines under a clock that tests move", async (t) => {
  gpioConformance(t, async () => {
    const clock = new SimClock();
    const gpio = new SimGpio({ clock, lines });
    return {
      gpio,
      inputs: ["in-a", "in-b"],
      output: "out",
      pull: async (line, level) => {
        clock.advance(0.1);
        gpio.pull(line, level);
      },
      outputLevel: async () => gpio.levelOf("out"),
      handedOver: () => clock.elapse(1),
      nowNs: () => clock.monotonic() * 1e6,
      close: async () => undefined,
    };
  });
});

t.test("simulated lines under the machine's clock", async (t) => {
  gpioConformance(t, async () => {
    const clock = createSystemClock({ quality: () => "trusted" });
    const gpio = new SimGpio({ clock, lines });
    return {
      gpio,
      inputs: ["in-a", "in-b"],
      output: "out",
      pull: async (line, level) => gpio.pull(line, level),
      outputLevel: async () => gpio.levelOf("out"),
      // What is due now is handed over by a timer; one that is armed after it fires after it.
      handedOver: () =>
        new Promise((resolve) => clock.alarm(clock.monotonic(), () => setImmediate(resolve))),
      nowNs: () => clock.monotonic() * 1e6,
      close: async () => undefined,
    };
  });
});

kernelConformance(t, { skip: hasGpioSim() ? false : "no gpio-sim here: npm run rig brings it" });
