import {
  type ClockQuality,
  type EpochMs,
  epochMs,
  type MonotonicMs,
  monotonicMs,
  type WallTime,
} from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { chipSet, chipTaken } from "./clock-chip.ts";
import { clockErrorMsMax } from "./clock-error.ts";

/**
 * How the machine's clock is judged. `ntp`: by what a time source says of it. The others say it once
 * and for all, of a machine whose clock somebody else sees to.
 */
export const clockRules = ["trusted", "holdover", "unknown", "ntp"] as const;
export type ClockRule = (typeof clockRules)[number];

/**
 * Nobody vouches for the time any more: it counts as `holdover` for as long as the worst crystal that
 * boards are built with, 100 ppm, cannot have drifted by more than ten minutes. That is 69 days.
 */
const driftPpmMax = 100;
export const holdoverMsMax = (clockErrorMsMax / driftPpmMax) * 1_000_000;

/** A clock that moves by more than this against monotonic time was set. Less is steered, or read late. */
export const stepMsMin = 1_000;
/** A step by more than this is on disk at once, and not with the hour. */
const storedStepMs = 60_000;
const storeEveryMs = 3_600_000;
/** Until a source vouches it is asked with growing pauses; from then on seldom. */
const askMinMs = 5_000;
const askMaxMs = 3_600_000;

/** What outlasts the process: how far time has come, and what was known of it. */
export interface ClockRecord {
  readonly wallAt: EpochMs;
  readonly monotonicAt: MonotonicMs;
  /** Which run of the kernel `monotonicAt` counts in; undefined where that is not known. */
  readonly boot: string | undefined;
  /** When, in that run, a time source last vouched for the clock. */
  readonly vouchedAt: MonotonicMs | undefined;
  /** The machine's clock was not believed: time ran on without it. */
  readonly isHeld: boolean;
}

/**
 * Which time is shown. `machine`: the machine's. `held`: the machine's is not believed, and time runs
 * on by itself, at this distance from monotonic time. `eased`: the same, at half speed, until the
 * machine's clock has come up to it.
 */
type Shown =
  | { readonly kind: "machine" }
  | { readonly kind: "held"; readonly offsetMs: number }
  | { readonly kind: "eased"; readonly offsetMs: number; readonly since: MonotonicMs };

export interface ClockState {
  readonly rule: ClockRule;
  readonly boot: string | undefined;
  /** The machine's wall time less monotonic time, as it was last looked at. */
  readonly machineMs: number;
  readonly shown: Shown;
  readonly vouchedAt: MonotonicMs | undefined;
  /** What the source said when it was last asked. */
  readonly isSynchronised: boolean;
  /** `outdated`: the clock was set after the question, so the answer will be about another time. */
  readonly question: "none" | "asked" | "outdated";
  readonly askAt: MonotonicMs;
  readonly askWaitMs: number;
  readonly storeAt: MonotonicMs;
  /** A clock with a battery of its own: when this process last set it. */
  readonly chip: { readonly setAt: MonotonicMs | undefined } | undefined;
}

export type ClockInput =
  /** The clocks were read, and no more. */
  | { readonly kind: "looked" }
  /** `chipAt` where it does not say so: what the chip has kept, which is better than nothing. */
  | {
      readonly kind: "answered";
      readonly isSynchronised: boolean;
      readonly chipAt?: EpochMs | undefined;
    }
  /** The network is there, or something else makes a better answer likely. */
  | { readonly kind: "ask_again" }
  | { readonly kind: "deadline_reached" };

/** A reading of both clocks at one moment. */
export interface ClockReading {
  readonly monotonic: MonotonicMs;
  readonly machine: EpochMs;
}

export type ClockEffect =
  | { readonly kind: "ask" }
  | { readonly kind: "store"; readonly record: ClockRecord }
  /** The chip is to have the time that is shown: a time source vouches for it. */
  | { readonly kind: "set_chip" }
  /** `ignored`: the machine's clock was set by so much, and the time that is shown was not. */
  | {
      readonly kind: "clock_set";
      readonly byMs: number;
      readonly outcome: "followed" | "ignored";
    };

