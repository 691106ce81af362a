import type {
  AreaRecord,
  DoorPosture,
  DoorSettings,
  PassRecord,
  PassTrait,
  RuleRecord,
  TableContent,
  UserRecord,
  UserTrait,
} from "../../../src/domain/access.ts";
import type { PinDigest, RawCredential } from "../../../src/domain/credential.ts";
import type { AreaId, DoorId, PassId, ReaderId, UserId, ZoneId } from "../../../src/domain/ids.ts";
import type { DenialReason } from "../../../src/domain/reason.ts";
import type { WallTime } from "../../../src/domain/time.ts";
import { isOpen } from "./hours.ts";

/*
 * Who may come in, read off the site's plan rule by rule, as slowly as one likes. Written from the
 * words of the behaviours; nothing here is the product's.
 */

/** What is so in the building at one moment. */
export interface Facts {
  readonly content: TableContent | undefined;
  readonly wall: WallTime;
  readonly now: number;
  posture(door: DoorId): DoorPosture;
  isTampered(reader: ReaderId): boolean;
  spent(pass: PassId): number;
  whereabouts(user: UserId): { readonly area?: AreaId; readonly since: number } | undefined;
  /** Recorded inside, or granted and still to come. */
  insideOrComing(area: AreaId): ReadonlySet<UserId>;
  /** Let in there by another door than `door`, and not through it yet. */
  isComingElsewhere(user: UserId, area: AreaId, door: DoorId): boolean;
  hasManager(area: AreaId): boolean;
  isShut(door: DoorId): boolean;
}

/** What somebody shows: a card, a card and its PIN, or a PIN. */
export interface Shown {
  readonly card?: RawCredential;
  readonly pin?: PinDigest;
}

export interface Asked {
  readonly door: DoorId;
  readonly reader: ReaderId;
  readonly shown: Shown;
  readonly waiting?: Shown | undefined;
  readonly isEscorted: boolean;
}

export interface Admitted {
  readonly pass: PassRecord;
  readonly user: UserRecord;
  /** Of the PIN that the door asked for: a use of it, too. */
  readonly pinPass?: PassRecord;
  /** Where he will be, where anybody minds. */
  readonly passage?: { readonly to: AreaId | undefined };
  /** Soft anti-passback was violated. */
  readonly strayedFrom?: { readonly area?: AreaId };
}

export type Missing = "pin_required" | "second_person_required" | "escort_required";

export type Ruling =
  | ({ readonly kind: "granted"; readonly along?: Admitted } & Admitted)
  | { readonly kind: Missing; readonly pass: PassRecord; readonly user: UserRecord }
  | { readonly kind: "denied"; readonly reason: DenialReason; readonly pass?: PassRecord };

type Answer = "passed" | Missing | DenialReason;

interface Case {
  readonly facts: Facts;
  readonly asked: Asked;
  readonly content: TableContent;
  readonly settings: DoorSettings;
  readonly pass: PassRecord;
  readonly user: UserRecord;
}

export function rule(facts: Facts, asked: Asked): Ruling {
  const { content } = facts;
  if (content === undefined) return { kind: "denied", reason: "no_table" };
  const pass = passShown(content, asked.shown);
  const settings = content.doors.find(({ id }) => id === asked.door);
  const denied = (reason: DenialReason): Ruling => ({
    kind: "denied",
    reason,
    ...(pass !== undefined && { pass }),
  });
  if (settings === undefined) return denied("door_unknown");
  const posture = facts.posture(settings.id);
  if (posture === "disabled") return denied("door_disabled");
  if (posture === "lockdown" && !hasPassTrait(pass, "pass_through")) return denied("lockdown");
  if (settings.tamper === "deny" && facts.isTampered(asked.reader)) return denied("tampered");
  if (pass === undefined) return denied("unknown_credential");
  const user = content.users.find(({ id }) => id === pass.user);
  if (user === undefined) throw new Error(`${pass.id} is nobody's`);
  const one: Case = { facts, asked, content, settings, pass, user };
  const company = inCompany(one);
  const answer = answerTo(one, company);
  if (answer === "passed") {
    return { kind: "granted", ...(company && { along: company }), ...admitted(one) };
  }
  if (isMissing(answer)) return { kind: answer, pass, user };
  return denied(answer);
}

