import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { BleEvent } from "../../../../../hal/ble.ts";
import { openLinuxBlePeripheral } from "../../../../../hal/linux/ble/linux-ble-peripheral.ts";
import { SimClock } from "../../../../../hal/sim/sim-clock.ts";
import { mobilePassService } from "../../../../../src/protocols/mobile-pass/gatt.ts";
import { temporaryFolder } from "../../../controller/journal-records.ts";

t.test(
  "an adapter that is not there is looked for ever more rarely, a minute at most",
  async (t) => {
    const clock = new SimClock();
    const classFolder = temporaryFolder(t);
    const adapter = join(classFolder, "hci0");
    const program = { file: join(classFolder, "no-such-program.js"), flags: [] };
    const radio = openLinuxBlePeripheral({
      clock,
      adapter: 0,
      driver: "abandonware",
      service: mobilePassService,
      classFolder,
      program,
    });
    const events: BleEvent[] = [];
    radio.listen((event) => events.push(event));
    /** How long after `ms` without an adapter one that is put in is found. */
    const foundAfter = (ms: number): number => {
      clock.advance(ms);
      mkdirSync(adapter);
      const { restartCount } = radio.health();
      let waitedMs = 0;
      while (radio.health().restartCount === restartCount && waitedMs < 100_000) {
        clock.advance(250);
        waitedMs += 250;
      }
      rmSync(adapter, { recursive: true });
      return waitedMs;
    };
    t.equal(foundAfter(0), 250);
    const waits = [0, 10, 20, 30, 40, 50].map((offset) => {
      // The process that was started finds itself without an adapter at its next look.
      clock.advance(2_000);
      return foundAfter(3_600_000 + offset * 1_000);
    });
    t.ok(Math.max(...waits) <= 60_000, waits.join(", "));
    t.ok(Math.max(...waits) > 30_000, waits.join(", "));
    clock.advance(2_000);
    t.match(radio.health(), { state: "down", reason: "no_adapter" });
    t.match(events[0], { kind: "health", health: { state: "down", reason: "no_adapter" } });
    radio.close();
    const before = events.length;
    mkdirSync(adapter);
    clock.advance(3_600_000);
    t.equal(events.length, before);
    t.equal(clock.alarmCount, 0, "nothing is left of it");
  },
);
