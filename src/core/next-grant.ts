import { type EpochMs, epochMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import { isMissing } from "./authorize.ts";
import {
  type AccessRequest,
  type CheckedReason,
  type CheckName,
  checks,
  lookUp,
  type Subject,
} from "./checks.ts";

/** `reason` is what stands in the way, at the last moment that was looked at. */
export type NextGrant =
  | { readonly kind: "at"; readonly at: EpochMs }
  /** Not before the table, or an operator's word that has no end, is changed. */
  | { readonly kind: "never"; readonly reason: CheckedReason }
  /** It depends on what people and doors do, on a time that is not known, or lies too far away. */
  | { readonly kind: "unknown"; readonly reason: CheckedReason };

const horizonMs = 2 * 366 * 86_400_000;
const instantsMax = 2_000;

/**
 * When next the same presentation would be granted if nothing but time changes; now, if it is so now.
 * A PIN or company that the door would ask for counts as given. A check that fails can only pass at
 * an instant that it depends on, so only those are tried, in order.
 */
export function nextGrantAt(table: AccessTable | undefined, request: AccessRequest): NextGrant {
  const { wall } = request;
  let subject = lookUp(table, request);
  for (let count = 0; ; count += 1) {
    const failure = failureOf(subject);
    if (failure === undefined) return { kind: "at", at: subject.request.wall.at };
    const { reason } = failure;
    if (reason === "clock_unknown") return { kind: "unknown", reason };
    const way = wayOut(subject, failure.check);
    if (typeof way === "string") return { kind: way, reason };
    if (wall.quality === "unknown") return { kind: "unknown", reason };
    if (count === instantsMax || way > wall.at + horizonMs) return { kind: "unknown", reason };
    subject = lookUp(table, {
      ...request,
      wall: { at: epochMs(way), quality: wall.quality },
      now: monotonicMs(request.now + (way - wall.at)),
    });
  }
}

function failureOf(
  subject: Subject,
): { readonly check: CheckName; readonly reason: CheckedReason } | undefined {
  for (const { name, judge } of checks) {
    const verdict = judge(subject);
    if (verdict !== "passed" && !isMissing(verdict)) return { check: name, reason: verdict };
  }
  return undefined;
}

/** The first instant after this one at which the check, which failed, could pass; or why not. */
function wayOut(subject: Subject, check: CheckName): number | "never" | "unknown" {
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
      return firstAfter(request, [overrideEnd(subject), ...changes(subject)]) ?? "never";
    case "factors":
      return wayOutOfFactors(subject);
    case "passback":
      return firstAfter(request, forgiveness(subject)) ?? "unknown";
    default:
      return unreachable(check);
  }
}

function wayOutOfFactors(subject: Subject): number | "never" {
  const { table, request, settings } = subject;
  const { pin } = request.presented;
  const instants = [overrideEnd(subject)];
  // Whether two factors are asked for is, at other doors, up to the rules that are in force.
  if (settings?.factors !== "card_and_pin") instants.push(...changes(subject));
  const second = pin === undefined ? -1 : table.passes.findPin(pin);
  if (second >= 0) instants.push(table.passes.startsAt(second));
  return firstAfter(request, instants) ?? "never";
}

/** When a posture that shuts the door, or its being none that lets everybody in, may end. */
function overrideEnd({ request: { premises, door } }: Subject): number | undefined {
  return premises.postureState(door).override?.until;
}

/** When the schedules of the rules that give this user this door next open or close. */
function changes(subject: Subject): readonly (number | undefined)[] {
  const { table, user, door, request } = subject;
  const { rules } = table;
  const found: (number | undefined)[] = [];
  for (let place = rules.firstPlace(user); place < rules.endPlace(user); place += 1) {
    const rule = rules.ruleAt(place);
    const schedule = rules.schedule(rule);
    if (schedule < 0 || !rules.covers(rule, door)) continue;
    found.push(table.schedule(schedule).compiled.nextChangeAt(request.wall.at));
  }
  return found;
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
