import type { Edge } from "../../../hal/gpio.ts";
import { openMcp23017 } from "../../../hal/lines/mcp23017.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { SimI2c } from "../../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../../hal/sim/sim-mcp23017.ts";

export const place = { bus: 1, address: 0x20 };
export const pollMs = 10;
/** Longer than any pause between two tries to find a chip again. */
export const backMs = 6_000;

/** An expander on a bus, with its interrupt pins on a board's line if it has one. */
export function openExpanderRig({
  isThere = true,
  hasInterrupt = false,
  interruptPollMs = 900,
  polledMs = pollMs,
  chip = new SimMcp23017(),
}: {
  readonly isThere?: boolean;
  readonly hasInterrupt?: boolean;
  readonly interruptPollMs?: number;
  /** Without an interrupt line. */
  readonly polledMs?: number;
  readonly chip?: SimMcp23017;
} = {}) {
  const clock = new SimClock();
  const board = new SimGpio({ clock, lines: ["int"] });
  const i2c = new SimI2c();
  i2c.add(place, chip);
  chip.watchInterrupt((level) => board.pull("int", level));
  if (!isThere) i2c.setConnection(place, "disconnected");
  const troubles: string[] = [];
  const expander = openMcp23017({
    device: i2c.open(place),
    clock,
    pollMs: hasInterrupt ? interruptPollMs : polledMs,
    ...(hasInterrupt && { interrupt: board.openInputs({ lines: ["int"], bias: "pull_up" }) }),
    onTrouble: (trouble) => troubles.push(trouble),
  });
  const edges: Edge[] = [];
  const listen = (lines: readonly string[]) => {
    const inputs = expander.openInputs({ lines, bias: "pull_up" });
    inputs.listen((edge) => edges.push(edge));
    return inputs;
  };
  return { clock, i2c, chip, troubles, expander, edges, listen };
}

/** What was told, as line and level. */
export const movesOf = (edges: readonly Edge[]) => edges.map(({ line, level }) => [line, level]);
