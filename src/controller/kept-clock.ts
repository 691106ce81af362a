import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ClockChip } from "../../hal/clock-chip.ts";
import type { TimeSync } from "../../hal/time-sync.ts";
import {
  beginClock,
  type ClockEffect,
  type ClockInput,
  type ClockReading,
  type ClockRecord,
  type ClockRule,
  type ClockState,
  type ClockStep,
  clockDeadline,
  clockRecordOf,
  stepClock,
  stepMsMin,
  wallOf,
} from "../core/clock-trust.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { ClockQuality, EpochMs, MonotonicMs, WallTime } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { type ClockFloor, openClockFloor } from "./clock-floor.ts";
import { clockTroubles } from "./clock-troubles.ts";
import { Deadline } from "./deadline.ts";
import type { TroubleReporter } from "./journal.ts";
import { RateLimit } from "./rate-limit.ts";
import { settlesWithin } from "./settles-within.ts";

/** How long a start waits for the disk. */
const floorMsMax = 5_000;
/** How long a start waits for a time source, so that doors do not come up denying for a moment. */
const firstAnswerMsMax = 1_000;
/** How long a stop waits for the disk. */
const closeMsMax = 2_000;
/** Both clocks are read within this, or once more: a process that is held up in between sees a step. */
const readingMsMax = 100;
const readingsMax = 5;
/** A clock that is set to and fro fills no journal: the rest is not told. */
const clockSetsMax = { countMax: 20, windowMs: 3_600_000 };

export interface KeptClockOptions {
  /** Its quality is not asked. */
  readonly machine: Clock;
  readonly rule: ClockRule;
  readonly timeSync: TimeSync;
  /** As `readBootId` says. */
  readonly boot: string | undefined;
  /** Where it is kept how far time has come. */
  readonly file: string;
}

export interface ClockReporter {
  readonly troubles: TroubleReporter;
  readonly record: (event: DoorEvent) => void;
  /** After the quality changed, or the time was set: what depends on time wants another look. */
  readonly onChange: () => void;
}

/**
 * The time that doors go by: the machine's, with what vouches for it, and never earlier than what an
 * earlier process has shown, unless somebody vouches for that. Until `start` its quality is unknown.
 */
export class KeptClock implements Clock {
  readonly #options: KeptClockOptions;
  readonly #machine: Clock;
  readonly #deadline: Deadline;
  readonly #setsTold: RateLimit;
  readonly #troubles = new Set<string>();
  #chip: ClockChip | undefined;
  #state: ClockState | undefined;
  /** Undefined also where it could not be read in time: nothing is written then. */
  #floor: ClockFloor | undefined;
  #damage: string | undefined;
  #hasBegun = false;
  #reporter: ClockReporter | undefined;
  /** Set before there was anybody to tell. */
  #untold: DoorEvent[] = [];
  #quality: ClockQuality = "unknown";
  #writing: Promise<void> | undefined;
  /** The newest of those that came while another was written. */
  #nextRecord: ClockRecord | undefined;
  #isClosed = false;

  constructor(options: KeptClockOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#deadline = new Deadline(options.machine, () => this.#feed({ kind: "deadline_reached" }));
    this.#setsTold = new RateLimit(options.machine, clockSetsMax);
  }

  monotonic(): MonotonicMs {
    return this.#machine.monotonic();
  }

  alarm(at: MonotonicMs, due: () => void): Alarm {
    return this.#machine.alarm(at, due);
  }

