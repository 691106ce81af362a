import { Temporal } from "temporal-polyfill";
import type { UserId } from "../domain/ids.ts";
import { reasonSentences } from "../domain/reason.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import { type Decision, decisionOn, isMissing } from "./authorize.ts";
import {
  type AccessRequest,
  type CheckName,
  checks,
  lookUp,
  noTable,
  type Subject,
  type Verdict,
} from "./checks.ts";

/** One check of the ladder. `saw` and `remedy` are sentences for people: not to be matched on. */
export interface Rung {
  readonly check: CheckName;
  /** `waiting`: for the PIN after the card. `not_reached`: an earlier check decided. */
  readonly verdict: "passed" | "failed" | "waiting" | "not_reached";
  readonly saw: string;
  /** What would have to change for this check to pass. */
  readonly remedy?: string;
}

export interface Explanation {
  readonly decision: Decision;
  readonly ladder: readonly Rung[];
}

/** More rules than this are counted and not named. */
const namedRulesMax = 8;

/**
 * What `authorize` says of the same request, check by check, with what each check saw. Passes, users
 * and rules are named; a card's raw data and a PIN's digest are not.
 */
export function explain(table: AccessTable | undefined, request: AccessRequest): Explanation {
  const subject = lookUp(table, request);
  let deciding: Verdict = "passed";
  const ladder = checks.map(({ name, judge }): Rung => {
    if (deciding !== "passed") {
      return { check: name, verdict: "not_reached", saw: "An earlier check decided." };
    }
    const verdict = judge(subject);
    const saw = describe(subject, name);
    if (verdict === "passed") return { check: name, verdict: "passed", saw };
    deciding = verdict;
    const concerned = name === "factors" ? secondPass(subject) : subject.pass;
    return {
      check: name,
      verdict: isMissing(verdict) ? "waiting" : "failed",
      saw,
      remedy: remedyOf(subject, verdict, concerned),
    };
  });
  return { decision: decisionOn(subject, deciding), ladder };
}

function describe(subject: Subject, check: CheckName): string {
  const { table, request, pass, user } = subject;
  switch (check) {
    case "table":
      return describeTable(subject);
    case "door":
      return subject.door < 0
        ? `The table has no door ${request.door}.`
        : `The table has door ${request.door}.`;
    case "credential":
      return describeCredential(subject);
    case "pass_active":
      return `Pass ${table.passes.id(pass)} is ${table.passes.isActive(pass) ? "" : "not "}active.`;
    case "user_active":
      return `User ${userOf(subject)} is ${table.isSuspended(user) ? "" : "not "}suspended.`;
    case "clock":
      return describeClock(subject);
    case "start": {
      const startsAt = table.passes.startsAt(pass);
      const start = startsAt === -Infinity ? "has no start" : `starts at ${told(table, startsAt)}`;
      return `Pass ${table.passes.id(pass)} ${start}. ${describeNow(subject)}`;
    }
    case "end": {
      const endsAt = table.passes.endsAt(pass);
      const end = endsAt === Infinity ? "has no end" : `ends at ${told(table, endsAt)}`;
      return `Pass ${table.passes.id(pass)} ${end}. ${describeNow(subject)}`;
    }
    case "access":
      return describeAccess(subject);
    case "schedule":
      return describeSchedules(subject);
    case "factors":
      return describeFactors(subject);
    case "posture":
    case "tamper":
    case "uses":
    case "passback":
    case "interlock":
    case "two_person":
    case "escort":
    case "occupancy":
    case "manager":
      return "Checked.";
    default:
      return unreachable(check);
  }
}

function describeTable({ table, request }: Subject): string {
  if (table === noTable) return "There is no table.";
  const { epoch, version } = table.version;
  const age = request.wall.quality === "unknown" ? "" : ageOf(request.wall.at - table.compiledAt);
  return `Table ${epoch}.${version} has ${table.credentialCount} passes${age}.`;
}

function ageOf(ageMs: number): string {
  const hours = Math.max(0, Math.floor(ageMs / 3_600_000));
  return hours < 48 ? ` and is ${hours} hours old` : ` and is ${Math.floor(hours / 24)} days old`;
}

function describeCredential({ table, request: { presented }, pass }: Subject): string {
  const bitCount = presented.card?.split(":", 1)[0];
  const what = bitCount === undefined ? "the PIN" : `the card of ${bitCount} bits`;
  if (pass < 0) return `No pass has ${what}.`;
  return `Pass ${table.passes.id(pass)} of user ${table.passes.userId(pass)} has ${what}.`;
}

function describeClock(subject: Subject): string {
  const { table, request, pass, settings } = subject;
  const isLimited =
    table.passes.startsAt(pass) !== -Infinity || table.passes.endsAt(pass) !== Infinity;
  const limits = `The pass is ${isLimited ? "" : "not "}limited in time`;
  if (request.wall.quality !== "unknown") {
    return `${limits}, and the time is known (${request.wall.quality}).`;
  }
  return `${limits}, the time is not known, and then the door says: ${settings?.clockUnknown}.`;
}

function describeNow({ table, request: { wall } }: Subject): string {
  return wall.quality === "unknown"
    ? "The time is not known and was not counted."
    : `It is ${told(table, wall.at)}.`;
}

