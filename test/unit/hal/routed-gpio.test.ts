import t from "tap";
import { openMcp23017 } from "../../../hal/lines/mcp23017.ts";
import { routeGpio } from "../../../hal/lines/routed-gpio.ts";
import { openWiegandReader } from "../../../hal/lines/wiegand-reader.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { SimI2c } from "../../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../../hal/sim/sim-mcp23017.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { standardFormats } from "../../../src/protocols/wiegand/format.ts";
import { halErrorOf } from "./sim-rig.ts";

function makeRig() {
  const clock = new SimClock();
  const main = new SimGpio({ clock, lines: ["GPIO17", "GPIO18", "pinctrl-rp1:4", "relays"] });
  const i2c = new SimI2c();
  const chips = [0x20, 0x21].map((address) => {
    const chip = new SimMcp23017();
    i2c.add({ bus: 1, address }, chip);
    const device = i2c.open({ bus: 1, address });
    return { chip, gpio: openMcp23017({ device, clock, pollMs: 10, onTrouble: () => undefined }) };
  });
  const expanders = new Map(
    chips.map(({ gpio }, index) => [index === 0 ? "inputs" : "relays", gpio] as const),
  );
  const [inputs, relays] = chips.map(({ chip }) => chip);
  if (inputs === undefined || relays === undefined) throw new Error("two chips");
  return { clock, main, inputs, relays, gpio: routeGpio(main, expanders) };
}

t.test("a line goes to its expander by the id before the colon, and else to the board", (t) => {
  const { gpio, main, relays, inputs } = makeRig();
  const relay = gpio.openOutput({ line: "relays:B0", initial: 0 });
  t.equal(relay.line, "relays:B0");
  relay.drive(1);
  t.equal(relay.driven(), 1);
  t.equal(relays.drivenLevel(8), 1);
  t.equal(inputs.drivenLevel(8), undefined);
  gpio.openOutput({ line: "pinctrl-rp1:4", initial: 1 });
  t.equal(main.levelOf("pinctrl-rp1:4"), 1, "a chip's own line has a colon too");
  for (const line of ["GPIO17", "relays"]) {
    gpio.openOutput({ line, initial: 1 });
    t.equal(main.levelOf(line), 1);
  }
  relay.close();
  t.equal(relays.drivenLevel(8), 0);
  t.end();
});

t.test("inputs of an expander are read and told under the names of the profile", async (t) => {
  const { gpio, clock, inputs } = makeRig();
  const lines = gpio.openInputs({ lines: ["inputs:A1", "inputs:B1"], bias: "pull_up" });
  t.same(lines.lines, ["inputs:A1", "inputs:B1"]);
  const edges: number[][] = [];
  lines.listen(({ line, level }) => edges.push([line, level]));
  inputs.pull(9, 0);
  await clock.elapse(20);
  t.same(edges, [[1, 0]]);
  t.same([lines.read(0), lines.read(1)], [1, 0]);
  t.same(lines.readAll?.(), [1, 0]);
  lines.close();
  t.equal(halErrorOf(() => lines.read(0))?.kind, "disconnected");
});

t.test("lines of two chips are not one request, and nothing of it stays held", (t) => {
  const { gpio } = makeRig();
  for (const lines of [
    ["inputs:A0", "relays:A0"],
    ["GPIO17", "inputs:A0"],
    ["inputs:A0", "GPIO17"],
  ]) {
    const error = halErrorOf(() => gpio.openInputs({ lines, bias: "pull_up" }));
    t.equal(error?.kind, "not_supported", lines.join());
  }
  gpio.openInputs({ lines: ["GPIO17"], bias: "pull_up" });
  gpio.openInputs({ lines: ["inputs:A0"], bias: "pull_up" });
  t.end();
});

t.test("what an expander refuses is refused by its id in the profile", (t) => {
  const { gpio } = makeRig();
  const error = halErrorOf(() => gpio.openOutput({ line: "relays:C9", initial: 0 }));
  t.equal(error?.kind, "not_found");
  t.match(error?.message, /^relays: .*"C9"/);
  t.end();
});

t.test("a Wiegand reader on an expander is refused by name, and holds no line", (t) => {
  const { gpio, clock } = makeRig();
  const wiring = {
    id: readerId("front"),
    door: doorId("front"),
    d0: "inputs:A0",
    d1: "inputs:A1",
    formats: ["H10301"],
    keypad: "none",
  } as const;
  const error = halErrorOf(() =>
    openWiegandReader({ gpio, clock, wiring, formats: standardFormats }),
  );
  t.equal(error?.kind, "not_supported");
  t.match(error?.message, /^inputs: .*A0, A1.*Wiegand/);
  gpio.openInputs({ lines: ["inputs:A0", "inputs:A1"], bias: "pull_up" });
  t.end();
});

t.test("an output says where the kernel has it, as far as its chip can", (t) => {
  const { gpio } = makeRig();
  t.match(gpio.addressOf?.("relays:B2"), { kind: "i2c", address: 0x21, bit: 2 });
  t.equal(gpio.addressOf?.("GPIO17"), undefined);
  t.end();
});
