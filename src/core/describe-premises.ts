import type { AreaRecord, DoorPosture } from "../domain/access.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Posture } from "./posture.ts";
import {
  comesTwice,
  companionOf,
  hasEscort,
  isManager,
  passbackViolation,
  whereaboutsOf,
} from "./premises-checks.ts";
import type { Subject } from "./subject.ts";
import { tellDuration, tellInstant, userOf } from "./subject-words.ts";

const postureWords: Readonly<Record<DoorPosture, string>> = {
  disabled: "disabled",
  locked: "locked",
  unlocked: "unlocked",
  free_access: "free to every valid pass",
  lockdown: "in lockdown",
};

export function describePosture(subject: Subject): string {
  const { posture, request, table, pass } = subject;
  if (posture === undefined) return `The table has no door ${request.door}.`;
  const stands = `Door ${request.door} is ${postureWords[posture.posture]}`;
  const why = describeCause(subject, posture);
  if (posture.posture !== "lockdown" || pass < 0) return `${stands}, ${why}.`;
  const isThrough = table.passes.hasTrait(pass, "pass_through");
  return `${stands}, ${why}; pass ${table.passes.id(pass)} is ${isThrough ? "" : "not "}pass-through.`;
}

function describeCause({ table, request }: Subject, { cause }: Posture): string {
  const { override, firstIn, toggledBy } = request.premises.postureState(request.door);
  switch (cause) {
    case "operator":
      return override?.until === undefined
        ? "by an operator's word until it is cleared"
        : `by an operator's word until ${tellInstant(table, override.until)}`;
    case "site":
      return "as its site has it";
    case "schedule":
      return "by a schedule";
    case "first_person_in":
      return firstIn === undefined
        ? "since somebody came in first"
        : `since somebody came in first, until ${tellInstant(table, firstIn.until)}`;
    case "toggle":
      return `by toggle pass ${toggledBy}`;
    default:
      return unreachable(cause);
  }
}

export function describeTamper({ settings, request: { premises, reader } }: Subject): string {
  const what = reader === undefined ? "The enclosure" : `Reader ${reader} or the enclosure`;
  if (!premises.isTampered(reader)) {
    return reader === undefined
      ? "The enclosure is not tampered with."
      : `Neither reader ${reader} nor the enclosure is tampered with.`;
  }
  const says = settings?.tamper === "go_on" ? "go on" : "deny";
  return `${what} is being tampered with, and then the door says: ${says}.`;
}

export function describePassback(subject: Subject): string {
  const { crossing, table, user, request } = subject;
  if (crossing === undefined) return "No area of this door minds who is where.";
  const way = `From ${tellArea(crossing.from)} to ${tellArea(crossing.to)}`;
  if (table.hasTrait(user, "passback_exempt")) return `${way}; user ${userOf(subject)} is exempt.`;
  const soft = passbackViolation(subject) === "soft" ? ", which is reported and not denied" : "";
  if (comesTwice(subject)) {
    return `${way}; user ${userOf(subject)} was let in by another door just now${soft}.`;
  }
  const recorded = whereaboutsOf(subject);
  if (recorded === undefined) return `${way}; it is not recorded where user ${userOf(subject)} is.`;
  const where = recorded.area === undefined ? "outside of every area" : `in ${recorded.area}`;
  const since = tellDuration(request.now - recorded.since);
  return `${way}; user ${userOf(subject)} is recorded ${where} for ${since}${soft}.`;
}

function tellArea(area: AreaRecord | undefined): string {
  if (area === undefined) return "outside";
  const forgiven =
    area.passbackMs === undefined ? "" : `, forgiven after ${tellDuration(area.passbackMs)}`;
  return `area ${area.id} (anti-passback: ${area.passback}${forgiven})`;
}

export function describeInterlock({ settings, request: { premises } }: Subject): string {
  const doors = settings?.interlock ?? [];
  if (doors.length === 0) return "The door is in no interlock.";
  const states = doors.map((door) => `door ${door} is ${premises.isShut(door) ? "" : "not "}shut`);
  return `Of the interlock, ${states.join(", ")}.`;
}

export function describeTwoPerson(subject: Subject): string {
  const { settings, direction, waiting } = subject;
  if (settings?.twoPerson !== "required") return "The door asks for one person.";
  if (direction === "leaving") return "The door asks nobody who leaves for a second person.";
  const asks = "The door asks for two persons";
  if (waiting === undefined) return `${asks}; nobody waits.`;
  if (waiting.subject.pass < 0) return `${asks}; who waits has no pass.`;
  if (waiting.subject.user === subject.user) return `${asks}; the same one waits.`;
  const name = `user ${userOf(waiting.subject)}`;
  if (companionOf(subject) !== undefined) return `${asks}; ${name} waits.`;
  return `${asks}; ${name} waits and would not be admitted, ${waiting.verdict}.`;
}

export function describeEscort(subject: Subject): string {
  const { table, user, direction } = subject;
  const name = `User ${userOf(subject)}`;
  if (!table.hasTrait(user, "needs_escort")) return `${name} needs no escort.`;
  if (direction === "leaving") return `${name} needs no escort to leave.`;
  const state = hasEscort(subject) ? "has one" : "has none yet";
  return `${name} needs an escort and ${state}.`;
}

export function describeOccupancy(subject: Subject): string {
  const area = subject.crossing?.to;
  if (area?.occupancyMax === undefined) return "Nothing limits how many are where this leads.";
  const inside = subject.request.premises.occupancy(area.id);
  const who = companionOf(subject) === undefined ? "one person" : "two persons";
  return `Area ${area.id} holds ${inside} of at most ${area.occupancyMax}; ${who} would enter.`;
}

export function describeManager(subject: Subject): string {
  const area = subject.crossing?.to;
  if (area?.managerIn !== "required") return "No manager needs to be where this leads.";
  const asks = `Area ${area.id} asks for a manager inside`;
  if (isManager(subject)) return `${asks}; user ${userOf(subject)} is one.`;
  const count = subject.request.premises.managerCount(area.id);
  const companion = companionOf(subject);
  const comes = companion !== undefined && isManager(companion) ? ", and one comes along" : "";
  return `${asks}; ${count} are recorded there${comes}.`;
}