export interface ClockStep {
  readonly state: ClockState;
  readonly effects: readonly ClockEffect[];
}

/** Where a process comes up. Asks at once, where there is anything to ask. */
export function beginClock(
  start: {
    readonly rule: ClockRule;
    readonly boot: string | undefined;
    readonly found: ClockRecord | undefined;
    /** Where there is a chip; `keptAt` undefined for one that lost its time, or does not answer. */
    readonly chip?: { readonly keptAt: EpochMs | undefined } | undefined;
  },
  now: ClockReading,
): ClockStep {
  const { rule, boot, found, chip } = start;
  const machineMs = offsetOf(now);
  const isSameBoot = found !== undefined && isOfBoot(found, boot, now);
  const vouchedAt = isSameBoot && rule === "ntp" ? found.vouchedAt : undefined;
  const ownMs = found && found.wallAt - (isSameBoot ? found.monotonicAt : now.monotonic);
  const begun: ClockState = {
    rule,
    boot,
    machineMs,
    // Within one run of the kernel a clock that was set while nobody looked is one that was set.
    shown:
      ownMs === undefined || (isSameBoot && isFollowed(rule) && !found.isHeld)
        ? { kind: "machine" }
        : unvouched({ rule, machineMs, vouchedAt }, ownMs, now.monotonic),
    vouchedAt,
    isSynchronised: false,
    question: "none",
    askAt: now.monotonic,
    askWaitMs: askMinMs,
    storeAt: monotonicMs(now.monotonic + storeEveryMs),
    chip: chip && { setAt: undefined },
  };
  const state = chipTaken(
    begun,
    { chipAt: chip?.keptAt, leastMs: ownMs ?? -Infinity, shownAt: shownAt(begun, now) },
    now,
  );
  const byMs = isSameBoot && !found.isHeld ? machineMs - (ownMs ?? machineMs) : 0;
  const asked = askIfDue(state, now);
  return {
    state: asked.state,
    effects: [...clockSet(byMs, state.shown), storeOf(state, now), ...asked.effects],
  };
}

/**
 * Pure: same arguments, same step. A deadline that comes late, or too often, is harmless. Whatever the
 * input, a clock that was set is noticed first: an answer to a question from before is none.
 */
export function stepClock(state: ClockState, input: ClockInput, now: ClockReading): ClockStep {
  const looked = look(state, now);
  const { effects } = looked;
  const step = inputTaken(looked.state, input, now);
  return effects.length === 0 ? step : { ...step, effects: [...effects, ...step.effects] };
}

function inputTaken(state: ClockState, input: ClockInput, now: ClockReading): ClockStep {
  switch (input.kind) {
    case "looked":
      return { state, effects: [] };
    case "answered":
      return answered(state, input, now);
    case "ask_again": {
      if (state.isSynchronised) return { state, effects: [] };
      // Not at once: what made an answer likely has to reach the time source first.
      const askAt = monotonicMs(Math.min(state.askAt, now.monotonic + askMinMs));
      return { state: { ...state, askAt, askWaitMs: askMinMs }, effects: [] };
    }
    case "deadline_reached":
      return deadlineReached(state, now);
    default:
      return unreachable(input);
  }
}

/** The instant at which the caller must feed `deadline_reached`. */
export function clockDeadline(state: ClockState): MonotonicMs {
  const askAt = isAnswerOpen(state) ? state.askAt : Infinity;
  return monotonicMs(Math.min(state.storeAt, askAt, holdoverEndsAt(state)));
}

/** What doors and records go by. */
export function wallOf(state: ClockState, now: ClockReading): WallTime {
  return { at: shownAt(state, now), quality: qualityOf(state, now.monotonic) };
}

