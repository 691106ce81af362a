import { constants } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Edge } from "../../../../../hal/gpio.ts";
import { openCharacterDeviceGpio } from "../../../../../hal/linux/gpio/character-device-gpio.ts";
import { HalError } from "../../../../../src/domain/hal-error.ts";
import { type FakeChip, FakeKernel } from "./fake-kernel.ts";

const { EACCES, EBUSY, EINVAL, EIO, ENODEV, EOPNOTSUPP } = constants.errno;

const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const board: Readonly<Record<string, FakeChip>> = {
  gpiochip0: { label: "pinctrl-bcm2711", lines: named("ID_SDA", "GPIO17", "GPIO18", "DUP", "") },
  gpiochip1: { label: "exp", lines: named("BT_ON", "DUP") },
};
const unlabelled = { ...board, gpiochip2: { label: "", lines: named("", "") } };

function openBoard(t: Test, chips = board) {
  const deviceFolder = t.testdir({});
  const native = new FakeKernel(deviceFolder, chips);
  return { native, deviceFolder, gpio: openCharacterDeviceGpio({ deviceFolder, native }) };
}

function failureOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof HalError) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "did not throw";
}

const nowNs = () => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
};

t.test("the two lines of a reader are one request, as it was asked for", async (t) => {
  const { gpio, native, deviceFolder } = openBoard(t);
  gpio.openInputs({ lines: ["GPIO18", "pinctrl-bcm2711:1"], bias: "pull_up", debounceMs: 1.5 });
  gpio.openOutput({ line: "gpiochip1:BT_ON", initial: 1, drive: "open_drain" });
  t.same(native.asked, [
    {
      path: join(deviceFolder, "gpiochip0"),
      offsets: [2, 1],
      consumer: "postern",
      bias: 1,
      debounceUs: 1_500,
    },
    {
      path: join(deviceFolder, "gpiochip1"),
      offsets: [0],
      consumer: "postern",
      level: 1,
      isOpenDrain: true,
    },
  ]);
});

t.test("each bias is the kernel's own", async (t) => {
  const { gpio, native } = openBoard(t);
  for (const bias of ["none", "pull_up", "pull_down"] as const) {
    gpio.openInputs({ lines: ["GPIO17"], bias });
  }
  t.same(
    native.asked.map(({ bias }) => bias),
    [0, 1, 2],
  );
});

t.test("where the kernel does not debounce, the line opens without", async (t) => {
  const { gpio, native } = openBoard(t);
  for (const errno of [EINVAL, EOPNOTSUPP, 524]) {
    native.refusals.push({ call: "requestInputs", errno });
    gpio.openInputs({ lines: ["GPIO17"], bias: "none", debounceMs: 20 });
  }
  t.same(
    native.asked.map(({ debounceUs }) => debounceUs),
    [20_000, 0, 20_000, 0, 20_000, 0],
  );
});

t.test("a line is refused with what is wrong with its name", async (t) => {
  const { gpio } = openBoard(t, unlabelled);
  const why = (line: string) => failureOf(() => gpio.openOutput({ line, initial: 0 }));
  const both = /^not_found: .*gpiochip0 \(pinctrl-bcm2711\).*gpiochip1 \(exp\)/;
  t.match(why("DUP"), both, "two chips have one of that name");
  t.match(why("GPIO99"), both);
  t.match(why("pinctrl-rp1:17"), both);
  t.match(why("exp:2"), /^not_found: .* lines 0 to 1$/);
  t.match(why("exp:GPIO17"), /^not_found: .*no line "exp:GPIO17" on gpiochip1 \(exp\)/);
  t.match(why(""), /^not_found/, "the lines without a name are not one that is called so");
  t.match(why("pinctrl-bcm2711:"), /^not_found/);
  t.match(why(":1"), /^not_found/, "nor a chip without a label");
});

t.test("two chips of one label are told apart by their own names", async (t) => {
  const twin = { label: "exp", lines: named("X") };
  const { gpio, native, deviceFolder } = openBoard(t, { gpiochip2: twin, gpiochip10: twin });
  t.match(
    failureOf(() => gpio.openOutput({ line: "exp:0", initial: 0 })),
    /^not_found: .*gpiochip2 \(exp\), gpiochip10 \(exp\)/,
  );
  gpio.openOutput({ line: "gpiochip10:0", initial: 0 });
  t.equal(native.asked[0]?.path, join(deviceFolder, "gpiochip10"));
});

t.test("lines of two chips, no line, and one line twice are not read as one", async (t) => {
  const { gpio, native } = openBoard(t);
  const why = (...lines: readonly string[]) =>
    failureOf(() => gpio.openInputs({ lines, bias: "none" }));
  t.match(why("GPIO17", "BT_ON"), /^not_supported: .*gpiochip0 .*gpiochip1 /);
  t.match(why(), /^not_supported/);
  t.match(why("GPIO17", "pinctrl-bcm2711:1"), /^in_use: .*twice/);
  t.same(native.asked, []);
});