function describeAccess(subject: Subject): string {
  const { table, user, request } = subject;
  const ruleCount = table.rules.endPlace(user) - table.rules.firstPlace(user);
  const covering = rulesHere(subject);
  const names = covering.slice(0, namedRulesMax).map((rule) => table.rules.id(rule));
  const more = covering.length > names.length ? ` and ${covering.length - names.length} more` : "";
  const which = names.length === 0 ? "none of them" : `${names.join(", ")}${more}`;
  return `User ${userOf(subject)} is in ${ruleCount} rules; door ${request.door} is in ${which}.`;
}

function describeSchedules(subject: Subject): string {
  const { table, request } = subject;
  const covering = rulesHere(subject);
  const clauses = covering.slice(0, namedRulesMax).map((rule) => {
    const number = table.rules.schedule(rule);
    if (number < 0) return `rule ${table.rules.id(rule)} is always in force`;
    const { id, compiled } = table.schedule(number);
    const state =
      request.wall.quality === "unknown"
        ? "of which the state is not known"
        : `which is ${compiled.isOpen(request.wall.at) ? "open" : "closed"}`;
    return `rule ${table.rules.id(rule)} follows schedule ${id}, ${state}`;
  });
  if (covering.length > clauses.length) clauses.push(`${covering.length - clauses.length} more`);
  return `For this door, ${clauses.join("; ")}. ${describeNow(subject)}`;
}

function describeFactors(subject: Subject): string {
  const { settings, table, request } = subject;
  const asks = {
    card: "The door asks for a card",
    card_or_pin: "The door asks for a card or a PIN",
    card_and_pin: "The door asks for a card and a PIN",
  }[settings?.factors ?? "card_and_pin"];
  const { card, pin } = request.presented;
  if (card === undefined) return `${asks}; a PIN was presented.`;
  if (pin === undefined) return `${asks}; a card was presented.`;
  const shown = `${asks}; a card and a PIN were presented`;
  if (settings?.factors !== "card_and_pin") return `${shown}, of which the card decides.`;
  const second = secondPass(subject);
  if (second < 0) return `${shown}; no pass has the PIN.`;
  if (table.passes.user(second) !== subject.user) return `${shown}; the PIN is another user's.`;
  return `${shown}; the PIN is pass ${table.passes.id(second)}.`;
}

function remedyOf(subject: Subject, verdict: Exclude<Verdict, "passed">, pass: number): string {
  const { table, request } = subject;
  switch (verdict) {
    case "no_table":
      return "Connect the controller to its site until a table has arrived.";
    case "door_unknown":
      return `Add door ${request.door} to the site's doors of this controller.`;
    case "unknown_credential":
      return "Issue a pass that presents exactly this.";
    case "pass_inactive":
      return `Activate pass ${table.passes.id(pass)}.`;
    case "user_suspended":
      return `Unsuspend user ${userOf(subject)}.`;
    case "clock_unknown":
      return "Give the controller the time, or let the door allow while the time is not known.";
    case "not_yet_valid":
      return `Wait until ${told(table, table.passes.startsAt(pass))}, or start the pass earlier.`;
    case "expired":
      return `Extend pass ${table.passes.id(pass)}, or issue another.`;
    case "no_access":
      return `Add user ${userOf(subject)} and door ${request.door} to one rule.`;
    case "outside_schedule":
      return remedyOfSchedules(subject);
    case "pin_alone_not_allowed":
      return "Present a card, or let this door open to a card or a PIN.";
    case "pin_required":
      return "Enter the user's PIN now.";
    case "wrong_pin":
      return `Enter the PIN of user ${userOf(subject)}, or issue them one.`;
    case "pin_of_another_user":
      return `Enter the PIN of user ${userOf(subject)}, whose card it is.`;
    case "door_disabled":
    case "lockdown":
    case "tampered":
    case "over_limit":
    case "passback":
    case "passback_timed":
    case "interlock":
    case "same_person_twice":
    case "area_full":
    case "manager_not_in":
    case "second_person_required":
    case "escort_required":
      return isMissing(verdict) ? "Somebody else must be presented too." : reasonSentences[verdict];
    default:
      return unreachable(verdict);
  }
}

function remedyOfSchedules(subject: Subject): string {
  const { table, request } = subject;
  let opensAt = Infinity;
  for (const rule of rulesHere(subject)) {
    // Each of them is closed, or the check would have passed; so the next change is an opening.
    const { compiled } = table.schedule(table.rules.schedule(rule));
    opensAt = Math.min(opensAt, compiled.nextChangeAt(request.wall.at) ?? Infinity);
  }
  const widen = "widen a schedule of these rules";
  if (opensAt === Infinity) return `None of the schedules ever opens: ${widen}.`;
  return `Wait until ${told(table, epochMs(opensAt))}, or ${widen}.`;
}

/** The rules that give this user this door, whenever that is. */
function rulesHere({ table: { rules }, user, door }: Subject): readonly number[] {
  const here: number[] = [];
  for (let place = rules.firstPlace(user); place < rules.endPlace(user); place += 1) {
    const rule = rules.ruleAt(place);
    if (rules.covers(rule, door)) here.push(rule);
  }
  return here;
}

function userOf({ table, pass }: Subject): UserId {
  return table.passes.userId(pass);
}

/** The pass of a PIN after a card, or -1. */
function secondPass({ table, request: { presented } }: Subject): number {
  return presented.pin === undefined ? -1 : table.passes.findPin(presented.pin);
}

function told(table: AccessTable, at: EpochMs): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(at))
    .toZonedDateTimeISO(table.zone)
    .toString({ smallestUnit: "second", timeZoneName: "never" });
}
