import type { DoorSettings } from "../domain/access.ts";
import type { PinDigest } from "../domain/credential.ts";
import { controllerId, type DoorId, type ReaderId, siteId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import { epochMs, type MonotonicMs, type WallTime } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { type AccessTable, buildAccessTable } from "./access-table/access-table.ts";
import type { Premises } from "./premises.ts";
import type { Presented } from "./presented.ts";

/** One presentation at one door at one moment. */
export interface AccessRequest {
  readonly door: DoorId;
  /** Absent: no exit reader, and only the controller's own enclosure may be tampered with. */
  readonly reader?: ReaderId;
  readonly presented: Presented;
  readonly wall: WallTime;
  /** On the clock of `premises`. */
  readonly now: MonotonicMs;
  readonly premises: Premises;
  /** Absent: nobody but the presenter is there. */
  readonly company?: Company;
}

/** Who is at the door beside the presenter. */
export interface Company {
  /** Who was presented before and waits for a second person or an escort. */
  readonly waiting?: Presented;
  /** Somebody who may escort the presenter is known to come along. */
  readonly isEscorted: boolean;
}

/** A request with what the table has about it: door, pass and user by number, -1 for none. */
export interface Subject {
  readonly table: AccessTable;
  readonly request: AccessRequest;
  readonly door: number;
  readonly settings: DoorSettings | undefined;
  readonly pass: number;
  readonly user: number;
}

/** The reasons that these checks give; the others are given by the machines before them. */
export type CheckedReason = Extract<
  DenialReason,
  | "no_table"
  | "door_unknown"
  | "door_disabled"
  | "lockdown"
  | "tampered"
  | "unknown_credential"
  | "pass_inactive"
  | "user_suspended"
  | "clock_unknown"
  | "not_yet_valid"
  | "expired"
  | "over_limit"
  | "no_access"
  | "outside_schedule"
  | "pin_alone_not_allowed"
  | "wrong_pin"
  | "pin_of_another_user"
  | "passback"
  | "passback_timed"
  | "interlock"
  | "same_person_twice"
  | "area_full"
  | "manager_not_in"
>;

/** What is missing where everything so far was good: it is asked for, and nobody is denied yet. */
export type Missing = "pin_required" | "second_person_required" | "escort_required";

export type Verdict = "passed" | Missing | CheckedReason;

export type CheckName =
  | "table"
  | "door"
  | "posture"
  | "tamper"
  | "credential"
  | "pass_active"
  | "user_active"
  | "clock"
  | "start"
  | "end"
  | "uses"
  | "access"
  | "schedule"
  | "factors"
  | "passback"
  | "interlock"
  | "two_person"
  | "escort"
  | "occupancy"
  | "manager";

export interface Check {
  readonly name: CheckName;
  /** Pure. Asked only when every check before it has passed. */
  readonly judge: (subject: Subject) => Verdict;
}

/**
 * The order of checks, which is the contract of behaviours 5: the first that does not pass gives the
 * reason. Whoever decides or explains walks this list and no other.
 */
export const checks: readonly Check[] = [
  { name: "table", judge: ({ table }) => (table === noTable ? "no_table" : "passed") },
  { name: "door", judge: ({ door }) => (door < 0 ? "door_unknown" : "passed") },
  { name: "credential", judge: ({ pass }) => (pass < 0 ? "unknown_credential" : "passed") },
  { name: "pass_active", judge: (subject) => judgeActive(subject, subject.pass) },
  { name: "user_active", judge: judgeUser },
  { name: "clock", judge: (subject) => judgeClock(subject, subject.pass) },
  { name: "start", judge: (subject) => judgeStart(subject, subject.pass) },
  { name: "end", judge: (subject) => judgeEnd(subject, subject.pass) },
  { name: "access", judge: judgeAccess },
  { name: "schedule", judge: judgeSchedule },
  { name: "factors", judge: judgeFactors },
];

/** Stands in where there is no table yet: it has no door and no pass. */
export const noTable: AccessTable = buildAccessTable(
  {
    site: siteId("none"),
    controller: controllerId("none"),
    table: { epoch: 0, version: 0 },
    compiledAt: epochMs(0),
    zone: "UTC",
    calendar: [],
    zones: [],
    areas: [],
    doors: [],
    users: [],
    passes: [],
    rules: [],
    schedules: [],
  },
  [0, 0],
);

export function lookUp(table: AccessTable | undefined, request: AccessRequest): Subject {
  const consulted = table ?? noTable;
  const { presented } = request;
  const pass = passOf(consulted, presented);
  const door = consulted.doorNumber(request.door);
  return {
    table: consulted,
    request,
    door,
    settings: consulted.doors[door],
    pass,
    user: pass < 0 ? -1 : consulted.passes.user(pass),
  };
}

function passOf({ passes }: AccessTable, presented: Presented): number {
  if (presented.card !== undefined) return passes.findCard(presented.card);
  if (presented.pass !== undefined) return passes.numberOf(presented.pass);
  return passes.findPin(presented.pin);
}

/** A PIN that no card came before. */
export function isPinAlone({ table, request: { presented }, pass }: Subject): boolean {
  if (presented.card !== undefined) return false;
  return presented.pass === undefined || table.passes.kind(pass) === "pin";
}

function judgeActive({ table }: Subject, pass: number): Verdict {
  return table.passes.isActive(pass) ? "passed" : "pass_inactive";
}

function judgeUser({ table, user }: Subject): Verdict {
  return table.isSuspended(user) ? "user_suspended" : "passed";
}

function judgeClock(subject: Subject, pass: number): Verdict {
  const { passes } = subject.table;
  const isLimited = passes.startsAt(pass) !== -Infinity || passes.endsAt(pass) !== Infinity;
  return isLimited && trustInTime(subject) === "deny" ? "clock_unknown" : "passed";
}

function judgeStart(subject: Subject, pass: number): Verdict {
  if (trustInTime(subject) !== "known") return "passed";
  return subject.request.wall.at < subject.table.passes.startsAt(pass) ? "not_yet_valid" : "passed";
}

/** A pass opens up to its end, not at it. */
function judgeEnd(subject: Subject, pass: number): Verdict {
  if (trustInTime(subject) !== "known") return "passed";
  return subject.request.wall.at < subject.table.passes.endsAt(pass) ? "passed" : "expired";
}

function judgeAccess({ table: { rules }, user, door }: Subject): Verdict {
  const end = rules.endPlace(user);
  for (let place = rules.firstPlace(user); place < end; place += 1) {
    if (rules.covers(rules.ruleAt(place), door)) return "passed";
  }
  return "no_access";
}

function judgeSchedule(subject: Subject): Verdict {
  const { table, user, door, request } = subject;
  const { rules } = table;
  const time = trustInTime(subject);
  const end = rules.endPlace(user);
  for (let place = rules.firstPlace(user); place < end; place += 1) {
    const rule = rules.ruleAt(place);
    if (!rules.covers(rule, door)) continue;
    const schedule = rules.schedule(rule);
    if (schedule < 0 || time === "allow") return "passed";
    if (time === "known" && table.schedule(schedule).compiled.isOpen(request.wall.at)) {
      return "passed";
    }
  }
  return time === "known" ? "outside_schedule" : "clock_unknown";
}

function judgeFactors(subject: Subject): Verdict {
  const { settings } = subject;
  const { pin } = subject.request.presented;
  // A door with no settings is one that the table lacks.
  if (settings === undefined) return "door_unknown";
  switch (settings.factors) {
    case "card_or_pin":
      return "passed";
    case "card":
      return isPinAlone(subject) ? "pin_alone_not_allowed" : "passed";
    case "card_and_pin":
      if (isPinAlone(subject)) return "pin_alone_not_allowed";
      return pin === undefined ? "pin_required" : judgePin(subject, pin);
    default:
      return unreachable(settings.factors);
  }
}

/** The PIN is a pass of its own: one that was taken away or has ended completes nothing. */
function judgePin(subject: Subject, pin: PinDigest): Verdict {
  const { passes } = subject.table;
  const pass = passes.findPin(pin);
  if (pass < 0) return "wrong_pin";
  if (passes.user(pass) !== subject.user) return "pin_of_another_user";
  for (const judge of [judgeActive, judgeClock, judgeStart, judgeEnd]) {
    const verdict = judge(subject, pass);
    if (verdict !== "passed") return verdict;
  }
  return "passed";
}

/** What the time counts for at this door; a time nobody vouches for as the door says. */
function trustInTime({ request, settings }: Subject): "known" | "deny" | "allow" {
  if (request.wall.quality !== "unknown") return "known";
  return settings?.clockUnknown ?? "deny";
}
