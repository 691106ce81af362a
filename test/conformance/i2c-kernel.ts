// The I2C driver over a real kernel, and the chips over the driver: the kernel module of the rig, root. The
// rig's guest runs it: `node test/conformance/i2c-kernel.js`.
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import t, { type Test } from "tap";
import type { Edge } from "../../hal/gpio.ts";
import { i2cMsMax } from "../../hal/i2c.ts";
import { openMcp23017 } from "../../hal/lines/mcp23017.ts";
import { openDs3231 } from "../../hal/linux/i2c/ds3231.ts";
import { openLinuxI2c } from "../../hal/linux/i2c/linux-i2c.ts";
import { nativeSystem } from "../../hal/linux/system/native-system.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { epochMs, monotonicMs } from "../../src/domain/time.ts";
import { i2cConformance } from "./i2c-conformance.ts";
import { clockPlace, expanderPlace, i2cKernelRig, readChip, setChip } from "./i2c-kernel-rig.ts";

const clock = createSystemClock({ quality: () => "unknown" });
const untilMsMax = 20_000;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = clock.monotonic() + untilMsMax;
  while (!isSo()) {
    if (clock.monotonic() > end) throw new Error(`not so: ${what}`);
    await new Promise<void>((resolve) => clock.alarm(monotonicMs(clock.monotonic() + 2), resolve));
  }
}

function kindOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof HalError) return error.kind;
    throw error;
  }
  return "did not throw";
}

const openI2cFiles = () =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("/dev/i2c-");
    } catch {
      return false;
    }
  }).length;

i2cConformance(t, async () => i2cKernelRig());

function openExpander(t: Test) {
  setChip("pins", "65535");
  setChip("expander", "1");
  const troubles: string[] = [];
  const expander = openMcp23017({
    device: openLinuxI2c().open(expanderPlace),
    clock,
    pollMs: 5,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  t.teardown(() => {
    expander.close();
    setChip("expander", "0");
  });
  return { expander, troubles };
}

t.test(
  "an expander's relays move, its inputs tell, and it outlives being pulled out",
  async (t) => {
    const { expander, troubles } = openExpander(t);
    const relay = expander.openOutput({ line: "B0", initial: 0 });
    const inputs = expander.openInputs({ lines: ["A0", "A7"], bias: "pull_up" });
    const edges: Edge[] = [];
    inputs.listen((edge) => edges.push(edge));
    let lossCount = 0;
    inputs.watchLoss?.(() => {
      lossCount += 1;
    });
    relay.drive(1);
    t.equal(readChip("outputs"), "0100 0100", "OLATB OLATA, and which pins are outputs");
    setChip("pins", `${0xff7f}`);
    await until("the edge is told", () => edges.length === 1);
    t.match(edges[0], { line: 1, level: 0, sequence: 1 });
    t.same(inputs.readAll?.(), [1, 0]);

    setChip("expander", "0");
    await until("it is missed", () => troubles.length === 1);
    await until("its inputs are told as lost", () => lossCount === 1);
    const before = clock.monotonic();
    for (let count = 0; count < 1_000; count += 1) {
      if (kindOf(() => relay.drive(0)) !== "disconnected") t.fail("driven while it is gone");
    }
    const refusalMs = (clock.monotonic() - before) / 1_000;
    t.ok(refusalMs < 5, `refused in ${refusalMs.toFixed(3)} ms`);
    setChip("pins", "65535");
    setChip("expander", "1");
    await until("it is back", () => troubles.length === 2);
    t.same(troubles, ["raised", "cleared"]);
    t.equal(readChip("outputs"), "0000 0100", "the relay that should have fallen meanwhile is off");
    await until("each input is told anew", () => edges.length === 3);
    t.match(edges.slice(1), [
      { line: 0, level: 1, sequence: 2 },
      { line: 1, level: 1, sequence: 3 },
    ]);
  },
);

t.test("a clock chip is read and set, and its stopped oscillator shows", async (t) => {
  setChip("clock_chip", "1");
  t.teardown(() => setChip("clock_chip", "0"));
  const chip = openDs3231(openLinuxI2c().open(clockPlace));
  const at = Date.UTC(2031, 11, 31, 23, 59, 58);
  setChip("clock_at", `${at / 1_000}`);
  setChip("clock_stopped", "1");
  const stopped = chip.read();
  t.equal(stopped.kept, false);
  t.ok(stopped.at >= at && stopped.at <= at + 60_000, `${stopped.at}`);
  const wanted = epochMs(Date.UTC(2130, 1, 28, 23, 59, 59));
  chip.set(wanted);
  const kept = chip.read();
  t.equal(kept.kept, true);
  t.ok(kept.at >= wanted && kept.at <= wanted + 60_000, `${kept.at}`);
  t.equal(readChip("clock_stopped"), "0");
  const shown = Number(readChip("clock_at")) * 1_000;
  t.ok(Math.abs(shown - kept.at) <= 60_000, "the chip itself says the same");
  setChip("clock_chip", "0");
  t.equal(
    kindOf(() => chip.read()),
    "disconnected",
  );
  chip.close();
});

t.test("a chip that a driver of the kernel holds is in use, and never spoken to", async (t) => {
  setChip("clock_chip", "1");
  const bus = "/sys/bus/i2c/devices/i2c-1";
  writeFileSync(`${bus}/new_device`, "dummy 0x68");
  const device = openLinuxI2c().open(clockPlace);
  t.teardown(() => setChip("clock_chip", "0"));
  // The second one would go to address 0, had the file of the first been kept.
  for (let count = 0; count < 3; count += 1) {
    t.equal(
      kindOf(() => device.readRegisters(0, 7)),
      "in_use",
    );
  }
  t.equal(await device.probe(), false);
  writeFileSync(`${bus}/delete_device`, "0x68");
  t.equal(await device.probe(), true, "and free when it is let go");
  device.close();
});

t.test("how long a hung bus may hold us up is for us to say", async (t) => {
  t.equal(nativeSystem().limitI2cWait("/dev/i2c-1", i2cMsMax), 0);
});

t.test("hours without its chip cost a device no file", async (t) => {
  const rig = i2cKernelRig();
  const device = rig.i2c.open(rig.place);
  t.equal(await device.probe(), true);
  const before = openI2cFiles();
  rig.setConnection("disconnected");
  for (let count = 0; count < 300; count += 1) await device.probe();
  t.equal(openI2cFiles(), before);
  device.close();
  t.equal(openI2cFiles(), before - 1);
  await rig.close();
});