t.test("a line in use names its holder, and the other one is not blamed", async (t) => {
  const lines = [{ name: "A" }, { name: "B", consumer: "spi0 CS0" }, { name: "C", consumer: "" }];
  const { gpio } = openBoard(t, { gpiochip0: { label: "chip", lines } });
  const why = (...names: readonly string[]) =>
    failureOf(() => gpio.openInputs({ lines: names, bias: "none" }));
  t.equal(why("A", "B"), 'in_use: in use: line "B" (gpiochip0 (chip) line 1) by "spi0 CS0"');
  t.match(why("C"), /line "C" .* by a holder without a name$/);
});

t.test("a user who may not open a chip is told which group may", async (t) => {
  const { gpio, native } = openBoard(t);
  native.refusals.push({ call: "chip", errno: EACCES }, { call: "chip", errno: EACCES });
  t.match(
    failureOf(() => gpio.openOutput({ line: "GPIO17", initial: 0 })),
    /^not_permitted: .*gpiochip1.*EACCES.*group gpio/,
  );
});

t.test("a machine without a chip, or without the folder, says so", async (t) => {
  const { gpio } = openBoard(t, {});
  t.match(
    failureOf(() => gpio.openOutput({ line: "GPIO17", initial: 0 })),
    /^not_found: no GPIO chip/,
  );
  const nowhere = openCharacterDeviceGpio({
    deviceFolder: join(t.testdir({}), "none"),
    native: new FakeKernel(t.testdir({}), {}),
  });
  t.match(
    failureOf(() => nowhere.openOutput({ line: "GPIO17", initial: 0 })),
    /^not_found: .*none cannot be read/,
  );
});

t.test("a holder's name that the kernel would cut is refused", async (t) => {
  const native = new FakeKernel(t.testdir({}), {});
  const open = (consumer: string) => openCharacterDeviceGpio({ consumer, native });
  t.match(
    failureOf(() => open("x".repeat(32))),
    /^not_supported/,
  );
  open("x".repeat(31));
});

t.test("what the kernel refuses while a line is open has its kind", async (t) => {
  const { gpio, native } = openBoard(t);
  const output = gpio.openOutput({ line: "GPIO17", initial: 0 });
  output.drive(1);
  for (const [errno, kind] of [
    [ENODEV, /^disconnected: line GPIO17: ENODEV/],
    [EIO, /^io: line GPIO17: EIO/],
    [12_345, /^io: line GPIO17: error 12345/],
  ] as const) {
    native.refusals.push({ call: "drive", errno });
    t.match(
      failureOf(() => output.drive(0)),
      kind,
    );
    t.equal(output.driven(), 1, "the level is unchanged");
  }
  const inputs = gpio.openInputs({ lines: ["GPIO18"], bias: "none" });
  native.refusals.push({ call: "read", errno: ENODEV }, { call: "listen", errno: EBUSY });
  t.match(
    failureOf(() => inputs.read(0)),
    /^disconnected/,
  );
  t.match(
    failureOf(() => inputs.read(1)),
    /^not_found/,
  );
  t.match(
    failureOf(() => inputs.listen(() => {})),
    /^in_use/,
  );
});

t.test("all lines are read in one look, each by its bit", async (t) => {
  const { gpio, native } = openBoard(t);
  const inputs = gpio.openInputs({ lines: ["GPIO17", "GPIO18"], bias: "none" });
  native.levels = 0b10;
  t.same(inputs.readAll?.(), [0, 1]);
  t.same([inputs.read(0), inputs.read(1)], [0, 1]);
});

t.test("edges go to the one listener until it closes the lines", async (t) => {
  const { gpio, native } = openBoard(t);
  const inputs = gpio.openInputs({ lines: ["GPIO17", "GPIO18"], bias: "none" });
  native.levels = 0b11;
  const edges: Edge[] = [];
  inputs.listen((edge) => {
    edges.push(edge);
    if (edge.sequence === 2) inputs.close();
  });
  t.throws(() => inputs.listen(() => {}), /one listener/);
  const at = nowNs();
  native.queue([0, 0, at, 1], [0, 1, at + 50, 2], [1, 0, at + 90, 3]);
  native.queue([1, 1, at + 95, 4]);
  t.same(edges, [
    { line: 0, level: 0, at, sequence: 1 },
    { line: 0, level: 1, at: at + 50, sequence: 2 },
  ]);
});

t.test("an edge that had to wait is told without another one coming", async (t) => {
  const { gpio, native } = openBoard(t);
  const inputs = gpio.openInputs({ lines: ["GPIO17", "GPIO18"], bias: "none" });
  native.levels = 0b11;
  const told = new Promise<Edge>((resolve) => inputs.listen(resolve));
  const at = nowNs();
  native.queue([1, 0, at, 3]);
  t.match(await told, { line: 1, level: 0, at, sequence: 3 });
  t.ok(nowNs() - at >= 1e6, "a millisecond after it happened");
  inputs.close();
});
