import type { DoorPosture, RuleRecord, TableContent } from "../../../src/domain/access.ts";
import type { PostureCause } from "../../../src/domain/event.ts";
import type { DoorId, PassId, UserId } from "../../../src/domain/ids.ts";
import type { WallTime } from "../../../src/domain/time.ts";
import { nextChange, quarterMs } from "./hours.ts";
import { coversDoor, isRuleOpen } from "./ladder.ts";

/** What people did to one door: an operator, who came in first, who toggled it. */
export interface Doings {
  readonly override?: {
    readonly posture: DoorPosture;
    readonly until?: number;
    /** When it was set, by the clock of then. */
    readonly since?: number;
  };
  readonly firstInUntil?: number;
  readonly toggledBy?: PassId;
}

export interface Posture {
  readonly posture: DoorPosture;
  readonly cause: PostureCause;
}

/** The door as its table has it, and the time as the controller has it. */
export interface Where {
  readonly content: TableContent | undefined;
  readonly door: DoorId;
  readonly wall: WallTime;
}

export function postureOf(where: Where, doings: Doings): Posture {
  const { override } = doings;
  const site = sitePosture(where);
  const isShut = ["lockdown", "disabled"].includes(site);
  const bars = override?.posture === "disabled" || (override?.posture === "locked" && !isShut);
  const isBarring = bars && where.wall.quality === "unknown";
  if (override !== undefined && (isBarring || isStill(where.wall, override.until))) {
    return { posture: override.posture, cause: "operator" };
  }
  if (site !== "locked") return { posture: site, cause: "site" };
  if (isUnlockedBySchedule(where)) return { posture: "unlocked", cause: "schedule" };
  if (isFirstIn(where, doings)) return { posture: "unlocked", cause: "first_person_in" };
  if (doings.toggledBy !== undefined) return { posture: "unlocked", cause: "toggle" };
  return { posture: "locked", cause: "site" };
}

/** What time and the table have ended does not come back. */
export function withoutWhatIsOver(where: Where, doings: Doings): Doings {
  const { override, firstInUntil, toggledBy } = doings;
  const knowsTime = where.wall.quality !== "unknown";
  // A door that the site shuts to everybody does not spring open when that ends.
  const isShut = ["lockdown", "disabled"].includes(sitePosture(where));
  // Under a clock that showed a later time its end was meant for another day.
  const opens = override?.posture === "unlocked" || override?.posture === "free_access";
  const isFarAhead = override?.since !== undefined && where.wall.at + 3_600_000 < override.since;
  const isOfAWrongClock = opens && isFarAhead;
  const isOverrideKept =
    override !== undefined &&
    (!knowsTime || (!isOfAWrongClock && isStill(where.wall, override.until)));
  const isFirstInKept = firstInUntil !== undefined && (!knowsTime || isFirstIn(where, doings));
  return {
    ...(isOverrideKept && { override }),
    ...(isFirstInKept && !isShut && { firstInUntil }),
    ...(toggledBy !== undefined && !isShut && isGood(where, toggledBy) && { toggledBy }),
  };
}

/** Whether those hours in which somebody may be first in were over at any time since `from`. */
export function hasShutSince(where: Where, from: number): boolean {
  const { wall } = where;
  for (let at = Math.ceil(from / quarterMs) * quarterMs; at <= wall.at; at += quarterMs) {
    const then: Where = { ...where, wall: { at: at as WallTime["at"], quality: "trusted" } };
    if (!isAnyFirstInOpen(then)) return true;
  }
  return false;
}

/** A door is not kept unlocked by a pass that was taken away. */
function isGood({ content, wall }: Where, id: PassId): boolean {
  if (content === undefined) return true;
  const pass = content.passes.find((one) => one.id === id);
  const user = content.users.find((one) => one.id === pass?.user);
  if (pass?.active !== true || user?.suspended !== false) return false;
  return wall.quality === "unknown" || pass.endsAt === undefined || wall.at < pass.endsAt;
}

export function withGrant(
  where: Where,
  doings: Doings,
  who: { readonly user: UserId; readonly pass: PassId; readonly toggles: boolean },
): Doings {
  const before = postureOf(where, doings);
  if (before.posture === "lockdown" || before.posture === "disabled") {
    return doings;
  }
  if (who.toggles && before.cause === "toggle" && doings.toggledBy === who.pass) {
    const { toggledBy: _, ...rest } = doings;
    return rest;
  }
  const firstInUntil = firstInEnd(where, doings, who.user);
  const entered = { ...doings, ...(firstInUntil !== undefined && { firstInUntil }) };
  const after = postureOf(where, entered);
  const isToggledOn = who.toggles && after.posture === "locked" && after.cause === "site";
  return { ...entered, ...(isToggledOn && { toggledBy: who.pass }) };
}

/** Lockdown and disabled end what people began here; an all-clear (undefined) ends a toggle. */
export function withOverride(doings: Doings, override: Doings["override"]): Doings {
  const { firstInUntil } = doings;
  if (override === undefined) return firstInUntil === undefined ? {} : { firstInUntil };
  const ends = override.posture === "lockdown" || override.posture === "disabled";
  return ends ? { override } : { ...doings, override };
}

/** When the schedules that unlock this door next say something else of it; undefined: not soon. */
export function nextUnlockChange(where: Where): number | undefined {
  const say = (at: number) => {
    const then: Where = { ...where, wall: { at: at as WallTime["at"], quality: "trusted" } };
    if (isUnlockedBySchedule(then)) return "schedule";
    return isAnyFirstInOpen(then) ? "first_person_in" : "none";
  };
  return nextChange(where.wall.at, say);
}

function sitePosture({ content, door }: Where): DoorPosture {
  return content?.doors.find(({ id }) => id === door)?.posture ?? "locked";
}

function unlockRules(where: Where, kind: RuleRecord["kind"]): readonly RuleRecord[] {
  const { content, door } = where;
  if (!content?.doors.some(({ id }) => id === door)) return [];
  return content.rules.filter((rule) => rule.kind === kind && coversDoor(content, rule, door));
}

function isInForce({ content, wall }: Where, rule: RuleRecord): boolean {
  if (rule.schedule === undefined) return true;
  return wall.quality !== "unknown" && content !== undefined && isRuleOpen(content, rule, wall.at);
}

function isUnlockedBySchedule(where: Where): boolean {
  return unlockRules(where, "auto_unlock").some((rule) => isInForce(where, rule));
}

function isAnyFirstInOpen(where: Where): boolean {
  return unlockRules(where, "first_person_in").some((rule) => isInForce(where, rule));
}

function isFirstIn(where: Where, { firstInUntil }: Doings): boolean {
  return firstInUntil !== undefined && isStill(where.wall, firstInUntil) && isAnyFirstInOpen(where);
}

function firstInEnd(where: Where, { firstInUntil }: Doings, user: UserId): number | undefined {
  let until = firstInUntil;
  for (const rule of unlockRules(where, "first_person_in")) {
    const isFor = rule.users.length === 0 || rule.users.includes(user);
    const { content } = where;
    if (!isFor || content === undefined || !isInForce(where, rule)) continue;
    const end = nextChange(where.wall.at, (at) => isRuleOpen(content, rule, at));
    if (end === undefined) throw new Error("a schedule of this building never shuts");
    until = Math.max(until ?? end, end);
  }
  return until;
}

/** A time that nobody vouches for may be past any other; `undefined` is never reached. */
function isStill(wall: WallTime, until: number | undefined): boolean {
  return until === undefined || (wall.quality !== "unknown" && wall.at < until);
}
