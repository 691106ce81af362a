import { controllerId, siteId } from "../domain/ids.ts";
import { epochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { type AccessTable, buildAccessTable } from "./access-table/access-table.ts";
import {
  judgeAccess,
  judgeActive,
  judgeClock,
  judgeEnd,
  judgeFactors,
  judgeSchedule,
  judgeStart,
  judgeUser,
  judgeUses,
  usesOf,
} from "./pass-checks.ts";
import { type Posture, postureAt } from "./posture.ts";
import {
  judgeEscort,
  judgeInterlock,
  judgeManager,
  judgeOccupancy,
  judgePassback,
  judgeTwoPerson,
} from "./premises-checks.ts";
import type { Presented } from "./presented.ts";
import { type AccessRequest, isPinSecond, type Subject, type Verdict } from "./subject.ts";

export type {
  AccessRequest,
  CheckedReason,
  Company,
  Missing,
  Subject,
  Verdict,
} from "./subject.ts";

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
  { name: "posture", judge: judgePosture },
  { name: "tamper", judge: judgeTamper },
  { name: "credential", judge: ({ pass }) => (pass < 0 ? "unknown_credential" : "passed") },
  { name: "pass_active", judge: (subject) => judgeActive(subject, subject.pass) },
  { name: "user_active", judge: judgeUser },
  { name: "clock", judge: (subject) => judgeClock(subject, subject.pass) },
  { name: "start", judge: (subject) => judgeStart(subject, subject.pass) },
  { name: "end", judge: (subject) => judgeEnd(subject, subject.pass) },
  { name: "uses", judge: judgeUses },
  { name: "access", judge: judgeAccess },
  { name: "schedule", judge: judgeSchedule },
  { name: "factors", judge: judgeFactors },
  { name: "passback", judge: judgePassback },
  { name: "interlock", judge: judgeInterlock },
  { name: "two_person", judge: judgeTwoPerson },
  { name: "escort", judge: judgeEscort },
  { name: "occupancy", judge: judgeOccupancy },
  { name: "manager", judge: judgeManager },
];

/** What the first check that does not pass says, or `passed`. */
export function judge(subject: Subject): Verdict {
  for (const check of checks) {
    const verdict = check.judge(subject);
    if (verdict !== "passed") return verdict;
  }
  return "passed";
}

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
  const door = consulted.doorNumber(request.door);
  const settings = consulted.doors[door];
  const { reader } = request;
  const isExit = reader !== undefined && settings?.exitReaders.includes(reader) === true;
  const direction = isExit ? "leaving" : "entering";
  const pass = passOf(consulted, request.presented);
  return {
    table: consulted,
    request,
    door,
    settings,
    posture: postureOf(consulted, door, request),
    direction,
    crossing: consulted.crossings(door)?.[direction],
    pass,
    user: pass < 0 ? -1 : consulted.passes.user(pass),
    second: secondOf(consulted, request.presented),
    uses: usesOf(consulted, request.premises, pass),
    waiting: waitingOf(table, request),
  };
}

function passOf({ passes }: AccessTable, presented: Presented): number {
  if (presented.card !== undefined) return passes.findCard(presented.card);
  if (presented.pass !== undefined) return passes.numberOf(presented.pass);
  return passes.findPin(presented.pin);
}

function secondOf({ passes }: AccessTable, presented: Presented): number {
  const { pin } = presented;
  return pin !== undefined && isPinSecond(presented) ? passes.findPin(pin) : -1;
}

function postureOf(
  table: AccessTable,
  door: number,
  { premises, wall, door: id }: AccessRequest,
): Posture | undefined {
  const place = table.posturePlace(door);
  return place === undefined ? undefined : postureAt(place, premises.postureState(id), wall);
}

function waitingOf(table: AccessTable | undefined, request: AccessRequest): Subject["waiting"] {
  const presented = request.company?.waiting;
  if (presented === undefined) return undefined;
  const { company: _, ...alone } = request;
  const subject = lookUp(table, { ...alone, presented });
  return { subject, verdict: judge(subject) };
}

/** An unknown card is no news in lockdown, and says nothing about which cards are known. */
function judgePosture({ posture, table, pass }: Subject): Verdict {
  if (posture === undefined) return "door_unknown";
  switch (posture.posture) {
    case "disabled":
      return "door_disabled";
    case "lockdown":
      return pass >= 0 && table.passes.hasTrait(pass, "pass_through") ? "passed" : "lockdown";
    case "locked":
    case "unlocked":
    case "free_access":
      return "passed";
    default:
      return unreachable(posture.posture);
  }
}

function judgeTamper({ settings, request: { premises, reader } }: Subject): Verdict {
  return settings?.tamper === "deny" && premises.isTampered(reader) ? "tampered" : "passed";
}
