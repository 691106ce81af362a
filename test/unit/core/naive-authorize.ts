import type { AccessRequest, Admission, Decision } from "../../../src/core/authorize.ts";
import type {
  AreaRecord,
  DoorPosture,
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  UserTrait,
} from "../../../src/domain/access.ts";
import type { DoorId, UserId, ZoneId } from "../../../src/domain/ids.ts";
import type { DenialReason } from "../../../src/domain/reason.ts";
import { naivelyOpen } from "./naive-schedule.ts";

type Word =
  | "granted"
  | "pin_required"
  | "second_person_required"
  | "escort_required"
  | DenialReason;

/** One person at one door, as plainly as the records have it. */
interface Person {
  readonly content: TableContent;
  readonly request: AccessRequest;
  readonly door: DoorSettings;
  readonly pass: PassRecord;
  readonly leaves: boolean;
}

/**
 * The decision told from behaviours 5, 20-27 and 31 over the plain records, one `if` after another:
 * the truth that the fast one is held against. It knows neither the index nor the list of checks.
 */
export function naiveAuthorize(content: TableContent, request: AccessRequest): Decision {
  const { pin } = request.presented;
  const duress =
    pin === undefined
      ? shownPass(content, request)
      : content.passes.find((pass) => presents(pass, pin));
  const decision = decide(content, request);
  if (duress?.active !== true || duress.traits?.includes("duress") !== true) return decision;
  return { ...decision, duress: { pass: duress.id, user: duress.user } };
}

function decide(content: TableContent, request: AccessRequest): Decision {
  const pass = shownPass(content, request);
  const named = pass === undefined ? {} : { pass: pass.id, user: pass.user };
  const deny = (reason: DenialReason): Decision => ({ kind: "denied", reason, ...named });
  const door = content.doors.find(({ id }) => id === request.door);
  if (door === undefined) return deny("door_unknown");
  const posture = postureOf(door, request);
  if (posture === "disabled") return deny("door_disabled");
  if (posture === "lockdown" && pass?.traits?.includes("pass_through") !== true) {
    return deny("lockdown");
  }
  const { reader } = request;
  if (door.tamper === "deny" && request.premises.isTampered(reader)) return deny("tampered");
  if (pass === undefined) return deny("unknown_credential");

  const leaves = reader !== undefined && door.exitReaders.includes(reader);
  const person: Person = { content, request, door, pass, leaves };
  const alone = judgeAlone(person);
  if (alone !== "granted") return inWords(alone, pass);
  const other = waitingPerson(person);
  const together = judgeTogether(person, other);
  if (together !== "granted") return inWords(together, pass);
  const along = comesAlong(person, other) ? other : undefined;
  return {
    kind: "granted",
    ...admission(person),
    ...(along && { along: admission(along) }),
  };
}

function inWords(word: Exclude<Word, "granted">, { id, user }: PassRecord): Decision {
  switch (word) {
    case "pin_required":
    case "second_person_required":
    case "escort_required":
      return { kind: word, pass: id, user };
    default:
      return { kind: "denied", reason: word, pass: id, user };
  }
}

function presents({ presents: shown }: PassRecord, what: string): boolean {
  return (shown.as === "raw" ? shown.raw : shown.digest) === what;
}

function shownPass(content: TableContent, { presented }: AccessRequest): PassRecord | undefined {
  const { card, pin, pass } = presented;
  if (pass !== undefined) return content.passes.find(({ id }) => id === pass);
  const kind = card === undefined ? "pin" : "raw";
  return content.passes.find(
    (one) => one.presents.as === kind && presents(one, card ?? pin ?? "nothing"),
  );
}

function postureOf(door: DoorSettings, { premises, wall }: AccessRequest): DoorPosture {
  const { override } = premises.postureState(door.id);
  if (override === undefined) return door.posture;
  if (override.until === undefined) return override.posture;
  if (wall.quality !== "unknown") return wall.at < override.until ? override.posture : door.posture;
  // Without a clock nobody could say that it is over, and so what bars people goes on.
  if (override.posture === "disabled") return "disabled";
  const isBarred = door.posture === "lockdown" || door.posture === "disabled";
  return override.posture === "locked" && !isBarred ? "locked" : door.posture;
}

