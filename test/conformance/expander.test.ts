import t from "tap";
import { openExpanderRig, pollMs } from "../unit/hal/expander-rig.ts";
import { type GpioRig, gpioConformance } from "./gpio-conformance.ts";

function makeRig(wiring: "polled" | "interrupt"): GpioRig {
  // One that interrupts is polled so seldom that only the interrupt can have told.
  const { clock, chip, expander } = openExpanderRig({ hasInterrupt: wiring === "interrupt" });
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
