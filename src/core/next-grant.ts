import { type EpochMs, epochMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import { askAside } from "./ask-aside.ts";
import { isMissing } from "./authorize.ts";
import {
  type AccessRequest,
  type CheckedReason,
  type CheckName,
  checks,
  lookUp,
  type Subject,
} from "./checks.ts";
import { rulesHere } from "./subject-words.ts";

/** `reason` is what stands in the way, at the last moment that was looked at. */
export type NextGrant =
  | { readonly kind: "at"; readonly at: EpochMs }
  /** Not before the table, or an operator's word that has no end, is changed. */
  | { readonly kind: "never"; readonly reason: CheckedReason }
  /** It depends on what people and doors do, on a time that is not known, or lies too far away. */
  | { readonly kind: "unknown"; readonly reason: CheckedReason };

const horizonMs = 2 * 366 * 86_400_000;
/** Each is judged like a presentation, and few are ever needed. */
const instantsMax = 64;
/** How many runs of days schedules may work out before the doors have waited long enough. */
const workMax = 256;

/**
 * When next the same presentation would be granted if nothing but time changes; now, if it is so now.
 * A PIN or company that the door would ask for counts as given. A check that fails can only pass at
 * an instant that it depends on, so only those are tried, in order, and no more of them than the
 * doors can wait for: with very many rules it may be unknown when one of them lets somebody in.
 */
export function nextGrantAt(table: AccessTable | undefined, request: AccessRequest): NextGrant {
  return askAside(table, request, (worked) => walk(table, request, worked));
}

function walk(
  table: AccessTable | undefined,
  request: AccessRequest,
  worked: () => number,
): NextGrant {
  const { wall } = request;
  let subject = lookUp(table, request);
  let failure = failureOf(subject);
  // As long as this the doors wait whenever it is presented.
  const before = worked();
  const isWorkDone = (): boolean => worked() - before >= workMax;
  for (let count = 0; failure !== undefined; count += 1) {
    const { reason } = failure;
    if (reason === "clock_unknown") return { kind: "unknown", reason };
    const way = wayOut({ subject, isWorkDone }, failure);
    if (typeof way === "string") return { kind: way, reason };
    if (wall.quality === "unknown") return { kind: "unknown", reason };
    const isTooMuch = count === instantsMax || isWorkDone();
    if (isTooMuch || way > wall.at + horizonMs) return { kind: "unknown", reason };
    subject = lookUp(table, {
      ...request,
      wall: { at: epochMs(way), quality: wall.quality },
      now: monotonicMs(request.now + (way - wall.at)),
    });
    failure = failureOf(subject);
  }
  return { kind: "at", at: subject.request.wall.at };
}

interface Look {
  readonly subject: Subject;
  readonly isWorkDone: () => boolean;
}

interface Failure {
  readonly check: CheckName;
  readonly reason: CheckedReason;
}

/** The first instant after this one at which the check, which failed, could pass; or why not. */
type WayOut = number | "never" | "unknown";

function failureOf(subject: Subject): Failure | undefined {
  for (const { name, judge } of checks) {
    const verdict = judge(subject);
    if (verdict !== "passed" && !isMissing(verdict)) return { check: name, reason: verdict };
  }
  return undefined;
}

function wayOut(look: Look, { check, reason }: Failure): WayOut {
  const { subject } = look;
  const { table, request, pass } = subject;
  switch (check) {
    case "table":
    case "door":
    case "credential":
    case "pass_active":
    case "user_active":
    case "end":
    case "uses":
      return "never";
    case "clock":
    case "tamper":
    case "interlock":
    case "two_person":
    case "escort":
    case "occupancy":
    case "manager":
      return "unknown";
    case "posture":
    case "access":
      return firstAfter(request, [overrideEnd(subject)]) ?? "never";
    case "start":
      return table.passes.startsAt(pass);
    case "schedule":
      return firstChange(look, rulesHere(subject));
    case "factors":
      return wayOutOfFactors(look, reason);
    case "passback":
      return firstAfter(request, forgiveness(subject)) ?? "unknown";
    default:
      return unreachable(check);
  }
}

function wayOutOfFactors(look: Look, reason: CheckedReason): WayOut {
  const { table, settings, second } = look.subject;
  const isAlone = reason === "pin_alone_not_allowed";
  // At a door for cards time does nothing for a PIN, nor at one for both.
  if (isAlone && settings?.factors !== "card_or_pin") return "never";
  const instants: (number | undefined)[] = [];
  if (!isAlone && second >= 0) instants.push(table.passes.startsAt(second));
  // Elsewhere a rule that asks for less may come into force.
  const rules = settings?.factors === "card_and_pin" ? [] : rulesHere(look.subject);
  const plain = rules.filter((rule) => !table.rules.asksTwoFactors(rule));
  return firstChange(look, plain, instants);
}

/** When a posture that shuts the door, or its being none that lets everybody in, may end. */
function overrideEnd({ request: { premises, door } }: Subject): number | undefined {
  return premises.postureState(door).override?.until;
}

/** The first of these instants, of the posture's, and of those at which a rule may come in force. */
function firstChange(
  { subject, isWorkDone }: Look,
  rules: readonly number[],
  others: readonly (number | undefined)[] = [],
): WayOut {
  const { table, request } = subject;
  const instants = [overrideEnd(subject), ...others];
  for (const rule of rules) {
    const schedule = table.rules.schedule(rule);
    if (schedule < 0) continue;
    // Of those that were not looked at the first may be any.
    if (isWorkDone()) return "unknown";
    instants.push(table.schedule(schedule).compiled.nextChangeAt(request.wall.at));
  }
  return firstAfter(request, instants) ?? "never";
}

/** When the record of where the user is will be too old to count, for each side of the door. */
function forgiveness({ table, request, crossing, pass }: Subject): readonly number[] {
  const recorded = request.premises.whereabouts(table.passes.userId(pass));
  if (recorded === undefined) return [];
  const ageMs = request.now - recorded.since;
  return [crossing?.from, crossing?.to].flatMap((area) => {
    if (area?.passbackMs === undefined) return [];
    const at = Math.ceil(request.wall.at + area.passbackMs - ageMs);
    // Of clocks that count fractions the sum may be a trifle short.
    return [at, at + 1];
  });
}

function firstAfter(
  { wall }: AccessRequest,
  instants: readonly (number | undefined)[],
): number | undefined {
  // Of a time that nobody vouches for everything may still be to come.
  const from = wall.quality === "unknown" ? -Infinity : wall.at;
  let first: number | undefined;
  for (const instant of instants) {
    if (instant === undefined || instant <= from) continue;
    if (first === undefined || instant < first) first = instant;
  }
  return first;
}
