import type { Leaf, RexState } from "../../hal/door-inputs.ts";
import type { ReaderHealth, ReaderReport } from "../../hal/reader.ts";
import type { StrikeCommand } from "../../hal/strike.ts";
import type { DoorId, ReaderId } from "../../src/domain/ids.ts";
import type { EdgeNs, EpochMs } from "../../src/domain/time.ts";

/**
 * `sim`: the simulated board and real processes. `kernel`: a real kernel with simulated chips, in
 * QEMU. `bench`: a second computer that is wired to the one under test.
 */
export type TargetKind = "sim" | "kernel" | "bench";

/**
 * `exact`: in the kernel target one instruction is one nanosecond and idling takes no time, so that
 * the host's own scheduling is not in any figure. Its time has then nothing to do with the host's: no
 * network, and whatever waits must wait on the target (`play`, `waitForStrike`, `idle`). `free`: one
 * instruction is 4 ns and idling takes as long as on the host, which can be reached: the target's clock
 * falls behind the host's while it is busy. Other targets' time is the host's.
 */
export type RigTime = "exact" | "free";

/**
 * A controller and its wiring, seen from outside: from the card, the leaf, the button and the relay.
 * Doors and readers are those of `rig-world.ts` on every target. All stamps are CLOCK_MONOTONIC of
 * the machine that the controller runs on. Every promise rejects once the target is gone.
 */
export interface RigTarget {
  readonly kind: TargetKind;
  readonly time: RigTime;
  /** Sizes are to be those for CI. */
  readonly isSmoke: boolean;
  /** Of frames, taps, kills or cuts, in place of a scenario's own full size. */
  readonly count: number | undefined;
  /** For whatever is random in the scenario; the runner prints it. */
  readonly seed: number;
  /** Where the target has the sources, compiled: `src/main.js` is the product. */
  readonly programFolder: string;
  /** What phones of the world's site are told it by. */
  readonly siteKey: string;
  /** A new file of `postern phone` on the target, with the keys of Ada's phone as the door knows it. */
  phonesFile(): Promise<string>;
  /** A line in this scenario's log file. */
  note(text: string): void;

  /**
   * Presents cards and whatever else can come over two wires. Readers are independent: each has its
   * presentations in order, all readers at once. Resolves when the last pulse is over, with one entry
   * for each presentation, in the order given.
   */
  present(plan: PresentationPlan): Promise<readonly Presented[]>;

  /** Types on a keypad, at a quick finger's pace, as that reader's profile says it sends keys. */
  type(reader: ReaderId, keys: string): Promise<readonly Presented[]>;

  /** Moves of the world at their instants of the target's time, counted from now. */
  play(moves: readonly RigMove[]): Promise<readonly EdgeNs[]>;

  /** Lets the target's time pass. */
  idle(ms: number): Promise<void>;

  /** What the strike's line does to the lock now: read at the chip, not asked of the controller. */
  strike(door: DoorId): Promise<StrikeCommand>;

  /** Every change of a strike's line since the target was switched on, at most the last 100,000. */
  strikeChanges(since?: EdgeNs): Promise<readonly StrikeChange[]>;

  /**
   * Resolves with the change that made it so, or with one `at` the call where it already was; with
   * undefined where it is not so within `withinMs` of the target's time.
   */
  waitForStrike(wanted: {
    readonly door: DoorId;
    readonly state: StrikeCommand;
    readonly withinMs: number;
  }): Promise<StrikeChange | undefined>;

  readonly controller: RigController;

  /** A process that reads the lines with the product's driver and decoder, and decides nothing. */
  listen(options: ListenOptions): Promise<RigListener>;

  /** Busy loops at ordinary priority, `count` of them. */
  hog(count: number): Promise<Stoppable>;

  /** The site that the controller belongs to. Time must be `free`; the kernel target's is on the host. */
  startSite(): Promise<RigSite>;

  /** Only where the scenario's `devices` name it, else rejects. */
  setExpander(state: "present" | "absent"): Promise<void>;
  /** `stopped` raises the oscillator-stop flag, as a flat battery does. */
  setClockChip(state: {
    readonly at: EpochMs;
    readonly oscillator: "kept" | "stopped";
  }): Promise<void>;

  /** The plug is pulled: nothing that the disk has not taken is left. Needs the device `disk`. */
  cutPower(): Promise<void>;
  /** Resolves when the machine is up. The controller is not started. */
  powerOn(): Promise<void>;
  /**
   * The last instant, to 200 ms, at which the machine was alive before it reset itself; it is off then. With
   * undefined where it has not within `withinMs` of the target's time. Needs the device `watchdog`.
   */
  waitForReset(withinMs: number): Promise<EdgeNs | undefined>;

  /** Runs a command on the target as root, to its end. For what no other method says. */
  run(command: readonly string[], options?: RunOptions): Promise<Finished>;
}

