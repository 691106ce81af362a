import { join } from "node:path";
import t, { type Test } from "tap";
import type { ClockChip } from "../../../hal/clock-chip.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimTimeSync } from "../../../hal/sim/sim-time-sync.ts";
import { KeptClock } from "../../../src/controller/kept-clock.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { ClockRule } from "../../../src/core/clock-trust.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";
import { temporaryFolder } from "./journal-records.ts";

const hour = 3_600_000;
const noon = Date.UTC(2026, 0, 5, 12);

/** A chip that can be pulled out and lose its battery. */
class PaperChip implements ClockChip {
  at = noon;
  kept = true;
  isThere = true;
  isClosed = false;
  readonly settings: number[] = [];

  read() {
    this.#answer();
    return { at: epochMs(this.at), kept: this.kept };
  }

  set(at: EpochMs): void {
    this.#answer();
    this.at = at;
    this.kept = true;
    this.settings.push(at);
  }

  close(): void {
    this.isClosed = true;
  }

  #answer(): void {
    if (!this.isThere || this.isClosed) throw new HalError("disconnected", "no answer");
  }
}

/** A controller that comes up in 1970, whose chip knows better. */
function rigOf(t: Test, rule: ClockRule = "ntp") {
  const machine = new SimClock({ wallAt: 0 });
  const timeSync = new SimTimeSync();
  const chip = new PaperChip();
  const file = join(temporaryFolder(t), "clock.floor");
  const clock = new KeptClock({ machine, timeSync, rule, boot: undefined, file });
  const events: DoorEvent[] = [];
  const troubles = new Troubles((event) => events.push(event));
  const start = async () => {
    await clock.start(chip);
    clock.reportTo({ troubles, record: (event) => events.push(event), onChange: () => undefined });
  };
  return { clock, machine, timeSync, chip, troubles, events, start };
}

t.test("doors come up with the chip's time, in holdover, and no trouble", async (t) => {
  const { clock, events, start } = rigOf(t);
  await start();
  t.same(clock.wall(), { at: noon, quality: "holdover" });
  t.same(events, []);
  await clock.close();
});

t.test("a time source goes before the chip and sets it", async (t) => {
  const { clock, machine, timeSync, chip, start } = rigOf(t);
  timeSync.answer = "synchronised";
  machine.setWall({ at: epochMs(noon + 5_000) });
  await start();
  t.same(clock.wall(), { at: noon + 5_000, quality: "trusted" });
  t.same(chip.settings, [noon + 5_000]);
  await machine.elapse(10 * hour);
  t.equal(chip.settings.length, 11, "hourly");
  await clock.close();
});

t.test("a battery that was empty is a trouble until the chip is set", async (t) => {
  const { clock, machine, timeSync, chip, troubles, start } = rigOf(t);
  chip.kept = false;
  await start();
  t.equal(clock.wall().quality, "unknown");
  t.same(troubles.active(), ["clock_chip_stopped", "clock_unknown"]);
  timeSync.answer = "synchronised";
  await machine.elapse(10_000);
  t.same(troubles.active(), []);
  t.equal(chip.settings.length, 1);
  await clock.close();
});

t.test("a chip that is pulled out is a trouble and holds nothing up", async (t) => {
  const { clock, machine, chip, troubles, events, start } = rigOf(t);
  chip.isThere = false;
  await start();
  t.equal(clock.wall().quality, "unknown");
  t.same(troubles.active(), ["clock_chip_absent", "clock_unknown"]);
  chip.isThere = true;
  await machine.elapse(10_000);
  t.same(troubles.active(), []);
  t.equal(clock.wall().quality, "holdover", "and is asked again");
  chip.isThere = false;
  await machine.elapse(2 * hour);
  t.same(troubles.active(), ["clock_chip_absent"]);
  t.equal(clock.wall().quality, "holdover", "its word still stands");
  t.equal(events.filter((event) => event.kind === "trouble").length, 5, "each told once");
  await clock.close();
});

t.test("where the file says how the clock is judged, the chip is not asked", async (t) => {
  const { clock, chip, troubles, start } = rigOf(t, "trusted");
  chip.isThere = false;
  await start();
  t.same(clock.wall(), { at: 0, quality: "trusted" });
  t.same(troubles.active(), []);
  await clock.close();
});

t.test(
  "the chip is closed with the clock, and an answer that comes later finds it so",
  async (t) => {
    const { clock, timeSync, chip, troubles, machine, start } = rigOf(t);
    await start();
    timeSync.hold();
    machine.advance(5_000);
    await clock.close();
    t.ok(chip.isClosed);
    timeSync.answer = "synchronised";
    timeSync.letGo();
    await machine.elapse(hour);
    t.same(troubles.active(), [], "nobody is told of a chip that we closed");
    t.same(chip.settings, []);
  },
);