export function passShown(content: TableContent, { card, pin }: Shown): PassRecord | undefined {
  return content.passes.find(({ presents }) =>
    presents.as === "raw" ? presents.raw === card : card === undefined && presents.digest === pin,
  );
}

export function hasTrait(user: UserRecord, trait: UserTrait): boolean {
  return user.traits?.includes(trait) ?? false;
}

export function hasPassTrait(pass: PassRecord | undefined, trait: PassTrait): boolean {
  return pass?.traits?.includes(trait) ?? false;
}

/** Whether a rule is about this door, by name or by a zone, however deep the door lies in it. */
export function coversDoor(content: TableContent, rule: RuleRecord, door: DoorId): boolean {
  return rule.doors.includes(door) || rule.zones.some((zone) => hasDoor(content, zone, door));
}

function hasDoor(content: TableContent, zone: ZoneId, door: DoorId): boolean {
  const record = content.zones.find(({ id }) => id === zone);
  if (record?.doors.includes(door)) return true;
  return content.zones.some(({ id, parent }) => parent === zone && hasDoor(content, id, door));
}

/** `undefined` schedule: always. */
export function isRuleOpen(content: TableContent, { schedule }: RuleRecord, at: number): boolean {
  if (schedule === undefined) return true;
  const record = content.schedules.find(({ id }) => id === schedule);
  if (record === undefined) throw new Error(`no schedule ${schedule}`);
  return isOpen(record, content.calendar, at);
}

function isMissing(answer: Answer): answer is Missing {
  return answer.endsWith("_required");
}

/**
 * Who waits at the reader and comes in with the presenter, if the presenter comes in: at a door of two
 * the other one, elsewhere a visitor with whoever may escort him. Room and manager are for both at once.
 */
function inCompany({ facts, asked, settings, user }: Case): Admitted | undefined {
  const { waiting, ...alone } = asked;
  if (waiting === undefined || isExit(settings, asked.reader)) return undefined;
  const first = rule(facts, { ...alone, shown: waiting, isEscorted: false });
  const areTwo = settings.twoPerson === "required";
  if (first.kind !== (areTwo ? "second_person_required" : "escort_required")) return undefined;
  if (first.user.id === user.id) return undefined;
  // A visitor who would be left standing there is not a second person.
  const isLedIn = mayEscort(user) || (areTwo && asked.isEscorted);
  if (hasTrait(first.user, "needs_escort") && !isLedIn) return undefined;
  return admitted(caseOf(facts, { ...asked, shown: waiting }, settings, first));
}

/** Somebody who needs an escort is none. */
export function mayEscort(user: UserRecord): boolean {
  return hasTrait(user, "may_escort") && !hasTrait(user, "needs_escort");
}

function caseOf(
  facts: Facts,
  asked: Asked,
  settings: DoorSettings,
  { pass, user }: { readonly pass: PassRecord; readonly user: UserRecord },
): Case {
  const { content } = facts;
  if (content === undefined) throw new Error("nobody waits without a table");
  return { facts, asked, content, settings, pass, user };
}

function answerTo(one: Case, along: Admitted | undefined): Answer {
  const answers: readonly (() => Answer)[] = [
    () => answerValidity(one, one.pass, one.user),
    () => answerUses(one, one.pass),
    () => answerAccess(one),
    () => answerFactors(one),
    () => answerPassback(one),
    () => (one.settings.interlock.every((door) => one.facts.isShut(door)) ? "passed" : "interlock"),
    () => answerTwoPerson(one, along),
    () => answerEscort(one, along),
    () => answerOccupancy(one, along),
    () => answerManager(one, along),
  ];
  for (const answer of answers) {
    const given = answer();
    if (given !== "passed") return given;
  }
  return "passed";
}