/**
 * Where a command only waits, and time is `exact`: whether that takes time of this machine too (`pass`), or
 * time leaps to what is next. It leaps where a file of this machine is read just as well.
 */
export type RunWaits = "pass" | "leap";

export interface RunOptions {
  /** Of the target's time. */
  readonly secondsMax?: number;
  /** `pass` where not said. */
  readonly waits?: RunWaits;
}

/** One presentation: a card, a key, noise. */
export interface Presentation {
  readonly reader: ReaderId;
  /**
   * What each interval brings, first on the wire first: `0` and `1` are a pulse on D0 and D1, `b` one
   * on both at once (a short, or another reader's), `-` none.
   */
  readonly slots: string;
}

export interface PresentationPlan {
  readonly presentations: readonly Presentation[];
  /** Length of a pulse. 50 where not said. */
  readonly pulseUs?: number;
  /** From the beginning of one pulse to the next. 1,000 where not said. */
  readonly intervalUs?: number;
  /** Rest after each presentation of a reader. 110 where not said: a controller's after a misread. */
  readonly restMs?: number;
}

export interface Presented {
  readonly reader: ReaderId;
  /** The beginning of the last pulse: with it the frame is whole. */
  readonly lastPulseAt: EdgeNs;
  /** The worst that one of its pulses began or ended after its time; 0 where nobody can tell. */
  readonly lateUs: number;
}

export interface RigMove {
  /** From the call, in the target's time. */
  readonly afterMs: number;
  readonly move:
    | { readonly kind: "contact"; readonly door: DoorId; readonly leaf: Leaf }
    | { readonly kind: "rex"; readonly door: DoorId; readonly state: RexState }
    | { readonly kind: "present"; readonly reader: ReaderId; readonly slots: string };
}

export interface StrikeChange {
  readonly door: DoorId;
  readonly state: StrikeCommand;
  readonly at: EdgeNs;
}

/** One at a time. Its state folder lives as long as the target, or as its disk. */
export interface RigController {
  /**
   * Resolves when it says that it is ready. Its table has the passes of `rig-world.ts` already. Rejects
   * with its output where it ends instead.
   */
  start(options?: ControllerOptions): Promise<ControllerStarted>;
  /** As `systemctl stop`; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. Whatever follows a service's death under systemd follows. Resolves with the instant. */
  kill(): Promise<EdgeNs>;
  /** SIGSTOP: it neither runs nor dies. */
  hang(): Promise<EdgeNs>;
  resume(): Promise<void>;
  /** Stops it `forMs` of every `everyMs`, as a blocked event loop would be. */
  stall(pattern: StallPattern): Promise<Stoppable>;
  /** Undefined while none runs. */
  usage(): Promise<ProcessUsage | undefined>;
  /** Its events, oldest first, as its own command tells them. */
  events(): Promise<readonly RigEvent[]>;
  /** A technician's verb on the target, such as `["status", "--json"]`. */
  postern(args: readonly string[]): Promise<Finished>;
  /** All that it wrote. */
  output(): Promise<string>;
}

export interface ControllerOptions {
  /** Lines for its `controller.toml`, in place of those of the same key. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface ControllerStarted {
  readonly pid: number;
  readonly spawnedAt: EdgeNs;
  readonly readyAt: EdgeNs;
}

export interface StallPattern {
  readonly everyMs: number;
  readonly forMs: number;
}

/** Of a process; but for `rssBytes`, those that it started are counted in. */
export interface ProcessUsage {
  readonly rssBytes: number;
  /** Of the processes that it started, such as a radio's driver. */
  readonly childRssBytes: number;
  /** User and system, since it started. */
  readonly cpuMs: number;
  /** Handed to storage since it started. */
  readonly writtenBytes: number;
  readonly at: EdgeNs;
}

/** One of the controller's events, with what a scenario asks for by name. */
export interface RigEvent {
  readonly number: number;
  readonly kind: string;
  readonly door?: string;
  readonly reader?: string;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

export interface ListenOptions {
  /** `gpiomon`: libgpiod's program as a child process, for comparison. */
  readonly driver: "character_device" | "sysfs" | "gpiomon";
  /** The listener blocks its own event loop so. */
  readonly stall?: StallPattern;
}

/** What a listener read, in order. */
export type Heard = ReaderReport & { readonly reader: ReaderId };

export interface RigListener {
  /** Resolves once the lines have been quiet for 200 ms of the target's time. All since opening. */
  heard(): Promise<readonly Heard[]>;
  health(): Promise<Readonly<Record<string, ReaderHealth>>>;
  usage(): Promise<ProcessUsage>;
  close(): Promise<void>;
}

export interface Stoppable {
  stop(): Promise<void>;
}

export interface RigSite {
  readonly url: string;
  readonly apiKey: string;
  /** JSON in and out; throws where the status is not 2xx. */
  call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
