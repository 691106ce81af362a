import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StrikeCommand } from "../../../hal/strike.ts";
import type { BoardProfileFile } from "../../../src/compose/config/board-profile-file.ts";
import type { DoorId, ReaderId } from "../../../src/domain/ids.ts";
import { type EdgeNs, edgeNs } from "../../../src/domain/time.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import {
  leafLevel,
  levelsAtRest,
  linesOf,
  readRigProfile,
  rexLevel,
  strikeAt,
  strikeLevel,
} from "../board-wires.ts";
import { startHostSite } from "../host-site.ts";
import { keySlots } from "../key-slots.ts";
import type { OpenTarget, TargetOptions } from "../open-target.ts";
import type {
  Finished,
  ListenOptions,
  PresentationPlan,
  Presented,
  RigListener,
  RigMove,
  RigSite,
  RigTarget,
  RunOptions,
  Stoppable,
  StrikeChange,
} from "../rig-target.ts";
import type { Scenario } from "../scenario.ts";
import {
  type PlannedThing,
  type PlayedPlan,
  parseStamps,
  presentedOf,
  wirePlanText,
  worstLateUs,
} from "../wire-plan.ts";
import { bootGuest, type Guest } from "./guest.ts";
import { startAdapters } from "./guest-adapters.ts";
import { makeDisk } from "./guest-disk.ts";
import type { GuestImage } from "./guest-image.ts";
import { KernelController } from "./kernel-controller.ts";
import { startKernelListener } from "./kernel-listener.ts";
import { requireBluetooth } from "./missing-parts.ts";

/** A quick finger's pace, and more than the longest silence that a decoder waits for. */
const keyRestMs = 60;

export interface KernelTargetOptions extends TargetOptions {
  readonly image: GuestImage;
}

/** A real kernel in QEMU, with a wired chip. Its profile is `boards/two-doors.toml`, or the scenario's. */
export async function openKernelTarget(options: KernelTargetOptions): Promise<OpenTarget> {
  if (options.scenario.devices?.includes("bluetooth") === true) requireBluetooth();
  const share = join(options.folder, "share");
  await mkdir(share, { recursive: true });
  const wantsDisk = options.scenario.devices?.includes("disk") ?? false;
  const disk = wantsDisk ? join(options.folder, "disk.img") : undefined;
  if (disk !== undefined) await makeDisk(disk);
  const rig = new KernelTarget(options, share, disk);
  await rig.powerOn();
  return { rig, close: () => rig.close() };
}

class KernelTarget implements RigTarget {
  readonly kind = "kernel";
  readonly controller: KernelController;
  readonly #options: KernelTargetOptions;
  readonly #share: string;
  readonly #disk: string | undefined;
  readonly #board: BoardProfileFile;
  #guest: Guest | undefined;
  #planCount = 0;
  #site: RigSite | undefined;

  constructor(options: KernelTargetOptions, share: string, disk: string | undefined) {
    this.#options = options;
    this.#share = share;
    this.#disk = disk;
    this.#board = readRigProfile(options.scenario.profile ?? "two-doors");
    this.controller = new KernelController({
      ...options,
      guest: () => this.#running(),
      share,
      programs: options.image.programs,
      stateFolder: disk === undefined ? "/run/rig-state" : "/disk/state",
    });
  }

  get time(): Scenario["time"] {
    return this.#options.scenario.time;
  }

  get isSmoke(): boolean {
    return this.#options.isSmoke;
  }

  get count(): number | undefined {
    return this.#options.count;
  }

  get seed(): number {
    return this.#options.seed;
  }

