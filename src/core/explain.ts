import { unreachable } from "../domain/unreachable.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import { askAside } from "./ask-aside.ts";
import { type Decision, decisionOn, isMissing } from "./authorize.ts";
import {
  type AccessRequest,
  type CheckName,
  checks,
  lookUp,
  type Subject,
  type Verdict,
} from "./checks.ts";
import {
  describeAccess,
  describeClock,
  describeCredential,
  describeEnd,
  describeFactors,
  describeSchedules,
  describeStart,
  describeTable,
  describeUses,
} from "./describe-pass.ts";
import {
  describeEscort,
  describeInterlock,
  describeManager,
  describeOccupancy,
  describePassback,
  describePosture,
  describeTamper,
  describeTwoPerson,
} from "./describe-premises.ts";
import { remedyOf } from "./remedy.ts";
import { userOf } from "./subject-words.ts";

/** One check of the ladder. `saw` and `remedy` are sentences for people: not to be matched on. */
export interface Rung {
  readonly check: CheckName;
  /** `waiting`: for a PIN after the card, or for company. `not_reached`: an earlier check decided. */
  readonly verdict: "passed" | "failed" | "waiting" | "not_reached";
  readonly saw: string;
  /** What would have to change for this check to pass. */
  readonly remedy?: string;
}

export interface Explanation {
  readonly decision: Decision;
  readonly ladder: readonly Rung[];
}

/**
 * What `authorize` says of the same request, check by check, with what each check saw. Passes, users
 * and rules are named; a card's raw data and a PIN's digest are not.
 */
export function explain(table: AccessTable | undefined, request: AccessRequest): Explanation {
  return askAside(table, request, () => explanationOf(table, request));
}

function explanationOf(table: AccessTable | undefined, request: AccessRequest): Explanation {
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
    const concerned = name === "factors" ? subject.second : subject.pass;
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
      return `The table has ${subject.door < 0 ? "no " : ""}door ${request.door}.`;
    case "posture":
      return describePosture(subject);
    case "tamper":
      return describeTamper(subject);
    case "credential":
      return describeCredential(subject);
    case "pass_active":
      return `Pass ${table.passes.id(pass)} is ${table.passes.isActive(pass) ? "" : "not "}active.`;
    case "user_active":
      return `User ${userOf(subject)} is ${table.isSuspended(user) ? "" : "not "}suspended.`;
    case "clock":
      return describeClock(subject);
    case "start":
      return describeStart(subject);
    case "end":
      return describeEnd(subject);
    case "uses":
      return describeUses(subject);
    case "access":
      return describeAccess(subject);
    case "schedule":
      return describeSchedules(subject);
    case "factors":
      return describeFactors(subject);
    case "passback":
      return describePassback(subject);
    case "interlock":
      return describeInterlock(subject);
    case "two_person":
      return describeTwoPerson(subject);
    case "escort":
      return describeEscort(subject);
    case "occupancy":
      return describeOccupancy(subject);
    case "manager":
      return describeManager(subject);
    default:
      return unreachable(check);
  }
}