/** Of the pass itself: active, its user's not suspended, and in its time. */
function answerValidity({ facts, settings }: Case, pass: PassRecord, user: UserRecord): Answer {
  if (!pass.active) return "pass_inactive";
  if (user.suspended) return "user_suspended";
  const { startsAt, endsAt } = pass;
  const isLimited = startsAt !== undefined || endsAt !== undefined;
  if (facts.wall.quality === "unknown") {
    return isLimited && settings.clockUnknown === "deny" ? "clock_unknown" : "passed";
  }
  if (startsAt !== undefined && facts.wall.at < startsAt) return "not_yet_valid";
  return endsAt === undefined || facts.wall.at < endsAt ? "passed" : "expired";
}

function answerUses({ facts }: Case, pass: PassRecord): Answer {
  if (pass.usesMax === undefined) return "passed";
  const here = Math.max(facts.spent(pass.id), pass.spentHere ?? 0);
  return here + (pass.spentElsewhere ?? 0) < pass.usesMax ? "passed" : "over_limit";
}

function rulesFor({ content, settings, user }: Case): readonly RuleRecord[] {
  return content.rules.filter(
    (rule) =>
      (rule.kind === "grant" || rule.kind === "grant_two_factors") &&
      rule.users.includes(user.id) &&
      coversDoor(content, rule, settings.id),
  );
}

function isInForce({ facts, content, settings }: Case, rule: RuleRecord): boolean {
  if (rule.schedule === undefined) return true;
  if (facts.wall.quality === "unknown") return settings.clockUnknown === "allow";
  return isRuleOpen(content, rule, facts.wall.at);
}

function answerAccess(one: Case): Answer {
  if (one.facts.posture(one.settings.id) === "free_access") return "passed";
  const rules = rulesFor(one);
  if (rules.length === 0) return "no_access";
  if (rules.some((rule) => isInForce(one, rule))) return "passed";
  return one.facts.wall.quality === "unknown" ? "clock_unknown" : "outside_schedule";
}

function asksForTwo(one: Case): boolean {
  if (one.settings.factors === "card_and_pin") return true;
  if (one.facts.posture(one.settings.id) === "free_access") return false;
  return !rulesFor(one).some((rule) => rule.kind === "grant" && isInForce(one, rule));
}

function answerFactors(one: Case): Answer {
  const { settings, content, asked, user } = one;
  const { card, pin } = asked.shown;
  const needsTwo = asksForTwo(one);
  if (card === undefined) {
    return needsTwo || settings.factors === "card" ? "pin_alone_not_allowed" : "passed";
  }
  if (!needsTwo) return "passed";
  if (pin === undefined) return "pin_required";
  const pinPass = passShown(content, { pin });
  if (pinPass === undefined) return "wrong_pin";
  if (pinPass.user !== user.id) return "pin_of_another_user";
  const validity = answerValidity(one, pinPass, user);
  return validity === "passed" ? answerUses(one, pinPass) : validity;
}

function wayThrough({ settings, asked }: Case): {
  from: AreaId | undefined;
  to: AreaId | undefined;
} {
  const { inside, outside } = settings;
  return isExit(settings, asked.reader)
    ? { from: inside, to: outside }
    : { from: outside, to: inside };
}

function isExit(settings: DoorSettings, reader: ReaderId): boolean {
  return settings.exitReaders.includes(reader);
}

function areaOf({ content }: Case, id: AreaId | undefined): AreaRecord | undefined {
  return content.areas.find((area) => area.id === id);
}