/** What to keep of it, for the next start. */
export function clockRecordOf(state: ClockState, now: ClockReading): ClockRecord {
  const { boot, vouchedAt, shown } = state;
  return {
    wallAt: shownAt(state, now),
    monotonicAt: now.monotonic,
    boot,
    vouchedAt,
    isHeld: shown.kind !== "machine",
  };
}

function shownAt({ shown }: ClockState, { monotonic, machine }: ClockReading): EpochMs {
  switch (shown.kind) {
    case "machine":
      return machine;
    case "held":
      return epochMs(Math.floor(monotonic + shown.offsetMs));
    case "eased": {
      const easedMs = (monotonic - shown.since) / 2;
      return epochMs(Math.max(machine, Math.floor(monotonic + shown.offsetMs - easedMs)));
    }
    default:
      return unreachable(shown);
  }
}

function qualityOf(state: ClockState, now: MonotonicMs): ClockQuality {
  const { rule, shown } = state;
  if (rule !== "ntp") return shown.kind === "held" ? "unknown" : rule;
  if (state.isSynchronised) return "trusted";
  return now < holdoverEndsAt(state) && state.vouchedAt !== undefined ? "holdover" : "unknown";
}

/** Infinity where there is none to end. */
function holdoverEndsAt({ vouchedAt, isSynchronised }: ClockState): number {
  return vouchedAt === undefined || isSynchronised ? Infinity : vouchedAt + holdoverMsMax;
}

function look(state: ClockState, now: ClockReading): ClockStep {
  const { rule, shown } = state;
  const machineMs = offsetOf(now);
  const byMs = machineMs - state.machineMs;
  if (Math.abs(byMs) <= stepMsMin) return { state, effects: [] };
  const ownMs = shown.kind === "machine" ? state.machineMs : shown.offsetMs;
  const isBelieved = isFollowed(rule) && shown.kind !== "held";
  const set: ClockState = {
    ...state,
    machineMs,
    shown: isBelieved
      ? { kind: "machine" }
      : unvouched({ ...state, machineMs }, ownMs, now.monotonic),
    isSynchronised: false,
    question: state.question === "none" ? "none" : "outdated",
    askAt: now.monotonic,
    askWaitMs: askMinMs,
  };
  const stored = storeIfMoved(state, set, now);
  const asked = askIfDue(stored.state, now);
  return {
    state: asked.state,
    effects: [...clockSet(byMs, set.shown), ...stored.effects, ...asked.effects],
  };
}

function answered(
  state: ClockState,
  { isSynchronised, chipAt }: Extract<ClockInput, { kind: "answered" }>,
  now: ClockReading,
): ClockStep {
  if (state.question === "outdated") {
    return askIfDue({ ...state, question: "none", askAt: now.monotonic }, now);
  }
  if (!isSynchronised) {
    const { askWaitMs } = state;
    const unsynchronised: ClockState = {
      ...state,
      isSynchronised: false,
      question: "none",
      askAt: monotonicMs(now.monotonic + askWaitMs),
      askWaitMs: Math.min(askWaitMs * 2, askMaxMs),
    };
    const shown = shownAt(unsynchronised, now);
    const word = { chipAt, leastMs: shown - now.monotonic, shownAt: shown };
    const held = chipTaken(unsynchronised, word, now);
    const isFirstWord = state.vouchedAt === undefined && held.vouchedAt !== undefined;
    return isFirstWord ? store(held, now) : storeIfMoved(state, held, now);
  }
  const vouched: ClockState = {
    ...state,
    machineMs: offsetOf(now),
    shown: { kind: "machine" },
    vouchedAt: now.monotonic,
    isSynchronised: true,
    question: "none",
    askAt: monotonicMs(now.monotonic + askMaxMs),
    askWaitMs: askMinMs,
  };
  const byMs = shownAt(vouched, now) - shownAt(state, now);
  // The first word of this run: with it on disk, a restart of the process alone loses no trust.
  const stored =
    state.vouchedAt === undefined ? store(vouched, now) : storeIfMoved(state, vouched, now);
  const chip = chipSet(stored.state, now);
  return {
    state: chip.state,
    effects: [...clockSet(byMs, vouched.shown), ...stored.effects, ...chip.effects],
  };
}

