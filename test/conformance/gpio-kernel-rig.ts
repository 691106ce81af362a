import type { Gpio, Level } from "../../hal/gpio.ts";
import { openCharacterDeviceGpio } from "../../hal/linux/gpio/character-device-gpio.ts";
import type { GpioRig } from "./gpio-conformance.ts";
import { type GpioSimChip, makeGpioSimChip } from "./gpio-sim-chip.ts";

const lines = ["in-a", "in-b", "out", "mark"] as const;
const label = "postern-conformance";

/** A rig of `gpio` over a simulated chip of the kernel, on which a line is called `reference(name)`. */
export function makeKernelRig(options: {
  readonly gpio: Gpio;
  /** `LABEL:OFFSET` for drivers that do not know a simulated line's own name. */
  readonly by: "name" | "offset";
  /** A driver without a queue is to have seen each edge before the next comes. */
  readonly pace: "at_once" | "one_by_one";
}): GpioRig {
  const { gpio, by, pace } = options;
  const chip = makeGpioSimChip({ label, lines });
  const reference = (name: (typeof lines)[number]) =>
    by === "name" ? name : `${label}:${lines.indexOf(name)}`;
  const nameOf = (line: string) => lines.find((name) => reference(name) === line) ?? line;
  const mark = openMark(chip);
  const pulls = new Map<string, Level>();
  return {
    gpio: pulledGpio(gpio, () => {
      for (const [name, level] of pulls) chip.pull(name, level);
    }),
    inputs: [reference("in-a"), reference("in-b")],
    output: reference("out"),
    pull: async (line, level) => {
      pulls.set(nameOf(line), level);
      chip.pull(nameOf(line), level);
      if (pace === "one_by_one") await mark.passed();
    },
    outputLevel: async () => chip.level("out"),
    handedOver: mark.passed,
    nowNs: () => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1e9 + nanoseconds;
    },
    close: async () => {
      mark.close();
      chip.remove();
    },
  };
}

/** On this chip a bias undoes what the world pulls; on a real one the world wins. */
function pulledGpio(gpio: Gpio, pullAgain: () => void): Gpio {
  return {
    openInputs: (request) => {
      const opened = gpio.openInputs(request);
      pullAgain();
      return opened;
    },
    openOutput: (request) => gpio.openOutput(request),
  };
}

/** An edge of our own, behind those that are to be handed over: the kernel handles them in turn. */
function openMark(chip: GpioSimChip): { readonly passed: () => Promise<void>; close(): void } {
  const mark = openCharacterDeviceGpio({ consumer: "mark" }).openInputs({
    lines: [`${label}:${lines.indexOf("mark")}`],
    bias: "none",
  });
  let passed = () => {};
  mark.listen(() => passed());
  const pass = () =>
    new Promise<void>((resolve) => {
      passed = resolve;
      chip.pull("mark", mark.read(0) === 0 ? 1 : 0);
    });
  return {
    // Twice: two processors may handle two interrupts in either order, but hardly twice.
    passed: async () => {
      await pass();
      await pass();
      // An edge that came before one with a lower number waits for that for a millisecond.
      const until = performance.now() + 2;
      while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    },
    close: () => mark.close(),
  };
}
