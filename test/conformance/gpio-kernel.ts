// The GPIO drivers over a real kernel and its simulated chips: root, gpio-sim, configfs. The rig's guest
// runs it: `node --import=tsx test/conformance/gpio-kernel.ts`. On an emulated machine whose processors
// are stopped for milliseconds by others the kernel itself loses edges: run it with `-icount`.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import t, { type Test } from "tap";
import type { Edge, InputLines } from "../../hal/gpio.ts";
import { openCharacterDeviceGpio } from "../../hal/linux/gpio/character-device-gpio.ts";
import { nativeGpio } from "../../hal/linux/gpio/native-gpio.ts";
import { openSysfsGpio } from "../../hal/linux/sysfs/sysfs-gpio.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { kernelConformance } from "./gpio-kernel-conformance.ts";
import { type GpioSimChip, makeGpioSimChip } from "./gpio-sim-chip.ts";

const lines = ["a", "b", "out", ""];

function makeChip(t: Test, label = "postern-chip"): GpioSimChip {
  const chip = makeGpioSimChip({ label, lines });
  t.teardown(() => chip.remove());
  return chip;
}

function failureOf(action: () => unknown): { readonly kind: string; readonly message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof HalError) return error;
    throw error;
  }
  return { kind: "did not throw", message: "" };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves with the first edge that `wanted` likes. */
function edgeOf(inputs: InputLines, wanted: (edge: Edge) => boolean): Promise<readonly Edge[]> {
  const edges: Edge[] = [];
  return new Promise((resolve) => {
    inputs.listen((edge) => {
      edges.push(edge);
      if (wanted(edge)) resolve(edges);
    });
  });
}

kernelConformance(t, { skip: false });

t.test("a line in use names its holder", async (t) => {
  const chip = makeChip(t);
  const held = openCharacterDeviceGpio({ consumer: "the other" }).openInputs({
    lines: ["a", "b"],
    bias: "none",
  });
  const gpio = openCharacterDeviceGpio();
  const { kind, message } = failureOf(() => gpio.openOutput({ line: "b", initial: 1 }));
  t.equal(kind, "in_use");
  t.match(message, `line "b" (${chip.path.slice(5)} (postern-chip) line 1) by "the other"`);
  held.close();
  gpio.openOutput({ line: "b", initial: 1 }).close();
});

t.test("a line that sysfs still holds says how to free it", async (t) => {
  makeChip(t);
  const sysfs = openSysfsGpio();
  const held = sysfs.openInputs({ lines: ["postern-chip:0"], bias: "none" });
  const gpio = openCharacterDeviceGpio();
  const { message } = failureOf(() => gpio.openInputs({ lines: ["a"], bias: "none" }));
  t.match(message, /by "sysfs"; .*unexport/);
  held.close();
  gpio.openInputs({ lines: ["a"], bias: "none" }).close();
});

t.test("lines are found by name, by label and offset, by label and name, by chip", async (t) => {
  const chip = makeChip(t);
  const gpio = openCharacterDeviceGpio();
  const name = chip.path.slice(5);
  for (const line of ["out", "postern-chip:2", "postern-chip:out", `${name}:2`, `${name}:out`]) {
    const output = gpio.openOutput({ line, initial: 1 });
    t.equal(chip.level("out"), 1, line);
    output.close();
    t.same(gpio.addressOf?.(line), { kind: "gpio", device: chip.path, offset: 2 });
  }
  for (const line of ["postern-chip:4", "postern-chip:none", "nowhere:2", "none"]) {
    const { kind, message } = failureOf(() => gpio.openOutput({ line, initial: 1 }));
    t.equal(kind, "not_found", line);
    t.match(message, `${name} (postern-chip)`, "and what there is, is said");
  }
});

t.test("a name that two chips have means neither", async (t) => {
  makeChip(t, "postern-one");
  makeChip(t, "postern-two");
  const gpio = openCharacterDeviceGpio();
  const { kind, message } = failureOf(() => gpio.openOutput({ line: "out", initial: 1 }));
  t.equal(kind, "not_found");
  t.match(message, /\(postern-one\) line 2 and gpiochip\d+ \(postern-two\) line 2/);
  gpio.openOutput({ line: "postern-two:out", initial: 1 }).close();
  const apart = { lines: ["postern-one:a", "postern-two:b"], bias: "none" } as const;
  t.equal(failureOf(() => gpio.openInputs(apart)).kind, "not_supported", "nor are two chips one");
});

