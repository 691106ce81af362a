import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openLinuxSerial } from "../../hal/linux/serial/linux-serial.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimSerial } from "../../hal/sim/sim-serial.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { missingForPty, PtyLine } from "./pty-line.ts";
import { serialConformance } from "./serial-conformance.ts";

const untilMsMax = 20_000;

t.test("a port that tests play", async (t) => {
  serialConformance(t, async () => {
    const clock = new SimClock();
    const serial = new SimSerial({ clock });
    const port = "/dev/serial/by-id/usb-osdp";
    const received: number[] = [];
    serial.listen((_, bytes) => received.push(...bytes));
    return {
      serial,
      port,
      plug: async () => serial.plug(port),
      unplug: async () => serial.unplug(port),
      send: async (bytes) => serial.send(port, bytes),
      received: () => Uint8Array.from(received),
      nowNs: () => clock.monotonic() * 1e6,
      until: async (what, isSo) => {
        await clock.elapse(10);
        if (!isSo()) throw new Error(`not so: ${what}`);
      },
      close: async () => undefined,
    };
  });
});

t.test("a port of this machine, on a pair of terminals", { skip: missingForPty() }, async (t) => {
  serialConformance(t, async () => {
    const folder = mkdtempSync(join(tmpdir(), "postern-conformance-"));
    const port = join(folder, "usb-osdp");
    const line = new PtyLine(port);
    const clock = createSystemClock({ quality: () => "trusted" });
    return {
      serial: openLinuxSerial({ clock, onWarning: () => undefined }),
      port,
      plug: () => line.plug(),
      unplug: () => line.unplug(),
      send: (bytes) => line.send(bytes),
      received: () => line.received(),
      nowNs: () => clock.monotonic() * 1e6,
      until: (what, isSo) =>
        new Promise((resolve, reject) => {
          const end = clock.monotonic() + untilMsMax;
          const look = () => {
            if (isSo()) resolve();
            else if (clock.monotonic() > end) reject(new Error(`not so: ${what}`));
            else clock.alarm(monotonicMs(clock.monotonic() + 5), look);
          };
          look();
        }),
      close: async () => {
        await line.unplug();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
});
