import { unreachable } from "../domain/unreachable.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import type { Premises } from "./premises.ts";
import {
  isInForce,
  isPinAlone,
  type PassUses,
  type Subject,
  trustInTime,
  type Verdict,
} from "./subject.ts";

export function judgeActive({ table }: Subject, pass: number): Verdict {
  return table.passes.isActive(pass) ? "passed" : "pass_inactive";
}

export function judgeUser({ table, user }: Subject): Verdict {
  return table.isSuspended(user) ? "user_suspended" : "passed";
}

export function judgeClock(subject: Subject, pass: number): Verdict {
  const isLimited = isLimitedInTime(subject, pass);
  return isLimited && trustInTime(subject) === "deny" ? "clock_unknown" : "passed";
}

export function isLimitedInTime({ table: { passes } }: Subject, pass: number): boolean {
  return passes.startsAt(pass) !== -Infinity || passes.endsAt(pass) !== Infinity;
}

export function judgeStart(subject: Subject, pass: number): Verdict {
  if (trustInTime(subject) !== "known") return "passed";
  return subject.request.wall.at < subject.table.passes.startsAt(pass) ? "not_yet_valid" : "passed";
}

/** A pass opens up to its end, not at it. */
export function judgeEnd(subject: Subject, pass: number): Verdict {
  if (trustInTime(subject) !== "known") return "passed";
  return subject.request.wall.at < subject.table.passes.endsAt(pass) ? "passed" : "expired";
}

export function judgeUses({ uses }: Subject): Verdict {
  return isUsedUp(uses) ? "over_limit" : "passed";
}

function isUsedUp(uses: PassUses | undefined): boolean {
  return uses !== undefined && uses.left <= 0;
}

/** Undefined for a pass that is good for any number of grants, and where there is none. */
export function usesOf(
  { passes }: AccessTable,
  premises: Premises,
  pass: number,
): PassUses | undefined {
  const count = pass < 0 ? undefined : passes.useCount(pass);
  if (count === undefined) return undefined;
  // A controller whose storage is new knows of no grants; the site still knows those it was told.
  const spentHere = Math.max(premises.spent(passes.id(pass)), count.spentHere);
  return { spentHere, left: count.usesMax - spentHere - count.spentElsewhere };
}

export function judgeAccess(subject: Subject): Verdict {
  if (isFree(subject)) return "passed";
  const { rules } = subject.table;
  const { user, door } = subject;
  const end = rules.endPlace(user);
  for (let place = rules.firstPlace(user); place < end; place += 1) {
    if (rules.covers(rules.ruleAt(place), door)) return "passed";
  }
  return "no_access";
}

export function judgeSchedule(subject: Subject): Verdict {
  if (isFree(subject)) return "passed";
  const { rules } = subject.table;
  const { user, door } = subject;
  const end = rules.endPlace(user);
  for (let place = rules.firstPlace(user); place < end; place += 1) {
    const rule = rules.ruleAt(place);
    if (rules.covers(rule, door) && isInForce(subject, rule)) return "passed";
  }
  return trustInTime(subject) === "known" ? "outside_schedule" : "clock_unknown";
}

export function judgeFactors(subject: Subject): Verdict {
  const { settings } = subject;
  const { pin } = subject.request.presented;
  // A door with no settings is one that the table lacks.
  if (settings === undefined) return "door_unknown";
  if (asksTwoFactors(subject)) {
    if (isPinAlone(subject)) return "pin_alone_not_allowed";
    return pin === undefined ? "pin_required" : judgePin(subject);
  }
  switch (settings.factors) {
    case "card_or_pin":
      return "passed";
    case "card":
      return isPinAlone(subject) ? "pin_alone_not_allowed" : "passed";
    case "card_and_pin":
      // Said already, and should it ever be said otherwise, not a grant.
      return "pin_required";
    default:
      return unreachable(settings.factors);
  }
}

/** Whether the door does, or every rule that admits this user here now. */
export function asksTwoFactors(subject: Subject): boolean {
  if (subject.settings?.factors === "card_and_pin") return true;
  const { rules } = subject.table;
  if (isFree(subject) || !rules.someAskTwoFactors) return false;
  const { user, door } = subject;
  const end = rules.endPlace(user);
  for (let place = rules.firstPlace(user); place < end; place += 1) {
    const rule = rules.ruleAt(place);
    if (rules.asksTwoFactors(rule) || !rules.covers(rule, door)) continue;
    if (isInForce(subject, rule)) return false;
  }
  return true;
}

/** The PIN is a pass of its own: one that was taken away, has ended or is used up completes nothing. */
function judgePin(subject: Subject): Verdict {
  const { table, second } = subject;
  if (second < 0) return "wrong_pin";
  if (table.passes.user(second) !== subject.user) return "pin_of_another_user";
  for (const judge of [judgeActive, judgeClock, judgeStart, judgeEnd]) {
    const verdict = judge(subject, second);
    if (verdict !== "passed") return verdict;
  }
  return isUsedUp(usesOf(table, subject.request.premises, second)) ? "over_limit" : "passed";
}

/** Of the PIN, where it was asked for; one that came with a card unasked is not used. */
export function pinUsesOf(subject: Subject): PassUses | undefined {
  const { table, request, second } = subject;
  if (second < 0 || !asksTwoFactors(subject)) return undefined;
  return usesOf(table, request.premises, second);
}

function isFree({ posture }: Subject): boolean {
  return posture?.posture === "free_access";
}