/** All that concerns nobody else: up to anti-passback and interlock. */
function judgeAlone(person: Person): Word {
  const { content, request, door, pass } = person;
  const isFree = postureOf(door, request) === "free_access";
  const knowsTime = request.wall.quality !== "unknown";
  if (!pass.active) return "pass_inactive";
  if (content.users.find(({ id }) => id === pass.user)?.suspended !== false) {
    return "user_suspended";
  }
  const fault = faultOf(pass, person);
  if (fault !== undefined) return fault;

  const here = rulesHere(person);
  if (here.length === 0 && !isFree) return "no_access";
  const inForce = here.filter((rule) => isInForce(rule, person));
  if (inForce.length === 0 && !isFree) return knowsTime ? "outside_schedule" : "clock_unknown";

  const isPin = pass.presents.as === "pin";
  if (asksTwo(person)) {
    const second = isPin ? "pin_alone_not_allowed" : secondFactor(person);
    if (second !== undefined) return second;
  } else if (isPin && door.factors !== "card_or_pin") {
    return "pin_alone_not_allowed";
  }
  const violation = naiveViolation(person);
  if (violation === "hard") return "passback";
  if (violation === "timed") return "passback_timed";
  return door.interlock.every((other) => request.premises.isShut(other)) ? "granted" : "interlock";
}

function rulesHere({ content, pass, door }: Person): readonly RuleRecord[] {
  return content.rules.filter(
    ({ kind, users, doors, zones }) =>
      (kind === "grant" || kind === "grant_two_factors") &&
      users.includes(pass.user) &&
      [...doors, ...zones.flatMap((zone) => doorsWithin(content, zone))].includes(door.id),
  );
}

function isInForce({ schedule }: RuleRecord, { content, request, door }: Person): boolean {
  if (schedule === undefined) return true;
  if (request.wall.quality === "unknown") return door.clockUnknown === "allow";
  return naivelyOpen(content, schedule, request.wall.at);
}

function asksTwo(person: Person): boolean {
  if (person.door.factors === "card_and_pin") return true;
  if (postureOf(person.door, person.request) === "free_access") return false;
  const inForce = rulesHere(person).filter((rule) => isInForce(rule, person));
  return inForce.every(({ kind }) => kind === "grant_two_factors");
}

function pinShown({ content, request }: Person): PassRecord | undefined {
  const { pin } = request.presented;
  if (pin === undefined) return undefined;
  return content.passes.find((one) => one.presents.as === "pin" && presents(one, pin));
}

function secondFactor(person: Person): Word | undefined {
  if (person.request.presented.pin === undefined) return "pin_required";
  const second = pinShown(person);
  if (second === undefined) return "wrong_pin";
  if (second.user !== person.pass.user) return "pin_of_another_user";
  return second.active ? faultOf(second, person) : "pass_inactive";
}

function faultOf(
  pass: PassRecord,
  { door, request: { wall, premises } }: Person,
): DenialReason | undefined {
  const { startsAt = -Infinity, endsAt = Infinity, usesMax = Infinity } = pass;
  const isLimited = startsAt !== -Infinity || endsAt !== Infinity;
  if (wall.quality === "unknown") {
    if (isLimited && door.clockUnknown === "deny") return "clock_unknown";
  } else {
    if (wall.at < startsAt) return "not_yet_valid";
    if (wall.at >= endsAt) return "expired";
  }
  const { spentHere = 0, spentElsewhere = 0 } = pass;
  const spent = Math.max(spentHere, premises.spent(pass.id)) + spentElsewhere;
  return spent >= usesMax ? "over_limit" : undefined;
}

function doorsWithin(content: TableContent, zone: ZoneId): readonly DoorId[] {
  return content.zones
    .filter(({ id, parent }) => id === zone || parent === zone)
    .flatMap(({ id, doors }) => (id === zone ? doors : doorsWithin(content, id)));
}

function sides({ content, door, leaves }: Person): {
  readonly from: AreaRecord | undefined;
  readonly to: AreaRecord | undefined;
} {
  const inside = content.areas.find(({ id }) => id === door.inside);
  const outside = content.areas.find(({ id }) => id === door.outside);
  return leaves ? { from: inside, to: outside } : { from: outside, to: inside };
}

function naiveViolation(person: Person): "none" | "soft" | "timed" | "hard" {
  const { request, door, pass } = person;
  const { premises, now } = request;
  if (is(person, "passback_exempt")) return "none";
  const { from, to } = sides(person);
  const found: string[] = [];
  if (to !== undefined && premises.isComing(pass.user, to.id, door.id)) found.push(to.passback);
  const recorded = premises.whereabouts(pass.user);
  if (recorded !== undefined) {
    const isFresh = ({ passbackMs = Infinity }: AreaRecord): boolean =>
      now - recorded.since < passbackMs;
    if (to !== undefined && recorded.area === to.id && isFresh(to)) found.push(to.passback);
    if (from !== undefined && recorded.area !== from.id && isFresh(from)) {
      found.push(from.passback === "timed" ? "none" : from.passback);
    }
  }
  for (const worst of ["hard", "timed", "soft"] as const) if (found.includes(worst)) return worst;
  return "none";
}

