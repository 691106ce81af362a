import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openBoard } from "../../hal/lines/board.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { SimBoard } from "../../hal/sim/sim-board.ts";
import type { StrikeCommand } from "../../hal/strike.ts";
import { DoorController } from "../../src/controller/door-controller.ts";
import { openJournal } from "../../src/controller/open-journal.ts";
import { openPremisesStore } from "../../src/controller/open-premises-store.ts";
import { createRecorder } from "../../src/controller/recorder.ts";
import { Troubles } from "../../src/controller/troubles.ts";
import { buildAccessTable } from "../../src/core/access-table/access-table.ts";
import { rawFromBits } from "../../src/domain/credential.ts";
import { doorDefaults } from "../../src/domain/door-defaults.ts";
import type { DoorEvent } from "../../src/domain/event.ts";
import {
  controllerId,
  doorId,
  passId,
  readerId,
  ruleId,
  siteId,
  userId,
} from "../../src/domain/ids.ts";
import { type EdgeNs, epochMs } from "../../src/domain/time.ts";
import { digestPin } from "../../src/protocols/sync/provision.ts";
import { encodeCard, standardFormats } from "../../src/protocols/wiegand/format.ts";
import type { Measurement } from "./measurement.ts";

export const name = "tap-latency";

const door = doorId("front");
const reader = readerId("front");
const fullTaps = 400;
const smokeTaps = 20;
/** Shorter than the reader's own rest after a card, so that the next tap finds a secured strike. */
const unlockMs = 50;

/**
 * From a card's last edge on the line to the relay's line, through the whole controller: simulated
 * lines, decoder, decision, door machine, with a journal that writes to the disk meanwhile. The
 * simulated kernel hands edges over by a timer, whose lateness is in these figures.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const taps = smoke ? smokeTaps : fullTaps;
  const idle = await measure(taps);
  const hogs = startHogs();
  try {
    const hogged = await measure(taps);
    return [...measurementsOf("idle", idle), ...measurementsOf("under a CPU hog", hogged)];
  } finally {
    for (const hog of hogs) hog.kill("SIGKILL");
  }
}

/** One busy loop for each core. They end by themselves should this process be killed. */
function startHogs(): readonly ChildProcess[] {
  const busy = "const end = Date.now() + 600000; while (Date.now() < end);";
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", busy], { stdio: "ignore" }),
  );
}

/** Microseconds, one for each tap, ascending. */
async function measure(taps: number): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
  const controller = await openController(folder);
  try {
    const latencies: number[] = [];
    for (let tap = 0; tap < taps; tap += 1) latencies.push(await controller.tap());
    return latencies.sort((a, b) => a - b);
  } finally {
    await controller.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openController(folder: string) {
  const format = standardFormats.find((candidate) => candidate.name === "H10301");
  const encoded = format && encodeCard(format, { facility: 12, number: 34567 });
  if (!encoded?.ok) throw new Error("H10301 does not take 12:34567");
  const bits = encoded.value;
  const clock = createSystemClock({ quality: () => "trusted" });
  const wiring = { line: "relay", energizedLevel: 1, lock: "fail_secure" } as const;
  const sim = new SimBoard({
    clock,
    formats: standardFormats,
    profile: {
      doors: [{ id: door, strike: wiring }],
      readers: [{ id: reader, door, d0: "d0", d1: "d1", formats: ["H10301"], keypad: "burst_4" }],
      expanders: [],
    },
  });
  const board = openBoard({
    profile: sim.profile,
    gpio: sim.gpio,
    clock,
    formats: standardFormats,
  });
  const journal = await openJournal({
    file: join(folder, "journal.sqlite3"),
    controller: controllerId("bench"),
    clock,
  });
  const record: (event: DoorEvent) => void = createRecorder({
    clock,
    table: () => undefined,
    append: (one) => journal.append(one),
  });
  const troubles = new Troubles(record);
  const premises = await openPremisesStore({
    file: join(folder, "premises.log"),
    clock,
    troubles,
    isFirstStart: true,
  });
  const doors = new DoorController(
    {
      board,
      record,
      troubles,
      digestPin: (pin) => digestPin(new Uint8Array(32), pin),
      premises,
    },
    tableWith(bits),
  );
  const strike = new StrikeWatch(sim);
  return {
    tap: async (): Promise<number> => {
      const release = strike.next("released");
      const { lastEdgeAt } = await sim.presentCard(reader, bits);
      if (lastEdgeAt === undefined) throw new Error("the card sent nothing");
      const latencyUs = ((await release) - lastEdgeAt) / 1_000;
      // A busy machine relocks late: a tap before that would find the strike released already.
      if (sim.state().doors[door]?.strike === "released") await strike.next("secured");
      return latencyUs;
    },
    close: async () => {
      doors.close();
      sim.close();
      board.close();
      await premises.close();
      await journal.close();
    },
  };
}

/** Tells when the relay's line next makes the lock so. */
class StrikeWatch {
  #waiting: { readonly state: StrikeCommand; readonly tell: (at: EdgeNs) => void } | undefined;

  constructor(sim: SimBoard) {
    sim.watch({
      changed: ({ changed, at, state }) => {
        const now = state.doors[door]?.strike;
        if (changed === `doors.${door}.strike` && now === this.#waiting?.state) {
          this.#waiting?.tell(at);
        }
      },
      closed: () => undefined,
    });
  }

  next(state: StrikeCommand): Promise<EdgeNs> {
    return new Promise((tell) => {
      this.#waiting = { state, tell };
    });
  }
}

function tableWith(bits: string) {
  const user = userId("ada");
  return buildAccessTable(
    {
      site: siteId("bench"),
      controller: controllerId("bench"),
      table: { epoch: 1, version: 1 },
      compiledAt: epochMs(0),
      zone: "UTC",
      calendar: [],
      zones: [],
      areas: [],
      doors: [{ ...doorDefaults, id: door, name: "Front", unlockMs, relock: "after_unlock_time" }],
      users: [{ id: user, suspended: false }],
      passes: [
        {
          id: passId("ada-card"),
          user,
          kind: "csn_card",
          active: true,
          presents: { as: "raw", raw: rawFromBits(bits) },
        },
      ],
      rules: [{ id: ruleId("ada"), kind: "grant", zones: [], users: [user], doors: [door] }],
      schedules: [],
    },
    [1, 2],
  );
}

function measurementsOf(load: string, ascending: readonly number[]): readonly Measurement[] {
  const at = (share: number) => ascending[Math.ceil(ascending.length * share) - 1] ?? Number.NaN;
  return [50, 99].map((percent) => ({
    name: `last edge to strike p${percent}, ${load}`,
    subject: "postern",
    value: Math.round(at(percent / 100)),
    unit: "us",
  }));
}
