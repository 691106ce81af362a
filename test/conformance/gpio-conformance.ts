import type { Test } from "tap";
import type { Edge, Gpio, Level } from "../../hal/gpio.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/** A chip with something at its lines, so that a test can be the world. One for each test. */
export interface GpioRig {
  readonly gpio: Gpio;
  /** Two lines that nothing holds at first. */
  readonly inputs: readonly [string, string];
  readonly output: string;
  /** The world pulls an input; when this resolves, the level is on the line. */
  pull(line: string, level: Level): Promise<void>;
  /** What a meter on the output's terminal shows. */
  outputLevel(): Promise<Level | undefined>;
  /** Resolves when every edge so far has been handed over. */
  handedOver(): Promise<void>;
  /** The clock that stamps edges, in nanoseconds. */
  nowNs(): number;
  close(): Promise<void>;
}

const kindOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof HalError ? error.kind : `not a HalError: ${String(error)}`;
  }
  return "did not throw";
};

/** What `hal/gpio.ts` promises, of any implementation. */
export function gpioConformance(t: Test, makeRig: () => Promise<GpioRig>): void {
  const withRig = (name: string, run: (t: Test, rig: GpioRig) => Promise<void>) =>
    t.test(name, async (t) => {
      const rig = await makeRig();
      t.teardown(() => rig.close());
      await run(t, rig);
    });

  withRig("an output has its initial level from the beginning, high or low", async (t, rig) => {
    for (const initial of [1, 0, 1] as const) {
      const output = rig.gpio.openOutput({ line: rig.output, initial });
      t.equal(await rig.outputLevel(), initial);
      t.equal(output.driven(), initial);
      output.close();
    }
  });

  withRig("an output goes where it is driven and says so", async (t, rig) => {
    const output = rig.gpio.openOutput({ line: rig.output, initial: 0 });
    for (const level of [1, 1, 0, 1] as const) {
      output.drive(level);
      t.equal(output.driven(), level);
      t.equal(await rig.outputLevel(), level);
    }
    output.close();
  });

  withRig("closing an output drives its initial level, and twice does nothing", async (t, rig) => {
    const output = rig.gpio.openOutput({ line: rig.output, initial: 0 });
    output.drive(1);
    output.close();
    output.close();
    t.equal(output.driven(), 0);
    t.equal(
      kindOf(() => output.drive(1)),
      "disconnected",
    );
    const again = rig.gpio.openOutput({ line: rig.output, initial: 1 });
    output.close();
    t.equal(await rig.outputLevel(), 1, "closing the old one leaves the new one alone");
    again.close();
  });

  withRig("a line that is held is refused, and one that does not exist", async (t, rig) => {
    const { gpio, inputs, output } = rig;
    const held = gpio.openInputs({ lines: inputs, bias: "pull_up" });
    const driven = gpio.openOutput({ line: output, initial: 0 });
    t.equal(
      kindOf(() => gpio.openInputs({ lines: [inputs[1]], bias: "none" })),
      "in_use",
    );
    t.equal(
      kindOf(() => gpio.openOutput({ line: inputs[0], initial: 1 })),
      "in_use",
    );
    t.equal(
      kindOf(() => gpio.openOutput({ line: output, initial: 1 })),
      "in_use",
    );
    t.equal(await rig.outputLevel(), 0, "and a refused opening drives nothing");
    t.equal(
      kindOf(() => gpio.openOutput({ line: "no-such-line", initial: 1 })),
      "not_found",
    );
    held.close();
    driven.close();
    gpio.openInputs({ lines: inputs, bias: "pull_up" }).close();
  });

  withRig("a refused request leaves none of its lines held", async (t, rig) => {
    const lines = [rig.inputs[0], "no-such-line"];
    t.equal(
      kindOf(() => rig.gpio.openInputs({ lines, bias: "pull_up" })),
      "not_found",
    );
    rig.gpio.openInputs({ lines: rig.inputs, bias: "pull_up" }).close();
  });

  withRig("edges of two lines come in the order they happened, stamped", async (t, rig) => {
    for (const line of rig.inputs) await rig.pull(line, 1);
    const lines = rig.gpio.openInputs({ lines: rig.inputs, bias: "pull_up" });
    const edges: Edge[] = [];
    lines.listen((edge) => edges.push(edge));
    const before = rig.nowNs();
    const moves = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
      [0, 1],
    ] as const;
    for (const [line, level] of moves) await rig.pull(rig.inputs[line], level);
    await rig.handedOver();
    const after = rig.nowNs();
    t.same(
      edges.map((edge) => [edge.line, edge.level]),
      moves,
    );
    t.same(
      edges.map((edge) => edge.sequence),
      [1, 2, 3, 4, 5, 6],
    );
    const stamps = edges.map((edge) => edge.at);
    t.same(
      stamps,
      stamps.toSorted((a, b) => a - b),
      "stamps never go back",
    );
    t.ok(
      stamps.every((at) => at >= before && at <= after),
      "and are on the clock of deadlines",
    );
    lines.close();
  });

  withRig("a line reads the level that it has now", async (t, rig) => {
    const lines = rig.gpio.openInputs({ lines: rig.inputs, bias: "pull_up" });
    await rig.pull(rig.inputs[0], 0);
    await rig.pull(rig.inputs[1], 1);
    t.same([lines.read(0), lines.read(1)], [0, 1]);
    await rig.pull(rig.inputs[0], 1);
    await rig.pull(rig.inputs[1], 0);
    t.same([lines.read(0), lines.read(1)], [1, 0]);
    lines.close();
  });

  withRig("a pull to the level that is there already is no edge", async (t, rig) => {
    await rig.pull(rig.inputs[0], 0);
    const lines = rig.gpio.openInputs({ lines: rig.inputs, bias: "pull_up" });
    const edges: Edge[] = [];
    lines.listen((edge) => edges.push(edge));
    await rig.pull(rig.inputs[0], 0);
    await rig.handedOver();
    t.same(edges, []);
    lines.close();
  });

  withRig("edges before listening and after closing are not told", async (t, rig) => {
    await rig.pull(rig.inputs[0], 1);
    const lines = rig.gpio.openInputs({ lines: rig.inputs, bias: "pull_up" });
    const levels: Level[] = [];
    await rig.pull(rig.inputs[0], 0);
    lines.listen((edge) => levels.push(edge.level));
    await rig.pull(rig.inputs[0], 1);
    await rig.handedOver();
    lines.close();
    lines.close();
    await rig.pull(rig.inputs[0], 0);
    await rig.handedOver();
    t.same(levels, [1]);
    t.equal(
      kindOf(() => lines.read(0)),
      "disconnected",
    );
  });
}