function is({ content, pass }: Person, trait: UserTrait): boolean {
  return content.users.find(({ id }) => id === pass.user)?.traits?.includes(trait) === true;
}

/** Who waits and is good for it but for his company, or undefined. */
function waitingPerson(person: Person): Person | undefined {
  const { content, request, door, leaves } = person;
  const presented = request.company?.waiting;
  if (presented === undefined || leaves) return undefined;
  const asked: AccessRequest = { ...request, presented };
  const pass = shownPass(content, asked);
  if (pass === undefined) return undefined;
  const other: Person = { content, request: asked, door, pass, leaves };
  const isShutOut =
    postureOf(door, request) === "lockdown" && pass.traits?.includes("pass_through") !== true;
  return isShutOut || judgeAlone(other) !== "granted" ? undefined : other;
}

function escorts(person: Person): boolean {
  return is(person, "may_escort") && !is(person, "needs_escort");
}

function comesAlong(person: Person, other: Person | undefined): boolean {
  if (other === undefined || other.pass.user === person.pass.user) return false;
  if (person.door.twoPerson !== "required") return is(other, "needs_escort") && escorts(person);
  const isEscorted = escorts(person) || person.request.company?.isEscorted === true;
  return isEscorted || !is(other, "needs_escort");
}

function judgeTogether(person: Person, other: Person | undefined): Word {
  const { content, request, door, leaves } = person;
  const { premises, company } = request;
  const waits = company?.waiting;
  if (door.twoPerson === "required" && !leaves) {
    const who = waits && shownPass(content, { ...request, presented: waits })?.user;
    if (who === person.pass.user) return "same_person_twice";
    if (!comesAlong(person, other)) return "second_person_required";
  }
  const hasEscort =
    company?.isEscorted === true ||
    (other !== undefined && comesAlong(person, other) && escorts(other));
  if (is(person, "needs_escort") && !leaves && !hasEscort) return "escort_required";
  const { to } = sides(person);
  if (to === undefined) return "granted";
  const party = other !== undefined && comesAlong(person, other) ? [person, other] : [person];
  const come = party.filter(
    ({ pass: { user } }) =>
      premises.whereabouts(user)?.area !== to.id && !premises.isComing(user, to.id),
  ).length;
  if (come > 0 && premises.occupancy(to.id) + come > (to.occupancyMax ?? Infinity)) {
    return "area_full";
  }
  const hasManager = premises.managerCount(to.id) > 0 || party.some((each) => is(each, "manager"));
  return to.managerIn === "required" && !hasManager ? "manager_not_in" : "granted";
}

function admission(person: Person): Admission {
  const { content, request, pass } = person;
  const { from, to } = sides(person);
  const isTracked = [from, to].some(
    (area) =>
      area !== undefined &&
      (area.passback !== "none" ||
        area.occupancyMax !== undefined ||
        area.managerIn === "required"),
  );
  const recorded = request.premises.whereabouts(pass.user);
  const isToldInside =
    to !== undefined &&
    to.passback !== "none" &&
    request.premises.isComing(pass.user, to.id, person.door.id);
  const thought = isToldInside ? to.id : recorded?.area;
  const use = useOf(pass, request);
  const second = asksTwo(person) ? pinShown(person) : undefined;
  const pinUse = second && useOf(second, request);
  const isSoft = naiveViolation(person) === "soft";
  return {
    pass: pass.id,
    user: pass.user,
    userNumber: numberOf(content, pass.user),
    ...(use !== undefined && { use }),
    ...(second && pinUse !== undefined && { pinUse: { pass: second.id, use: pinUse } }),
    ...(isTracked && {
      passage: { user: pass.user, ...(to && { to: to.id }), isManager: is(person, "manager") },
    }),
    ...(is(person, "extra_time") && { extraTime: true }),
    ...(escorts(person) && { escorts: true }),
    ...(pass.traits?.includes("toggle") === true && { toggles: true }),
    ...(isSoft && { passbackFrom: thought === undefined ? {} : { area: thought } }),
  };
}

function useOf(pass: PassRecord, { premises }: AccessRequest): number | undefined {
  if (pass.usesMax === undefined) return undefined;
  return Math.max(pass.spentHere ?? 0, premises.spent(pass.id)) + 1;
}

function numberOf(content: TableContent, user: UserId): number {
  return content.users.findIndex(({ id }) => id === user);
}