function deadlineReached(state: ClockState, now: ClockReading): ClockStep {
  const isHoldoverOver = now.monotonic >= holdoverEndsAt(state);
  const current: ClockState = {
    ...state,
    vouchedAt: isHoldoverOver ? undefined : state.vouchedAt,
    shown: hasCaughtUp(state, now) ? { kind: "machine" } : state.shown,
  };
  const stored =
    now.monotonic >= state.storeAt ? store(current, now) : { state: current, effects: [] };
  const asked = askIfDue(stored.state, now);
  return { state: asked.state, effects: [...stored.effects, ...asked.effects] };
}

/**
 * What is shown where nobody vouches for the machine's clock and time had come to `ownMs`. Where it had
 * been vouched for, what was right then runs on. Where it never was, it is followed forward: some word
 * is better than none, and it counts for nothing.
 */
function unvouched(
  { rule, machineMs, vouchedAt }: Pick<ClockState, "rule" | "machineMs" | "vouchedAt">,
  ownMs: number,
  now: MonotonicMs,
): Shown {
  const behindMs = ownMs - machineMs;
  if (vouchedAt !== undefined) {
    if (Math.abs(behindMs) <= stepMsMin) return { kind: "machine" };
    return { kind: "held", offsetMs: ownMs };
  }
  if (behindMs <= 0) return { kind: "machine" };
  // As wrong as a believed clock may be. Behind by more, it has lost its time: its battery is empty.
  if (isFollowed(rule) && behindMs <= clockErrorMsMax) {
    return { kind: "eased", offsetMs: ownMs, since: now };
  }
  return { kind: "held", offsetMs: ownMs };
}

function askIfDue(state: ClockState, now: ClockReading): ClockStep {
  if (!isAnswerOpen(state) || now.monotonic < state.askAt) return { state, effects: [] };
  return { state: { ...state, question: "asked" }, effects: [{ kind: "ask" }] };
}

/** Whether a source's word would change anything, and none is under way. */
function isAnswerOpen({ rule, shown, question }: ClockState): boolean {
  if (question !== "none") return false;
  // A believed clock that has lost its time may be set right later, and then somebody has to say so.
  return rule === "ntp" || (isFollowed(rule) && shown.kind === "held");
}

function storeIfMoved(before: ClockState, after: ClockState, now: ClockReading): ClockStep {
  const { shown } = before;
  const beforeMs = shown.kind === "machine" ? before.machineMs : shown.offsetMs;
  const movedMs = Math.abs(shownAt(after, now) - now.monotonic - beforeMs);
  return movedMs > storedStepMs ? store(after, now) : { state: after, effects: [] };
}

function store(state: ClockState, now: ClockReading): ClockStep {
  const storeAt = monotonicMs(now.monotonic + storeEveryMs);
  return { state: { ...state, storeAt }, effects: [storeOf(state, now)] };
}

function storeOf(state: ClockState, now: ClockReading): ClockEffect {
  return { kind: "store", record: clockRecordOf(state, now) };
}

function clockSet(byMs: number, shown: Shown): readonly ClockEffect[] {
  if (Math.abs(byMs) <= stepMsMin) return [];
  const outcome = shown.kind === "machine" ? "followed" : "ignored";
  return [{ kind: "clock_set", byMs: Math.round(byMs), outcome }];
}

function isFollowed(rule: ClockRule): boolean {
  return rule === "trusted" || rule === "holdover";
}

function isOfBoot(found: ClockRecord, boot: string | undefined, now: ClockReading): boolean {
  return boot !== undefined && found.boot === boot && found.monotonicAt <= now.monotonic;
}

function hasCaughtUp(state: ClockState, now: ClockReading): boolean {
  return state.shown.kind === "eased" && shownAt(state, now) === now.machine;
}

function offsetOf({ monotonic, machine }: ClockReading): number {
  return machine - monotonic;
}