t.test("a link that gives a chip its old number makes no second chip", async (t) => {
  const chip = makeChip(t);
  const deviceFolder = mkdtempSync(join(tmpdir(), "postern-dev-"));
  t.teardown(() => rmSync(deviceFolder, { recursive: true }));
  for (const name of ["gpiochip0", "gpiochip4"]) symlinkSync(chip.path, join(deviceFolder, name));
  const gpio = openCharacterDeviceGpio({ deviceFolder });
  for (const line of ["out", "gpiochip4:out", "postern-chip:2"]) {
    gpio.openOutput({ line, initial: 1 }).close();
  }
});

t.test("more edges than the kernel keeps leave a gap of their number", async (t) => {
  const chip = makeChip(t);
  chip.pull("a", 1);
  const inputs = openCharacterDeviceGpio().openInputs({ lines: ["a", "b"], bias: "pull_up" });
  const pulls = 1_500;
  const told = edgeOf(inputs, ({ line }) => line === 1);
  for (let pull = 0; pull < pulls; pull += 1) chip.pull("a", pull % 2 === 0 ? 0 : 1);
  chip.pull("b", 0);
  const edges = await told;
  inputs.close();
  t.equal(edges.at(-1)?.sequence, pulls + 1);
  t.ok(edges.length >= 1_000 && edges.length <= 1_026, `${edges.length} were kept`);
  const stamps = edges.map(({ at }) => at);
  t.same(
    stamps,
    stamps.toSorted((one, other) => one - other),
  );
});

t.test("a level that does not last is no edge where the kernel debounces", async (t) => {
  const chip = makeChip(t);
  const gpio = openCharacterDeviceGpio();
  const inputs = gpio.openInputs({ lines: ["a"], bias: "pull_up", debounceMs: 30 });
  const told = edgeOf(inputs, () => true);
  const before = process.hrtime();
  for (const level of [0, 1, 0, 1, 0] as const) chip.pull("a", level);
  const [edge, ...others] = await told;
  inputs.close();
  t.match(edge, { level: 0, sequence: 1 });
  t.ok((edge?.at ?? 0) - (before[0] * 1e9 + before[1]) >= 30e6, "stamped when it had lasted");
  t.same(others, []);
});

t.test("a line with open drain is let go at 1", async (t) => {
  const chip = makeChip(t);
  const gpio = openCharacterDeviceGpio();
  const row = gpio.openOutput({ line: "out", initial: 1, drive: "open_drain" });
  for (const level of [1, 0] as const) {
    chip.pull("out", level);
    t.equal(chip.level("out"), level, "the world has it");
  }
  chip.pull("out", 1);
  row.drive(0);
  t.equal(chip.level("out"), 0);
  row.close();
});

t.test("of a chip that is pulled out no edge comes, and everything says so", async (t) => {
  const chip = makeChip(t);
  const gpio = openCharacterDeviceGpio();
  const inputs = gpio.openInputs({ lines: ["a", "b"], bias: "pull_up" });
  const output = gpio.openOutput({ line: "out", initial: 0 });
  inputs.listen(() => t.fail("an edge of a chip that is gone"));
  chip.remove();
  await turns(3);
  t.equal(failureOf(() => inputs.read(0)).kind, "disconnected");
  t.equal(failureOf(() => output.drive(1)).kind, "disconnected");
  t.equal(output.driven(), 0);
  inputs.close();
  t.equal(failureOf(() => output.close()).kind, "disconnected");
  output.close();
});

t.test("a chip that is gone is told once, and does not keep the loop turning", async (t) => {
  const chip = makeChip(t);
  const native = nativeGpio();
  const request = native.requestInputs(chip.path, [0], "gone", 0, 0);
  if (typeof request === "number") throw new Error(`refused: ${request}`);
  const told: number[] = [];
  native.listen(request, (_, count) => told.push(count));
  chip.remove();
  await turns(20);
  t.same(told, [-constants.errno.ENODEV]);
  native.close(request);
});

const addon = join(import.meta.dirname, "../../hal/linux/gpio/build/postern_gpio.node");
const listening = (path: string) => `
  const native = require(${JSON.stringify(addon)});
  const request = native.requestInputs(${JSON.stringify(path)}, [0, 1], "ends", 1, 0);
  native.listen(request, () => {});`;