/** Each area that minds, in its own way; what is too old to count minds nobody. */
function violations(one: Case): ReadonlySet<AreaRecord["passback"]> {
  const { facts, user } = one;
  if (hasTrait(user, "passback_exempt")) return new Set();
  const { from, to } = wayThrough(one);
  const entered = areaOf(one, to);
  const left = areaOf(one, from);
  const minding = new Set<AreaRecord["passback"]>();
  if (entered !== undefined && isTwiceIn(one, entered)) minding.add(entered.passback);
  const record = facts.whereabouts(user.id);
  if (record === undefined) return minding;
  const counts = ({ passbackMs }: AreaRecord) =>
    passbackMs === undefined || facts.now - record.since < passbackMs;
  if (entered !== undefined && record.area === entered.id && counts(entered)) {
    minding.add(entered.passback);
  }
  if (left !== undefined && left.passback !== "timed" && record.area !== left.id && counts(left)) {
    minding.add(left.passback);
  }
  return minding;
}

/** His card opened another door into it a moment ago: one card is one person. */
function isTwiceIn({ facts, user, settings }: Case, area: AreaRecord): boolean {
  return area.passback !== "none" && facts.isComingElsewhere(user.id, area.id, settings.id);
}

/** Soft anti-passback lets him in, and tells where he should have been. */
function strayedFrom(one: Case): Admitted["strayedFrom"] {
  if (!violations(one).has("soft")) return undefined;
  const entered = areaOf(one, wayThrough(one).to);
  const isTwice = entered !== undefined && isTwiceIn(one, entered);
  const area = isTwice ? entered.id : one.facts.whereabouts(one.user.id)?.area;
  return area === undefined ? {} : { area };
}

function answerPassback(one: Case): Answer {
  const minding = violations(one);
  if (minding.has("hard")) return "passback";
  return minding.has("timed") ? "passback_timed" : "passed";
}

function answerTwoPerson(one: Case, along: Admitted | undefined): Answer {
  const { settings, asked, content, user } = one;
  if (settings.twoPerson === "not_required" || isExit(settings, asked.reader)) return "passed";
  if (asked.waiting === undefined) return "second_person_required";
  if (passShown(content, asked.waiting)?.user === user.id) return "same_person_twice";
  return along === undefined ? "second_person_required" : "passed";
}

function answerEscort({ settings, asked, user }: Case, along: Admitted | undefined): Answer {
  const isLed = asked.isEscorted || (along !== undefined && mayEscort(along.user));
  const isAlone = hasTrait(user, "needs_escort") && !isLed;
  return isAlone && !isExit(settings, asked.reader) ? "escort_required" : "passed";
}

function answerOccupancy(one: Case, along: Admitted | undefined): Answer {
  const area = areaOf(one, wayThrough(one).to);
  if (area?.occupancyMax === undefined) return "passed";
  const there = new Set(one.facts.insideOrComing(area.id));
  const before = there.size;
  there.add(one.user.id);
  if (along !== undefined) there.add(along.user.id);
  return there.size > before && there.size > area.occupancyMax ? "area_full" : "passed";
}

function answerManager(one: Case, along: Admitted | undefined): Answer {
  const area = areaOf(one, wayThrough(one).to);
  if (area?.managerIn !== "required" || one.facts.hasManager(area.id)) return "passed";
  const comes = [one.user, ...(along === undefined ? [] : [along.user])];
  return comes.some((user) => hasTrait(user, "manager")) ? "passed" : "manager_not_in";
}

function admitted(one: Case): Admitted {
  const { settings, asked, content, pass, user } = one;
  const sides = [areaOf(one, settings.inside), areaOf(one, settings.outside)];
  const isMinded = sides.some(
    (area) =>
      area !== undefined &&
      (area.passback !== "none" ||
        area.occupancyMax !== undefined ||
        area.managerIn === "required"),
  );
  const strayed = strayedFrom(one);
  const { card, pin } = asked.shown;
  const isAsked = card !== undefined && pin !== undefined && asksForTwo(one);
  const pinPass = isAsked ? passShown(content, { pin }) : undefined;
  return {
    pass,
    user,
    ...(pinPass !== undefined && { pinPass }),
    ...(isMinded && { passage: { to: wayThrough(one).to } }),
    ...(strayed !== undefined && { strayedFrom: strayed }),
  };
}
