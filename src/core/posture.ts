import type { DoorPosture, DoorSettings } from "../domain/access.ts";
import { earliest } from "../domain/earliest.ts";
import type { PostureCause } from "../domain/event.ts";
import type { PassId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import { type EpochMs, epochMs, epochMsMax, type WallTime } from "../domain/time.ts";
import type { CompiledSchedule } from "./schedule.ts";

/** What people have done to one door's posture, beside what its site and its schedules say. */
export interface PostureState {
  /** An operator's. Absent `until`: until it is cleared. Lockdown has none. */
  readonly override?: {
    readonly posture: DoorPosture;
    readonly until?: EpochMs;
    /** When it was set, where it has an end: a clock that shows earlier was wrong then, or is now. */
    readonly since?: EpochMs;
  };
  /** Somebody came in first; holds until that open stretch of the schedule ends. */
  readonly firstIn?: { readonly until: EpochMs };
  /** The toggle pass that unlocked it. */
  readonly toggledBy?: PassId;
}

/** A rule that holds a door unlocked, as far as that door is concerned. */
export interface UnlockRule {
  readonly kind: "auto_unlock" | "first_person_in";
  /** Undefined: always, of `auto_unlock`; of `first_person_in`, which needs one, never. */
  readonly schedule: CompiledSchedule | undefined;
  /** Whether a grant to this user (by the table's number) unlocks; asked of `first_person_in`. */
  isFor(user: number): boolean;
}

/** What a site says about one door's posture. */
export interface PosturePlace {
  readonly rules: readonly UnlockRule[];
  readonly settings: Pick<DoorSettings, "posture">;
}

export interface Posture {
  readonly posture: DoorPosture;
  readonly cause: Exclude<PostureCause, "fire">;
}

export interface OverrideRequest {
  readonly posture: DoorPosture;
  /** `next_change`: of the schedules that unlock this door. */
  readonly until: "cleared" | "next_change";
}

export interface OverrideFault {
  readonly field: "until";
  /** What would have been accepted, for people. */
  readonly expected: string;
}

// Postures are asked for at every presentation: nothing is allocated for the usual answers.
const unlockedBySchedule: Posture = { posture: "unlocked", cause: "schedule" };
const unlockedByFirstPerson: Posture = { posture: "unlocked", cause: "first_person_in" };
const unlockedByToggle: Posture = { posture: "unlocked", cause: "toggle" };
const bySite: Readonly<Record<DoorPosture, Posture>> = {
  disabled: { posture: "disabled", cause: "site" },
  locked: { posture: "locked", cause: "site" },
  unlocked: { posture: "unlocked", cause: "site" },
  free_access: { posture: "free_access", cause: "site" },
  lockdown: { posture: "lockdown", cause: "site" },
};
const byOperator: Readonly<Record<DoorPosture, Posture>> = {
  disabled: { posture: "disabled", cause: "operator" },
  locked: { posture: "locked", cause: "operator" },
  unlocked: { posture: "unlocked", cause: "operator" },
  free_access: { posture: "free_access", cause: "operator" },
  lockdown: { posture: "lockdown", cause: "operator" },
};

/** A clock that is put back by less was right, as far as an operator's word goes. */
const clockCorrectionMsMax = 3_600_000;

/** Overlapping schedules may change this often without the door changing; then we wake for nothing. */
const silentChangesMax = 64;

/**
 * The first that applies: an operator's override, the site's posture where that is not `locked`, a
 * schedule, a first person in, a toggle; else the door is locked. So nothing but an operator weakens
 * a lockdown. While the time is unknown no schedule is open, and what ends at some time opens
 * nothing: nobody could say when to stop. An override that bars people goes on.
 */
export function postureAt(place: PosturePlace, state: PostureState, wall: WallTime): Posture {
  const { override, firstIn } = state;
  if (override !== undefined && isOverrideInForce(place, override, wall)) {
    return byOperator[override.posture];
  }
  if (place.settings.posture !== "locked") return bySite[place.settings.posture];
  if (isAnyOpen(place, "auto_unlock", wall)) return unlockedBySchedule;
  // A rule that a new table lacks, or has shut, holds nothing open any more.
  if (
    firstIn !== undefined &&
    isBefore(wall, firstIn.until) &&
    isAnyOpen(place, "first_person_in", wall)
  ) {
    return unlockedByFirstPerson;
  }
  return state.toggledBy === undefined ? bySite.locked : unlockedByToggle;
}

/**
 * When time alone next changes what `postureAt` says; undefined where it does not, or the time is
 * unknown. Rarely it names an instant at which nothing changes: ask again then.
 */
export function nextPostureChangeAt(
  place: PosturePlace,
  state: PostureState,
  wall: WallTime,
): EpochMs | undefined {
  if (wall.quality === "unknown") return undefined;
  const { override, firstIn } = state;
  const now = postureAt(place, state, wall);
  // Schedules are left alone where they have no say: theirs may be a long search.
  if (now.cause === "operator" || now.cause === "site") {
    if (override?.until !== undefined && wall.at < override.until) return override.until;
    if (now.cause === "operator" || now.posture !== "locked") return undefined;
  }
  // This is asked every minute by whoever keeps doors: schedules that nobody has opened anything by
  // change nothing, and looking past all of their hours would hold up who stands at a door.
  const isSomebodyIn = firstIn !== undefined && wall.at < firstIn.until;
  const rules = place.rules.filter(({ kind }) => isSomebodyIn || kind === "auto_unlock");
  if (isAlwaysUnlocked(rules, wall)) return undefined;
  return nextDifference(wall.at, (at) => {
    const then = postureAt(place, state, { at, quality: wall.quality });
    const next = earliest(nextScheduleChange({ ...place, rules }, at), after(at, firstIn?.until));
    return { same: then === now, next };
  });
}

/**
 * What an operator asks for, or why it cannot be. A lockdown lasts until it is cleared. Lockdown and
 * disabled end what people began here, so that nothing but the site unlocks the door afterwards.
 */
export function setOverride(
  place: PosturePlace,
  state: PostureState,
  { posture, until }: OverrideRequest,
  wall: WallTime,
): Result<PostureState, OverrideFault> {
  const kept = endsWhatPeopleBegan(posture) ? {} : withoutOverride(state);
  if (until === "cleared") return succeed({ ...kept, override: { posture } });
  const refuse = (why: string) => fail({ field: "until" as const, expected: `"cleared": ${why}` });
  if (posture === "lockdown") return refuse("a lockdown lasts until it is cleared");
  if (wall.quality === "unknown") return refuse("the time is not known");
  const change = nextUnlockChange(place, wall.at);
  if (change === undefined) return refuse("no schedule of this door is going to change");
  return succeed({ ...kept, override: { posture, until: change, since: wall.at } });
}

/** Of a toggle whose pass is good no more: nobody but an operator could end it otherwise. */
export function endToggle(state: PostureState): PostureState {
  return state.toggledBy === undefined ? state : withoutToggle(state);
}

/** What an operator has said, without what schedules, first persons and toggles did. */
export function operatorsWord({ override }: PostureState): PostureState {
  return override === undefined ? {} : { override };
}

/** Back to what the site and its schedules say now, first persons in included: a toggle ends too. */
export function clearOverride(state: PostureState): PostureState {
  const { override, toggledBy } = state;
  if (override === undefined && toggledBy === undefined) return state;
  return withoutToggle(withoutOverride(state));
}

/**
 * What a grant does to the posture. A toggle unlocks a door that is locked and locks one that this
 * very toggle unlocked; with any other posture, an operator's `locked` included, it does nothing. Who
 * comes in first unlocks until the schedule shuts; a grant that ends a toggle, and one in lockdown,
 * is not a coming in.
 */
export function afterGrant(
  place: PosturePlace,
  state: PostureState,
  grant: { readonly pass: PassId; readonly user: number; readonly toggles: boolean },
  wall: WallTime,
): PostureState {
  const before = postureAt(place, state, wall);
  if (endsWhatPeopleBegan(before.posture)) return state;
  if (grant.toggles && before.cause === "toggle" && state.toggledBy === grant.pass) {
    return withoutToggle(state);
  }
  const entered = withFirstIn(place, state, grant.user, wall);
  const isToggledOn = grant.toggles && postureAt(place, entered, wall) === bySite.locked;
  return isToggledOn ? { ...entered, toggledBy: grant.pass } : entered;
}

/** The state without what is over; the very same one where nothing is. */
export function settle(place: PosturePlace, state: PostureState, wall: WallTime): PostureState {
  let settled = state;
  if (endsWhatPeopleBegan(place.settings.posture)) settled = withoutWhatPeopleBegan(settled);
  if (wall.quality === "unknown") return settled;
  const { override } = settled;
  if (
    override !== undefined &&
    (!isBefore(wall, override.until) || isOfAWrongClock(wall, override))
  ) {
    settled = withoutOverride(settled);
  }
  const { firstIn } = settled;
  if (
    firstIn !== undefined &&
    !(isBefore(wall, firstIn.until) && isAnyOpen(place, "first_person_in", wall))
  ) {
    settled = withoutFirstIn(settled);
  }
  return settled;
}

/**
 * Set when the clock showed a time that is still to come: its end means nothing, and may lie years
 * ahead. What bars people goes on all the same, and a small correction of the clock is none.
 */
function isOfAWrongClock(
  wall: WallTime,
  { posture, since }: NonNullable<PostureState["override"]>,
): boolean {
  if (posture === "disabled" || posture === "locked") return false;
  return since !== undefined && wall.at + clockCorrectionMsMax < since;
}

/** Whether time can change this door's posture; if not, nobody needs to wake for it. */
export function dependsOnTime(
  { rules, settings }: PosturePlace,
  { override }: PostureState,
): boolean {
  if (override !== undefined) return override.until !== undefined;
  return settings.posture === "locked" && rules.some(({ schedule }) => schedule !== undefined);
}

/** A door that was shut to everybody does not spring open when that ends. */
function endsWhatPeopleBegan(posture: DoorPosture): boolean {
  return posture === "lockdown" || posture === "disabled";
}

function isOverrideInForce(
  { settings }: PosturePlace,
  { posture, until }: NonNullable<PostureState["override"]>,
  wall: WallTime,
): boolean {
  if (isBefore(wall, until)) return true;
  if (wall.quality !== "unknown") return false;
  // A power cut on a box without a clock must not be a way past it.
  return posture === "disabled" || (posture === "locked" && !endsWhatPeopleBegan(settings.posture));
}

/** Undefined `until` never comes; a time that nobody vouches for may be past any other. */
function isBefore(wall: WallTime, until: EpochMs | undefined): boolean {
  return until === undefined || (wall.quality !== "unknown" && wall.at < until);
}

function isAnyOpen({ rules }: PosturePlace, kind: UnlockRule["kind"], wall: WallTime): boolean {
  for (const rule of rules) {
    if (rule.kind === kind && isInForce(rule, wall)) return true;
  }
  return false;
}

function isAlwaysUnlocked(rules: readonly UnlockRule[], wall: WallTime): boolean {
  return rules.some(
    (rule) =>
      rule.kind === "auto_unlock" &&
      isInForce(rule, wall) &&
      rule.schedule?.nextChangeAt(wall.at) === undefined,
  );
}

function isInForce({ kind, schedule }: UnlockRule, wall: WallTime): boolean {
  if (schedule === undefined) return kind === "auto_unlock";
  return wall.quality !== "unknown" && schedule.isOpen(wall.at);
}

function withFirstIn(
  place: PosturePlace,
  state: PostureState,
  user: number,
  wall: WallTime,
): PostureState {
  let until = state.firstIn?.until ?? -Infinity;
  for (const rule of place.rules) {
    if (rule.kind !== "first_person_in" || !isInForce(rule, wall) || !rule.isFor(user)) continue;
    until = Math.max(until, rule.schedule?.nextChangeAt(wall.at) ?? epochMsMax);
  }
  if (until === (state.firstIn?.until ?? -Infinity)) return state;
  return { ...state, firstIn: { until: epochMs(until) } };
}

/** When the schedules of this door next say something else about it, taken together. */
function nextUnlockChange(place: PosturePlace, from: EpochMs): EpochMs | undefined {
  const say = (at: EpochMs): UnlockRule["kind"] | undefined => {
    const wall: WallTime = { at, quality: "trusted" };
    if (isAnyOpen(place, "auto_unlock", wall)) return "auto_unlock";
    return isAnyOpen(place, "first_person_in", wall) ? "first_person_in" : undefined;
  };
  const now = say(from);
  return nextDifference(from, (at) => ({
    same: say(at) === now,
    next: nextScheduleChange(place, at),
  }));
}

/** Walks from one possible change to the next until there is one. */
function nextDifference(
  from: EpochMs,
  look: (at: EpochMs) => { readonly same: boolean; readonly next: EpochMs | undefined },
): EpochMs | undefined {
  let { next } = look(from);
  for (let count = 0; next !== undefined && count < silentChangesMax; count += 1) {
    const there = look(next);
    if (!there.same) return next;
    next = there.next;
  }
  return next;
}

function nextScheduleChange({ rules }: PosturePlace, at: EpochMs): EpochMs | undefined {
  let next: EpochMs | undefined;
  for (const { schedule } of rules) next = earliest(next, schedule?.nextChangeAt(at));
  return next;
}

function after(at: EpochMs, instant: EpochMs | undefined): EpochMs | undefined {
  return instant !== undefined && instant > at ? instant : undefined;
}

function withoutOverride({ override: _, ...rest }: PostureState): PostureState {
  return rest;
}

function withoutToggle({ toggledBy: _, ...rest }: PostureState): PostureState {
  return rest;
}

function withoutFirstIn({ firstIn: _, ...rest }: PostureState): PostureState {
  return rest;
}

function withoutWhatPeopleBegan(state: PostureState): PostureState {
  if (state.firstIn === undefined && state.toggledBy === undefined) return state;
  return state.override === undefined ? {} : { override: state.override };
}