  /** Notices, and follows or not, when somebody has set the machine's clock: nobody tells. */
  wall(): WallTime {
    const state = this.#state;
    const monotonic = this.#machine.monotonic();
    const machine = this.#machine.wall().at;
    if (state === undefined) return { at: machine, quality: "unknown" };
    if (Math.abs(machine - monotonic - state.machineMs) <= stepMsMin) {
      return wallOf(state, { monotonic, machine });
    }
    const now = this.#reading();
    void this.#apply(stepClock(state, { kind: "looked" }, now));
    return wallOf(this.#state ?? state, now);
  }

  /**
   * Reads how far time had come, and asks the chip, where there is one, and the time source. Never
   * rejects; takes five seconds at most for the disk and one for the time source. The chip is closed with
   * the clock.
   */
  async start(chip?: ClockChip): Promise<void> {
    const { rule, boot } = this.#options;
    this.#chip = chip;
    await this.#waitFor(this.#openFloor(), floorMsMax);
    this.#hasBegun = true;
    const floor = this.#floor;
    this.#damage = floor === undefined ? "the disk does not answer" : floor.damage;
    if (this.#damage !== undefined) this.#raise(clockTroubles.floorDamaged);
    const begun = beginClock(
      { rule, boot, found: floor?.found, chip: chip && { keptAt: this.#readChip() } },
      this.#reading(),
    );
    const answer = this.#apply(begun);
    if (answer !== undefined) await this.#waitFor(answer, firstAnswerMsMax);
    this.#qualityMayHaveChanged();
  }

  /** One reporter: it is told what is so now, and each change. */
  reportTo(reporter: ClockReporter): void {
    this.#reporter = reporter;
    for (const event of this.#untold) reporter.record(event);
    this.#untold = [];
    for (const trouble of this.#troubles) reporter.troubles.raise(trouble);
    this.#tellQuality();
  }

  /** The network is back: a time source may have something to say soon. */
  askAgain(): void {
    if (this.#isClosed) return;
    this.#feed({ kind: "ask_again" });
  }

  /** What was found of an earlier process and could not be used, for the log. */
  damage(): string | undefined {
    return this.#damage;
  }

  /** Keeps how far time has come. Never rejects; takes two seconds at most. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadline.set(undefined);
    if (this.#state !== undefined) this.#store(clockRecordOf(this.#state, this.#reading()));
    const floor = this.#floor;
    const ended = async () => {
      await this.#writing;
      await floor?.close();
    };
    this.#chip?.close();
    await this.#waitFor(ended(), closeMsMax);
  }

  async #openFloor(): Promise<void> {
    const floor = await openClockFloor(this.#options.file);
    // Too late: what it says is for the next start, and must not be replaced by less.
    if (this.#hasBegun) await floor.close();
    else this.#floor = floor;
  }

  #feed(input: ClockInput): void {
    if (this.#state === undefined || this.#isClosed) return;
    void this.#apply(stepClock(this.#state, input, this.#reading()));
  }

  /** Settles with the answer where it asks for one. Nobody is told anything before it returns. */
  #apply(step: ClockStep): Promise<void> | undefined {
    this.#state = step.state;
    if (!this.#isClosed) this.#deadline.set(clockDeadline(step.state));
    let answer: Promise<void> | undefined;
    for (const effect of step.effects) answer = this.#do(effect) ?? answer;
    // Whoever looked at the clock is in the middle of something.
    queueMicrotask(() => this.#qualityMayHaveChanged());
    return answer;
  }

  #do(effect: ClockEffect): Promise<void> | undefined {
    switch (effect.kind) {
      case "ask":
        return this.#ask();
      case "store":
        this.#store(effect.record);
        return undefined;
      case "set_chip":
        this.#setChip();
        return undefined;
      case "clock_set":
        if (this.#setsTold.take()) this.#tellSet(effect);
        return undefined;
      default:
        return unreachable(effect);
    }
  }

  async #ask(): Promise<void> {
    const isSynchronised = (await this.#options.timeSync.ask()) === "synchronised";
    if (this.#isClosed) return;
    this.#feed({
      kind: "answered",
      isSynchronised,
      chipAt: isSynchronised ? undefined : this.#readChip(),
    });
  }

  /** What the chip has kept. Holds the event loop up for a millisecond or two. */
  #readChip(): EpochMs | undefined {
    const chip = this.#chip;
    // Whoever says himself how far the clock is to be believed does not want to hear another's word.
    if (chip === undefined || this.#options.rule !== "ntp") return undefined;
    const read = this.#askChip(() => chip.read());
    if (read === undefined) return undefined;
    if (!read.kept) this.#raise(clockTroubles.chipStopped);
    return read.kept ? read.at : undefined;
  }

  #setChip(): void {
    const chip = this.#chip;
    const { at } = this.wall();
    if (chip === undefined) return;
    const set = this.#askChip(() => {
      chip.set(at);
      return "set";
    });
    if (set === "set") this.#clear(clockTroubles.chipStopped);
  }

  #askChip<T>(action: () => T): T | undefined {
    try {
      const said = action();
      this.#clear(clockTroubles.chipAbsent);
      return said;
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.#raise(clockTroubles.chipAbsent);
      return undefined;
    }
  }

  #store(record: ClockRecord): void {
    this.#nextRecord = record;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const record = this.#nextRecord;
      this.#nextRecord = undefined;
      if (record === undefined || this.#floor === undefined) break;
      try {
        await this.#floor.write(record);
        this.#clear(clockTroubles.floorFailing);
      } catch {
        // Tried again with the hour: what the disk is missing is told by more than this.
        this.#raise(clockTroubles.floorFailing);
      }
    }
    this.#writing = undefined;
  }

  #tellSet(event: Extract<DoorEvent, { kind: "clock_set" }>): void {
    queueMicrotask(() => {
      if (this.#reporter === undefined) this.#untold.push(event);
      else this.#reporter.record(event);
    });
    queueMicrotask(() => this.#reporter?.onChange());
  }

  #qualityMayHaveChanged(): void {
    const state = this.#state;
    if (state === undefined) return;
    const { quality } = wallOf(state, this.#reading());
    if (quality === this.#quality) return;
    this.#quality = quality;
    this.#tellQuality();
  }

  #tellQuality(): void {
    const reporter = this.#reporter;
    if (reporter === undefined) return;
    if (this.#quality === "unknown") reporter.troubles.raise(clockTroubles.unknown);
    else reporter.troubles.clear(clockTroubles.unknown);
    reporter.onChange();
  }

  #raise(trouble: string): void {
    this.#troubles.add(trouble);
    this.#reporter?.troubles.raise(trouble);
  }

  #clear(trouble: string): void {
    if (this.#troubles.delete(trouble)) this.#reporter?.troubles.clear(trouble);
  }

  #reading(): ClockReading {
    for (let left = readingsMax - 1; ; left -= 1) {
      const from = this.#machine.monotonic();
      const machine = this.#machine.wall().at;
      const monotonic = this.#machine.monotonic();
      if (monotonic - from <= readingMsMax || left === 0) return { monotonic, machine };
    }
  }

  async #waitFor(work: Promise<void>, atMostMs: number): Promise<void> {
    if (await settlesWithin(this.#machine, atMostMs, work)) await work;
  }
}