t.test("a process or a worker that ends while it listens ends in peace", async (t) => {
  const chip = makeChip(t);
  for (const end of [
    "process.exit(0)",
    "setImmediate(() => process.exit(0))",
    "native.close(request)",
  ]) {
    const { status, signal, stderr } = spawnSync(process.execPath, [
      "-e",
      listening(chip.path) + end,
    ]);
    t.same([status, signal, stderr.toString()], [0, null, ""], end);
  }
  const worker = new Worker(
    `${listening(chip.path)} require("node:worker_threads").parentPort.postMessage("up")`,
    { eval: true },
  );
  t.same(await once(worker, "message"), ["up"]);
  t.equal(await worker.terminate(), 1);
  openCharacterDeviceGpio()
    .openInputs({ lines: ["a", "b"], bias: "none" })
    .close();
});

t.test("of a chip that is pulled out sysfs tells no edge, and the process lives", async (t) => {
  const chip = makeChip(t);
  chip.pull("a", 1);
  const inputs = openSysfsGpio().openInputs({ lines: ["postern-chip:0"], bias: "none" });
  inputs.listen(() => t.fail("an edge of a chip that is gone"));
  // The edge wakes us for a line that is not there any more when we look.
  chip.pull("a", 0);
  chip.remove();
  await turns(200);
  t.equal(failureOf(() => inputs.read(0)).kind, "disconnected");
  inputs.close();
});

t.test("sysfs refuses a reader unless its weakness is accepted", async (t) => {
  makeChip(t);
  const reader = ["postern-chip:0", "postern-chip:1"];
  const pulses = { lines: reader.slice(1), bias: "pull_up", carries: "pulses" } as const;
  const gpio = openSysfsGpio();
  for (const request of [{ lines: reader, bias: "pull_up" } as const, pulses]) {
    const { kind, message } = failureOf(() => gpio.openInputs(request));
    t.equal(kind, "not_permitted");
    t.match(message, "accept_weak_wiegand");
  }
  openSysfsGpio({ acceptWeakWiegand: true })
    .openInputs({ ...pulses, lines: reader })
    .close();
});

t.test("sysfs tells each pulse of a reader that was over when we looked", async (t) => {
  const chip = makeChip(t);
  for (const line of ["a", "b"] as const) chip.pull(line, 1);
  const reader = ["postern-chip:0", "postern-chip:1"];
  const gpio = openSysfsGpio({ acceptWeakWiegand: true });
  const inputs = gpio.openInputs({ lines: reader, bias: "none", carries: "pulses" });
  const edges: Edge[] = [];
  let isTold = () => {};
  inputs.listen((edge) => {
    edges.push(edge);
    if (edge.level === 1) isTold();
  });
  const sent = ["a", "b", "b", "a"] as const;
  for (const line of sent) {
    const told = new Promise<void>((resolve) => {
      isTold = resolve;
    });
    chip.pull(line, 0);
    chip.pull(line, 1);
    await told;
  }
  inputs.close();
  for (const [index, { level, at }] of edges.entries()) {
    if (level === 1) t.equal(at - (edges[index - 1]?.at ?? 0), 50_000, "as long as pulses are");
  }
  t.same(
    edges.map(({ line, level, sequence }) => [reader[line], level, sequence]),
    sent.flatMap((name, index) => {
      const line = `postern-chip:${lines.indexOf(name)}`;
      return [
        [line, 0, index * 2 + 1],
        [line, 1, index * 2 + 2],
      ];
    }),
  );
});

t.test(
  "sysfs takes over what a dead program left exported, and no line that is held",
  async (t) => {
    const chip = makeChip(t);
    const gpio = openSysfsGpio();
    const left = gpio.addressOf?.("postern-chip:2");
    if (left?.kind !== "sysfs") throw new Error("no address");
    writeFileSync("/sys/class/gpio/export", left.folder.slice("/sys/class/gpio/gpio".length));
    const output = gpio.openOutput({ line: "postern-chip:2", initial: 1 });
    t.equal(chip.level("out"), 1);
    output.close();
    const held = openCharacterDeviceGpio().openOutput({ line: "out", initial: 0 });
    const { kind } = failureOf(() => gpio.openOutput({ line: "postern-chip:2", initial: 1 }));
    t.equal(kind, "in_use");
    t.equal(chip.level("out"), 0);
    held.close();
  },
);
