import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openLinuxSerial } from "../../../../../hal/linux/serial/linux-serial.ts";
import { createSystemClock } from "../../../../../hal/linux/system-clock.ts";
import type { SerialDirection } from "../../../../../hal/serial.ts";
import { monotonicMs } from "../../../../../src/domain/time.ts";
import { missingForPty, PtyLine } from "../../../../conformance/pty-line.ts";

const clock = createSystemClock({ quality: () => "trusted" });

const passed = (ms: number) =>
  new Promise<void>((resolve) => clock.alarm(monotonicMs(clock.monotonic() + ms), resolve));

const adapterCount = 80;
const chatterThenGo = `
import os, pty, time, tty
pairs = [pty.openpty() for _ in range(${adapterCount})]
for far, near in pairs:
    tty.setraw(near)
os.write(1, "\\n".join(os.ttyname(near) for far, near in pairs).encode())
os.read(0, 1)
for far, near in pairs:
    os.close(near)
for far, near in pairs:
    for count in range(200):
        os.write(far, b"x" * 20)
    os.close(far)
    time.sleep(0.005)
`;

function openPort(port: string, direction: SerialDirection = "none") {
  const warnings: string[] = [];
  const serial = openLinuxSerial({ clock, onWarning: (detail) => warnings.push(detail) });
  return { port: serial.open({ port, speed: 9_600, direction }), warnings };
}

t.test("a name that the kernel counts is warned of, and one that stays is not", async (t) => {
  const counted = ["/dev/ttyUSB0", "/dev/ttyACM12"];
  const lasting = ["/dev/serial/by-id/usb-FTDI_A1-if00", "/dev/osdp", "/dev/ttyAMA0", "/dev/ttyS9"];
  for (const name of [...counted, ...lasting]) {
    const { port, warnings } = openPort(name);
    await port.close();
    const hasWarned = warnings.some((warning) => warning.includes("/dev/serial/by-id"));
    t.equal(hasWarned, counted.includes(name), name);
  }
});

t.test("a port that is not there is complained of once, with what is wrong", async (t) => {
  const { port, warnings } = openPort(join(tmpdir(), "no-such-port"));
  await passed(900);
  t.equal(warnings.length, 1, "though it was looked for several times");
  t.match(warnings[0], /no-such-port is lost: .*No such file/);
  await port.close();
});

t.test("on a pair of terminals", { skip: missingForPty() }, async (t) => {
  t.test("one that cannot turn an RS-485 pair does not open as if it did", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "postern-serial-"));
    const line = new PtyLine(join(folder, "usb"));
    await line.plug();
    t.teardown(async () => {
      await line.unplug();
      rmSync(folder, { recursive: true });
    });
    const { port, warnings } = openPort(join(folder, "usb"), "kernel");
    await passed(600);
    t.equal(port.state(), "lost");
    t.equal(warnings.length, 1);
    t.match(warnings[0], /cannot turn an RS-485 pair .*"auto"/);
    await port.close();
  });

  t.test("adapters that are unplugged while they send are lost, and cost no time", async (t) => {
    // Of serialport's own streams about every third goes on reading nothing, for ever, at once.
    const child = spawn("python3", ["-c", chatterThenGo], { stdio: "pipe" });
    const [names] = (await once(child.stdout, "data")) as [Buffer];
    const ports = names
      .toString()
      .split("\n")
      .map((name) => openPort(name).port);
    t.equal(ports.length, adapterCount);
    let came = 0;
    for (const port of ports) {
      port.listen((bytes) => {
        came += bytes.length;
      });
    }
    await Promise.all(ports.map((port) => new Promise<string>((resolve) => port.watch(resolve))));
    const ended = once(child, "exit");
    child.stdin.write("x");
    await ended;
    await passed(200);
    const before = process.cpuUsage();
    await passed(500);
    const { user, system } = process.cpuUsage(before);
    t.same(
      ports.filter((port) => port.state() === "open"),
      [],
    );
    t.ok(user + system < 250_000, `${(user + system) / 1e3} ms of 500`);
    t.ok(came > 0);
    for (const port of ports) await port.close();
  });
});