  async phonesFile(): Promise<string> {
    await copyFile(this.#options.world.phonesFile, join(this.#share, "phones.json"));
    // Its folder is to be one in which files can be replaced fast.
    const own = "/run/phones.json";
    await this.run(["install", "-m", "600", "/rig/phones.json", own]);
    return own;
  }

  get siteKey(): string {
    return this.#options.world.siteKey;
  }

  get programFolder(): string {
    return this.#options.program;
  }

  note(text: string): void {
    this.#options.note(text);
  }

  async powerOn(): Promise<void> {
    const { scenario, image, program, folder, note } = this.#options;
    const devices = scenario.devices ?? [];
    const groups = [
      ...(scenario.time === "free" ? ["net"] : []),
      ...(this.#disk === undefined ? [] : ["disk"]),
      ...(devices.includes("expander") || devices.includes("clock_chip") ? ["i2c"] : []),
      ...(devices.includes("watchdog") ? ["watchdog"] : []),
      ...(devices.includes("bluetooth") ? ["bluetooth"] : []),
      ...(scenario.init === "systemd" ? ["systemd"] : []),
    ];
    const guest = await bootGuest({
      image,
      program,
      share: this.#share,
      consoleLog: join(folder, "console.log"),
      time: scenario.time,
      init: scenario.init ?? "plain",
      groups,
      ...(this.#disk === undefined ? {} : { disk: this.#disk }),
      note,
    });
    this.#guest = guest;
    const { profile } = this.#board;
    const levels = levelsAtRest(profile);
    await guest.call("wire", { label: "rig-board", lines: linesOf(profile), levels });
    if (devices.includes("expander")) await this.setExpander("present");
    if (devices.includes("clock_chip")) await this.#setChip("clock_chip", "1");
    if (devices.includes("bluetooth")) await startAdapters(guest);
  }

  async cutPower(): Promise<void> {
    const guest = this.#running();
    this.#guest = undefined;
    this.controller.forget();
    await guest.cutPower();
  }

  async waitForReset(withinMs: number): Promise<EdgeNs | undefined> {
    const guest = this.#running();
    const beat = "while :; do cut -d ' ' -f 1 /proc/uptime > /rig/alive; sleep 0.1; done";
    await guest.call("spawn", { command: ["sh", "-c", beat] });
    const isOver = await guest.call("idle", { ms: withinMs }).then(
      () => false,
      () => true,
    );
    if (!isOver) return undefined;
    const code = await guest.ended;
    this.#guest = undefined;
    this.controller.forget();
    if (code !== 0) throw new Error(`the guest ended with ${code}, and no reset`);
    return edgeNs(Number(await readFile(join(this.#share, "alive"), "utf8")) * 1e9);
  }

  async present(plan: PresentationPlan): Promise<readonly Presented[]> {
    const { presentations, ...pace } = plan;
    const things = presentations.map(
      ({ reader, slots }): PlannedThing => ({ kind: "send", reader, slots, afterMs: 0 }),
    );
    return presentedOf(presentations, await this.#play(things, pace));
  }

  type(reader: ReaderId, keys: string): Promise<readonly Presented[]> {
    const wiring = this.#board.profile.readers.find(({ id }) => id === reader);
    if (wiring === undefined) throw new Error(`no reader "${reader}"`);
    const presentations = keySlots(wiring, keys).map((slots) => ({ reader, slots }));
    return this.present({ presentations, restMs: keyRestMs });
  }

  async play(moves: readonly RigMove[]): Promise<readonly EdgeNs[]> {
    const things = moves.map(({ afterMs, move }) => this.#planned(afterMs, move));
    const { all } = await this.#play(things, {});
    return all.map(({ atNs }) => edgeNs(atNs));
  }

  async idle(ms: number): Promise<void> {
    await this.#running().call("idle", { ms });
  }

  async strike(door: DoorId): Promise<StrikeCommand> {
    const wiring = this.#door(door);
    return strikeAt(wiring, await this.#running().call("level", { line: wiring.strike.line }));
  }

  async strikeChanges(since: EdgeNs = edgeNs(0)): Promise<readonly StrikeChange[]> {
    const changes = await this.#running().call("changes", { sinceNs: since });
    return changes.flatMap(({ line, level, atNs }) => {
      const wiring = this.#board.profile.doors.find(({ strike }) => strike.line === line);
      if (wiring === undefined) return [];
      return [{ door: wiring.id, state: strikeAt(wiring, level), at: edgeNs(atNs) }];
    });
  }

  async waitForStrike({
    door,
    state,
    withinMs,
  }: Parameters<RigTarget["waitForStrike"]>[0]): Promise<StrikeChange | undefined> {
    const wiring = this.#door(door);
    const change = await this.#running().call("waitForLevel", {
      line: wiring.strike.line,
      level: strikeLevel(wiring, state),
      withinMs,
    });
    return change === null ? undefined : { door, state, at: edgeNs(change.atNs) };
  }

  listen(options: ListenOptions): Promise<RigListener> {
    const { program, scenario } = this.#options;
    return startKernelListener({
      ...options,
      guest: this.#running(),
      program,
      share: this.#share,
      profile: scenario.profile ?? "two-doors",
    });
  }

  async hog(count: number): Promise<Stoppable> {
    const guest = this.#running();
    const command = [join(this.#options.image.programs, "load"), "spin"];
    const pids: number[] = [];
    for (let index = 0; index < count; index += 1) {
      pids.push((await guest.call("spawn", { command })).pid);
    }
    return {
      stop: async () => {
        for (const pid of pids) await guest.call("signal", { pid, signal: "SIGKILL" });
      },
    };
  }

  async startSite(): Promise<RigSite> {
    if (this.time === "exact") throw new Error("the site is on the host: time must be free");
    const { program, world, folder } = this.#options;
    this.#site ??= await startHostSite({
      program,
      world,
      folder: join(folder, "site"),
      mqttPort: await this.controller.brokerPort(),
    });
    return this.#site;
  }

  async setExpander(state: "present" | "absent"): Promise<void> {
    await this.#setChip("expander", state === "present" ? "1" : "0");
  }

  async setClockChip({ at, oscillator }: Parameters<RigTarget["setClockChip"]>[0]): Promise<void> {
    await this.#setChip("clock_at", `${Math.floor(at / 1_000)}`);
    await this.#setChip("clock_stopped", oscillator === "stopped" ? "1" : "0");
  }

  run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { secondsMax = 600, ...others } = options;
    return this.#running().call("run", { command, secondsMax, ...others });
  }

  async close(): Promise<void> {
    await this.#site?.close();
    this.#site = undefined;
    const guest = this.#guest;
    if (guest === undefined) return;
    const said = await this.controller.output().catch((error: Error) => error.message);
    await writeFile(join(this.#options.folder, "controller.log"), said);
    this.#guest = undefined;
    await guest.cutPower();
  }

  async #play(
    things: readonly PlannedThing[],
    pace: Omit<PresentationPlan, "presentations">,
  ): Promise<PlayedPlan> {
    const guest = this.#running();
    this.#planCount += 1;
    const readers = this.#board.profile.readers.flatMap(({ id, d0, d1 }) =>
      d0 === undefined || d1 === undefined ? [] : [{ id, d0, d1 }],
    );
    const text = wirePlanText({
      pulseUs: pace.pulseUs ?? 50,
      intervalUs: pace.intervalUs ?? 1_000,
      restMs: pace.restMs ?? 110,
      readers,
      things,
    });
    const [plan, stamps] = [`plan-${this.#planCount}`, `stamps-${this.#planCount}`];
    await writeFile(join(this.#share, plan), text);
    await guest.call("play", {
      programs: this.#options.image.programs,
      plan: `/rig/${plan}`,
      stamps: `/rig/${stamps}`,
    });
    const played = parseStamps(await readFile(join(this.#share, stamps), "utf8"));
    this.note(`${plan}: ${things.length} things, pulses late by ${worstLateUs(played)} us at most`);
    return played;
  }

  #planned(afterMs: number, move: RigMove["move"]): PlannedThing {
    switch (move.kind) {
      case "present":
        return { kind: "send", reader: move.reader, slots: move.slots, afterMs };
      case "contact": {
        const { position } = this.#door(move.door);
        if (position === undefined) throw new Error(`door ${move.door} has no contact`);
        const level = leafLevel(position, move.leaf);
        return { kind: "move", line: position.line, level, afterMs };
      }
      case "rex": {
        const { rex } = this.#door(move.door);
        if (rex === undefined) throw new Error(`door ${move.door} has no REX`);
        return { kind: "move", line: rex.line, level: rexLevel(rex, move.state), afterMs };
      }
      default:
        return unreachable(move);
    }
  }

  async #setChip(parameter: string, text: string): Promise<void> {
    const file = `/sys/module/rig_i2c/parameters/${parameter}`;
    await this.#running().call("write", { file, text });
  }

  #door(id: DoorId) {
    const wiring = this.#board.profile.doors.find((door) => door.id === id);
    if (wiring === undefined) throw new Error(`no door "${id}"`);
    return wiring;
  }

  #running(): Guest {
    if (this.#guest === undefined) throw new Error("the machine is switched off");
    return this.#guest;
  }
}
