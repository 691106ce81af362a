import type { AreaRecord } from "../domain/access.ts";
import type { AreaId } from "../domain/ids.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Whereabouts } from "./premises.ts";
import type { Subject, Verdict } from "./subject.ts";

/** How bad it is that somebody is recorded elsewhere than where he was presented. */
export type PassbackViolation = "none" | "soft" | "timed" | "hard";

export function judgePassback(subject: Subject): Verdict {
  const violation = passbackViolation(subject);
  switch (violation) {
    case "none":
    case "soft":
      return "passed";
    case "timed":
      return "passback_timed";
    case "hard":
      return "passback";
    default:
      return unreachable(violation);
  }
}

/** The worse of what the area that is left and the area that is entered make of it. */
export function passbackViolation(subject: Subject): PassbackViolation {
  const { crossing } = subject;
  if (crossing === undefined) return "none";
  const { from, to } = crossing;
  if (passbackOf(from) === "none" && passbackOf(to) === "none") return "none";
  if (subject.table.hasTrait(subject.user, "passback_exempt")) return "none";
  const recorded = whereaboutsOf(subject);
  const { now } = subject.request;
  const entering = comesTwice(subject) ? passbackOf(to) : violationOfEntering(to, recorded, now);
  if (entering === "hard") return "hard";
  const leaving = violationOfLeaving(from, recorded, now);
  if (leaving === "hard" || entering === "none") return leaving;
  return entering;
}

/**
 * Where somebody is thought to be who is presented here, or undefined for no area: he who was let in
 * by another door is as good as inside, so that one card does not let two persons in by two doors.
 */
export function presumedArea(subject: Subject): AreaId | undefined {
  return comesTwice(subject) ? subject.crossing?.to?.id : whereaboutsOf(subject)?.area;
}

/**
 * Whether he was let into an area that minds by another door, and is not through it yet. At the same
 * door it is the same way in: who hesitates shows his card again.
 */
export function comesTwice({ crossing, table, request, pass }: Subject): boolean {
  const to = crossing?.to;
  if (to === undefined || to.passback === "none") return false;
  return request.premises.isComing(table.passes.userId(pass), to.id, request.door);
}

/** By name and so not for nothing: asked only where an area has a rule about it. */
export function whereaboutsOf({ table, request, pass }: Subject): Whereabouts | undefined {
  return request.premises.whereabouts(table.passes.userId(pass));
}

function passbackOf(area: AreaRecord | undefined): PassbackViolation {
  return area === undefined ? "none" : area.passback;
}

function violationOfEntering(
  area: AreaRecord | undefined,
  recorded: Whereabouts | undefined,
  now: MonotonicMs,
): PassbackViolation {
  if (area === undefined || recorded === undefined || recorded.area !== area.id) return "none";
  return isForgiven(area, recorded, now) ? "none" : area.passback;
}

function violationOfLeaving(
  area: AreaRecord | undefined,
  recorded: Whereabouts | undefined,
  now: MonotonicMs,
): PassbackViolation {
  if (area === undefined || recorded === undefined || recorded.area === area.id) return "none";
  // Timed anti-passback has nothing to say of who leaves.
  if (area.passback === "timed") return "none";
  return isForgiven(area, recorded, now) ? "none" : area.passback;
}

function isForgiven(
  { passbackMs = Infinity }: AreaRecord,
  { since }: Whereabouts,
  now: MonotonicMs,
): boolean {
  return now - since >= passbackMs;
}

export function judgeInterlock({ settings, request: { premises } }: Subject): Verdict {
  for (const door of settings?.interlock ?? []) {
    if (!premises.isShut(door)) return "interlock";
  }
  return "passed";
}

/** Who leaves needs no company. */
export function judgeTwoPerson(subject: Subject): Verdict {
  const { settings, waiting, direction } = subject;
  if (settings?.twoPerson !== "required" || direction === "leaving") return "passed";
  if (waiting?.subject.user === subject.user) return "same_person_twice";
  return companionOf(subject) === undefined ? "second_person_required" : "passed";
}

export function judgeEscort(subject: Subject): Verdict {
  const { table, user, direction } = subject;
  if (direction === "leaving" || !table.hasTrait(user, "needs_escort")) return "passed";
  return hasEscort(subject) ? "passed" : "escort_required";
}

/** One who went in just now, or the other of the two on a door of two persons. */
export function hasEscort(subject: Subject): boolean {
  if (subject.request.company?.isEscorted === true) return true;
  const companion = companionOf(subject);
  return companion !== undefined && mayEscort(companion);
}

/**
 * Who waited and comes in together with the presenter, if he is granted: on a door of two persons the
 * other one, elsewhere a visitor whom the presenter may escort. Either must still be admitted but for
 * the company; what is left to judge then, room and manager, is judged of both at once.
 */
export function companionOf(subject: Subject): Subject | undefined {
  const { waiting, settings, direction, table, request } = subject;
  if (waiting === undefined || direction === "leaving") return undefined;
  const other = waiting.subject;
  const areTwo = settings?.twoPerson === "required";
  const lacked = areTwo ? "second_person_required" : "escort_required";
  if (waiting.verdict !== lacked || other.user === subject.user) return undefined;
  // Two of whom one would be left standing outside are not two.
  const isEscorted = mayEscort(subject) || (areTwo && request.company?.isEscorted === true);
  return isEscorted || !table.hasTrait(other.user, "needs_escort") ? other : undefined;
}

/** Somebody who needs an escort is none, whatever else he may be. */
export function mayEscort({ table, user }: Subject): boolean {
  return table.hasTrait(user, "may_escort") && !table.hasTrait(user, "needs_escort");
}

export function judgeOccupancy(subject: Subject): Verdict {
  const area = subject.crossing?.to;
  if (area?.occupancyMax === undefined) return "passed";
  const companion = companionOf(subject);
  const inside = subject.request.premises.occupancy(area.id);
  // Mostly there is room whoever they are, and nobody's name needs to be asked about.
  if (inside + (companion === undefined ? 1 : 2) <= area.occupancyMax) return "passed";
  // Who is recorded inside, or is on his way in, and comes in once more makes them no more.
  const more = entrantCount(subject, area) + (companion ? entrantCount(companion, area) : 0);
  return more === 0 || inside + more <= area.occupancyMax ? "passed" : "area_full";
}

function entrantCount(subject: Subject, area: AreaRecord): 0 | 1 {
  if (whereaboutsOf(subject)?.area === area.id) return 0;
  const { table, request, pass } = subject;
  return request.premises.isComing(table.passes.userId(pass), area.id) ? 0 : 1;
}

export function judgeManager(subject: Subject): Verdict {
  const area = subject.crossing?.to;
  if (area?.managerIn !== "required" || isManager(subject)) return "passed";
  if (subject.request.premises.managerCount(area.id) > 0) return "passed";
  const companion = companionOf(subject);
  return companion !== undefined && isManager(companion) ? "passed" : "manager_not_in";
}

export function isManager({ table, user }: Subject): boolean {
  return table.hasTrait(user, "manager");
}
