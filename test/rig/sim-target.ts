import { cp, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../hal/clock.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { type EdgeNs, monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import { freePort } from "../e2e/stack.ts";
import { profileFolder } from "./board-wires.ts";
import { controllerFile } from "./controller-file.ts";
import { hostFinished } from "./host-finished.ts";
import { nowNs, startStoppable } from "./host-processes.ts";
import { startHostSite } from "./host-site.ts";
import type { OpenTarget, TargetOptions } from "./open-target.ts";
import type {
  PresentationPlan,
  Presented,
  RigMove,
  RigSite,
  RigTarget,
  Stoppable,
} from "./rig-target.ts";
import { BoardClient, simIntervalUs, simPulseUs } from "./sim/board-client.ts";
import { SimController } from "./sim/sim-controller.ts";
import { openSimListener, type SimListener } from "./sim/sim-listener.ts";
import { StrikeLog } from "./strike-log.ts";

const busyMs = 86_400_000;

/**
 * The controller as a process of this machine, on its simulated board. The board is in that process and
 * dies with it: what is on a line after a kill can only be seen on a chip. Cards come at 1 ms a bit, but
 * to a listener, which has lines of its own.
 */
export async function openSimTarget(options: TargetOptions): Promise<OpenTarget> {
  const { scenario, program, world, folder, isSmoke, count, seed, note } = options;
  const clock = createSystemClock({ quality: () => "trusted" });
  const state = join(folder, "state");
  await cp(world.controllerState, state, { recursive: true });
  const mqttPort = await freePort();
  const strikes = new StrikeLog();
  let board: BoardClient | undefined;
  const controller = new SimController({
    program,
    state,
    mqttPort,
    clock,
    writeConfig: async ({ settings = {} }) => {
      const file = join(folder, "controller.toml");
      const own = {
        "board.kind": "sim",
        "board.profile_file": join(profileFolder, `${scenario.profile ?? "two-doors"}.toml`),
        "board.port": 0,
      };
      await writeFile(file, controllerFile({ ...own, ...settings }));
      return file;
    },
    onBoard: async (url) => {
      board?.close();
      board = url === undefined ? undefined : new BoardClient(url);
      await board?.watch((change) => strikes.add(change));
    },
  });
  const wired = (): BoardClient => {
    if (board === undefined) throw new Error("no controller runs, and the board is in its process");
    return board;
  };
  const atTheEnd: Stoppable[] = [];
  const ending = <T extends Stoppable>(one: T): T => {
    atTheEnd.push(one);
    return one;
  };
  let listener: SimListener | undefined;
  let site: RigSite | undefined;
  const unable = async (what: string): Promise<never> => {
    throw new Error(`the simulated board has no ${what}`);
  };
  const rig: RigTarget = {
    kind: "sim",
    time: "free",
    isSmoke,
    count,
    seed,
    programFolder: program,
    siteKey: world.siteKey,
    phonesFile: () => unable("radio"),
    note,
    present: (plan) => (listener === undefined ? presentAt(wired(), plan) : listener.present(plan)),
    type: async (reader, keys) => {
      const presented: Presented[] = [];
      for (const key of keys) {
        presented.push({ reader, lastPulseAt: await wired().keys(reader, key), lateUs: 0 });
      }
      return presented;
    },
    play: (moves) => play(wired(), clock, moves),
    idle: (ms) => pause(clock, ms),
    strike: (door) => wired().strike(door),
    strikeChanges: async (since) => strikes.changes(since),
    waitForStrike: (wanted) =>
      strikes.waitFor({
        ...wanted,
        clock,
        isSo: async () =>
          (await wired().strike(wanted.door)) === wanted.state ? nowNs() : undefined,
      }),
    controller,
    listen: async ({ driver, stall }) => {
      if (driver !== "character_device") return unable(driver);
      if (stall !== undefined) return unable("listener that can be stalled");
      if (board !== undefined) throw new Error("the controller has the board");
      const opened = openSimListener("two-doors");
      listener = opened;
      return {
        ...opened,
        close: async () => {
          listener = undefined;
          await opened.close();
        },
      };
    },
    hog: async (count) => {
      const busy = `const end = Date.now() + ${busyMs}; while (Date.now() < end);`;
      const all = Array.from({ length: Math.min(count, availableParallelism()) }, () =>
        ending(startStoppable(process.execPath, ["-e", busy])),
      );
      return {
        stop: async () => {
          await Promise.all(all.map((one) => one.stop()));
        },
      };
    },
    startSite: async () => {
      const opened = await startHostSite({
        program,
        world,
        folder: join(folder, "site"),
        mqttPort,
      });
      site = opened;
      return opened;
    },
    setExpander: () => unable("expander"),
    setClockChip: () => unable("clock chip"),
    cutPower: () => unable("plug"),
    powerOn: () => unable("plug"),
    waitForReset: () => unable("watchdog"),
    run: (command, { secondsMax = 60 } = {}) => hostFinished(command, { secondsMax }),
  };
  note(`simulated board for ${scenario.name} in ${folder}`);
  return {
    rig,
    close: async () => {
      board?.close();
      await listener?.close();
      await controller.close();
      await site?.close().catch(() => undefined);
      await Promise.all(atTheEnd.splice(0).map((one) => one.stop()));
    },
  };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve());
  });
}

/** Each reader's in order, all readers at once. */
async function presentAt(
  board: BoardClient,
  { presentations, pulseUs, intervalUs }: PresentationPlan,
): Promise<readonly Presented[]> {
  if ((pulseUs ?? simPulseUs) !== simPulseUs || (intervalUs ?? simIntervalUs) !== simIntervalUs) {
    throw new Error(`the simulated board sends ${simPulseUs} us each ${simIntervalUs} us`);
  }
  // A short is all or nothing here, and of every reader.
  const isShorted = presentations.some(({ slots }) => slots.includes("b"));
  if (isShorted) await board.bothLow("on");
  try {
    return await Promise.all(
      presentations.map(async ({ reader, slots }) => {
        const bits = slots.replaceAll("b", "1");
        return { reader, lastPulseAt: await board.card(reader, bits), lateUs: 0 };
      }),
    );
  } finally {
    if (isShorted) await board.bothLow("off");
  }
}

async function play(
  board: BoardClient,
  clock: Clock,
  moves: readonly RigMove[],
): Promise<readonly EdgeNs[]> {
  const from = clock.monotonic();
  return Promise.all(
    moves.map(async ({ afterMs, move }) => {
      await pause(clock, from + afterMs - clock.monotonic());
      const at = nowNs();
      switch (move.kind) {
        case "contact":
          await board.leaf(move.door, move.leaf);
          return at;
        case "rex":
          await board.rex(move.door, move.state);
          return at;
        case "present":
          return board.card(move.reader, move.slots);
        default:
          return unreachable(move);
      }
    }),
  );
}
