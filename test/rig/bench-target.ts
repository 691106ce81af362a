import { join } from "node:path";
import type { DoorWiring } from "../../hal/board-profile.ts";
import type { InputLines } from "../../hal/gpio.ts";
import { openCharacterDeviceGpio } from "../../hal/linux/gpio/character-device-gpio.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { edgeNs, monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import type { BenchConfig } from "./bench/bench-config.ts";
import { BenchController } from "./bench/bench-controller.ts";
import { startBenchListener } from "./bench/bench-listener.ts";
import { BenchWires } from "./bench/bench-wires.ts";
import { Remote } from "./bench/remote.ts";
import { leafLevel, levelsAtRest, readRigProfile, rexLevel, strikeAt } from "./board-wires.ts";
import { nowNs } from "./host-processes.ts";
import { tool } from "./kernel/tool.ts";
import { keySlots } from "./key-slots.ts";
import type { OpenTarget, TargetOptions } from "./open-target.ts";
import type { PresentationPlan, Presented, RigMove, RigTarget } from "./rig-target.ts";
import { StrikeLog } from "./strike-log.ts";
import { type PlannedThing, type PlayedPlan, presentedOf, worstLateUs } from "./wire-plan.ts";

const keyRestMs = 60;

/**
 * A second computer, wired to this one: this one is the cards, the leaves and the buttons, and reads the
 * strikes' lines. All stamps are this machine's. See README.md for the wiring.
 */
export async function openBenchTarget(
  options: TargetOptions & { readonly config: BenchConfig },
): Promise<OpenTarget> {
  const { config, folder, isSmoke, count, seed, note } = options;
  const clock = createSystemClock({ quality: () => "unknown" });
  const remote = new Remote(config.ssh);
  const { profile } = readRigProfile("two-doors");
  const program = join(folder, "wires");
  const source = join(import.meta.dirname, "kernel/wires.c");
  await tool("cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  const wires = new BenchWires({ program, folder });
  const rest = levelsAtRest(profile);

  /** As `wires.c` names it: held at what it is at rest. */
  const wired = (line: string): string => {
    const { chip, offset } = lineOf(config, line);
    return `/dev/${chip}:${offset}:${rest[line] ?? 1}`;
  };
  const door = (id: string): DoorWiring => {
    const found = profile.doors.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no door "${id}"`);
    return found;
  };
  const readers = profile.readers.flatMap(({ id, d0, d1 }) =>
    d0 === undefined || d1 === undefined ? [] : [{ id, d0: wired(d0), d1: wired(d1) }],
  );
  const playThings = async (
    things: readonly PlannedThing[],
    { pulseUs = 50, intervalUs = 1_000, restMs = 110 }: Omit<PresentationPlan, "presentations">,
  ): Promise<PlayedPlan> => {
    const played = await wires.play({ pulseUs, intervalUs, restMs, readers, things });
    note(`${things.length} things, pulses late by ${worstLateUs(played)} us at most`);
    return played;
  };
  const planned = (afterMs: number, move: RigMove["move"]): PlannedThing => {
    switch (move.kind) {
      case "present":
        return { kind: "send", reader: move.reader, slots: move.slots, afterMs };
      case "contact": {
        const { position } = door(move.door);
        if (position === undefined) throw new Error(`door ${move.door} has no contact`);
        const level = leafLevel(position, move.leaf);
        return { kind: "move", line: wired(position.line), level, afterMs };
      }
      case "rex": {
        const { rex } = door(move.door);
        if (rex === undefined) throw new Error(`door ${move.door} has no REX`);
        return { kind: "move", line: wired(rex.line), level: rexLevel(rex, move.state), afterMs };
      }
      default:
        return unreachable(move);
    }
  };
  const present = async (plan: PresentationPlan): Promise<readonly Presented[]> => {
    const { presentations, ...pace } = plan;
    const things = presentations.map(
      ({ reader, slots }): PlannedThing => ({ kind: "send", reader, slots, afterMs: 0 }),
    );
    return presentedOf(presentations, await playThings(things, pace));
  };

  // Every contact and button is at rest before anybody looks at one.
  const atRest = Object.entries(rest)
    .filter(([line]) => !profile.readers.some(({ d0, d1 }) => line === d0 || line === d1))
    .map(([line, level]): PlannedThing => {
      return { kind: "move", line: wired(line), level, afterMs: 0 };
    });
  await playThings(atRest, {});
  const strikes = new StrikeLog();
  const lines = watchStrikes(profile.doors, config, strikes);
  const strikeNow = (id: string) => strikeAt(door(id), lines.read(profile.doors.indexOf(door(id))));
  const idle = (ms: number) =>
    new Promise<void>((resolve) => {
      clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve());
    });
  const unable = async (what: string): Promise<never> => {
    throw new Error(`the bench has no ${what} that a program can reach`);
  };
  const rig: RigTarget = {
    kind: "bench",
    time: "free",
    programFolder: config.program,
    siteKey: "",
    phonesFile: () => unable("radio"),
    isSmoke,
    count,
    seed,
    note,
    present,
    type: (reader, keys) => {
      const wiring = profile.readers.find(({ id }) => id === reader);
      if (wiring === undefined) throw new Error(`no reader "${reader}"`);
      const presentations = keySlots(wiring, keys).map((slots) => ({ reader, slots }));
      return present({ presentations, restMs: keyRestMs });
    },
    play: async (moves) => {
      const things = moves.map(({ afterMs, move }) => planned(afterMs, move));
      const { all } = await playThings(things, {});
      return all.map(({ atNs }) => edgeNs(atNs));
    },
    idle,
    strike: async (id) => strikeNow(id),
    strikeChanges: async (since) => strikes.changes(since),
    waitForStrike: (wanted) =>
      strikes.waitFor({
        ...wanted,
        clock,
        isSo: async () => (strikeNow(wanted.door) === wanted.state ? nowNs() : undefined),
      }),
    controller: new BenchController(remote, config),
    listen: (listen) => startBenchListener({ remote, config, listen, idle }),
    hog: async (count) => {
      const spin = "sh -c 'while :; do :; done'";
      const all = await Promise.all(Array.from({ length: count }, () => remote.start(spin)));
      return {
        stop: async () => {
          await Promise.all(all.map((one) => one.stop()));
        },
      };
    },
    startSite: () => unable("site"),
    setExpander: () => unable("expander"),
    setClockChip: () => unable("clock chip"),
    cutPower: () => unable("plug"),
    powerOn: () => unable("plug"),
    waitForReset: () => unable("watchdog"),
    run: (command, limits) => remote.run(command, limits),
  };
  return {
    rig,
    close: async () => {
      lines.close();
      await wires.close();
    },
  };
}

function lineOf({ lines }: BenchConfig, name: string) {
  const line = lines.get(name);
  if (line === undefined) throw new Error(`lines: expected one that is wired to ${name}`);
  return line;
}

/** The relays' side: lines of this machine, in the order of the doors. */
function watchStrikes(
  doors: readonly DoorWiring[],
  config: BenchConfig,
  strikes: StrikeLog,
): InputLines {
  const places = doors.map(({ strike }) => lineOf(config, strike.line));
  const lines = openCharacterDeviceGpio({ consumer: "rig-bench" }).openInputs({
    lines: places.map(({ chip, offset }) => `${chip}:${offset}`),
    bias: "none",
  });
  lines.listen(({ line, level, at }) => {
    const door = doors[line];
    if (door !== undefined) strikes.add({ door: door.id, state: strikeAt(door, level), at });
  });
  return lines;
}
