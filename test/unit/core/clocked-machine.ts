import {
  beginClock,
  type ClockEffect,
  type ClockInput,
  type ClockRecord,
  type ClockRule,
  type ClockState,
  type ClockStep,
  clockDeadline,
  clockRecordOf,
  stepClock,
  wallOf,
} from "../../../src/core/clock-trust.ts";
import { epochMs, monotonicMs, type WallTime } from "../../../src/domain/time.ts";

export const noon = Date.UTC(2026, 0, 5, 12);
export const bootOf = (count: number) => count.toString(16).padStart(32, "0");

/** A clock with a battery of its own; `at` undefined once it has lost its time. */
export interface PaperChip {
  at: number | undefined;
}

/** A machine with a clock that can be set, which is switched off and on, and a daemon on it. */
export class ClockedMachine {
  readonly #rule: ClockRule;
  #bootCount = 1;
  #monotonic = 10_000;
  #machine: number;
  #state: ClockState;
  readonly chip: PaperChip | undefined;
  disk: ClockRecord | undefined;
  effects: ClockEffect[] = [];

  constructor(rule: ClockRule, machineAt = noon, disk?: ClockRecord, chip?: PaperChip) {
    this.#rule = rule;
    this.#machine = machineAt;
    this.disk = disk;
    this.chip = chip;
    this.#state = this.#begin();
  }

  get now() {
    return { monotonic: monotonicMs(this.#monotonic), machine: epochMs(this.#machine) };
  }

  get boot(): string {
    return bootOf(this.#bootCount);
  }

  wall(): WallTime {
    return wallOf(this.#state, this.now);
  }

  /** Time passes, and the deadlines in it are kept. */
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const deadline = clockDeadline(this.#state);
      if (deadline > end) break;
      this.#run(Math.max(0, deadline - this.#monotonic));
      this.feed({ kind: "deadline_reached" });
      if (clockDeadline(this.#state) <= deadline) throw new Error("it wakes for nothing");
    }
    this.#run(end - this.#monotonic);
  }

  set(byMs: number): void {
    this.#machine += byMs;
    this.feed({ kind: "looked" });
  }

  answer(isSynchronised: boolean): void {
    this.feed({ kind: "answered", isSynchronised, chipAt: this.#chipAt() });
  }

  feed(input: ClockInput): void {
    this.#state = this.#take(stepClock(this.#state, input, this.now));
  }

  /** An orderly stop of the daemon. */
  stop(): void {
    this.disk = clockRecordOf(this.#state, this.now);
  }

  startAgain(awayMs = 1_000): void {
    this.#run(awayMs);
    this.#state = this.#begin();
  }

  /** After `offMs` without power, in which only the chip counted. */
  reboot(machineAt: number, offMs = 0): void {
    this.#bootCount += 1;
    if (this.chip?.at !== undefined) this.chip.at += offMs;
    this.#monotonic = 5_000;
    this.#machine = machineAt;
    this.#state = this.#begin();
  }

  told(): readonly (readonly [number, string])[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "clock_set" ? [[effect.byMs, effect.outcome] as const] : [],
    );
  }

  count(kind: ClockEffect["kind"]): number {
    return this.effects.filter((effect) => effect.kind === kind).length;
  }

  /** Without a question or a step: as in a test's middle. */
  setUnseen(byMs: number): void {
    this.#machine += byMs;
  }

  /** Time passes and no deadline is kept. */
  sleep(ms: number): void {
    this.#run(ms);
  }

  get question(): ClockState["question"] {
    return this.#state.question;
  }

  get isAsking(): boolean {
    return this.question !== "none";
  }

  #run(ms: number): void {
    this.#monotonic += ms;
    this.#machine += ms;
    if (this.chip?.at !== undefined) this.chip.at += ms;
  }

  /** In whole seconds. */
  #chipAt() {
    const at = this.chip?.at;
    return at === undefined ? undefined : epochMs(Math.floor(at / 1_000) * 1_000);
  }

  #begin(): ClockState {
    const chip = this.chip && { keptAt: this.#chipAt() };
    return this.#take(
      beginClock({ rule: this.#rule, boot: this.boot, found: this.disk, chip }, this.now),
    );
  }

  #take(step: ClockStep): ClockState {
    for (const effect of step.effects) {
      if (effect.kind === "store") this.disk = effect.record;
      if (effect.kind === "set_chip" && this.chip !== undefined) {
        this.chip.at = wallOf(step.state, this.now).at;
      }
      this.effects.push(effect);
    }
    return step.state;
  }
}
