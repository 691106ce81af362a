import * as v from "valibot";
import { doorPostures, passTraits, ruleKinds, userTraits } from "../../domain/access.ts";
import { doorDefaults } from "../../domain/door-defaults.ts";
import {
  areaId,
  controllerId,
  dayTypeId,
  doorId,
  passId,
  readerId,
  ruleId,
  scheduleId,
  siteId,
  userId,
  zoneId,
} from "../../domain/ids.ts";
import { id, instant, integer, pinDigestText, rawCredentialText, text } from "./schema-parts.ts";
import { isZoneName } from "./zone-name.ts";

/** What one table may hold at most. Beyond it, it is refused whole and the last one stays. */
export const tableDoorsMax = 256;
export const tableUsersMax = 2_000_000;
export const tablePassesMax = 2_000_000;
export const tableRulesMax = 100_000;
export const tableSchedulesMax = 10_000;
export const scheduleIntervalsMax = 500;
export const tableZonesMax = 10_000;
export const tableAreasMax = 1_000;
export const calendarDaysMax = 10_000;
export const doorReadersMax = 64;
export const passUsesMax = 1_000_000_000;

/** The longest that any time of a door may be set to. */
export const doorTimeMsMax = 24 * 3_600_000;

const doorTime = integer(0, doorTimeMsMax);
const doorTimeAtLeast = (leastMs: number) => integer(leastMs, doorTimeMsMax);

function listOf<const Item extends v.GenericSchema>(item: Item, most: number) {
  return v.pipe(v.array(item), v.maxLength(most, `at most ${most} items`));
}

const traitsOf = <const Trait extends string>(traits: readonly Trait[]) =>
  v.pipe(
    v.array(v.picklist(traits)),
    v.check((named) => new Set(named).size === named.length, "each trait once"),
  );

const doorSchema = v.pipe(
  v.strictObject({
    id: id(doorId),
    name: text(200),
    posture: v.optional(v.picklist(doorPostures), doorDefaults.posture),
    unlockMs: doorTimeAtLeast(1),
    extraTimeMs: v.optional(doorTime, doorDefaults.extraTimeMs),
    heldOpenMs: doorTime,
    heldOpenWarningMs: doorTime,
    heldOpenWatch: v.optional(v.picklist(["always", "while_locked"]), doorDefaults.heldOpenWatch),
    strikeOnMaxMs: doorTimeAtLeast(1),
    relock: v.picklist(["after_unlock_time", "on_open", "on_close"]),
    factors: v.picklist(["card", "card_or_pin", "card_and_pin"]),
    secondFactorMs: integer(5_000, 30_000),
    rex: v.picklist(["admit", "report"]),
    clockUnknown: v.picklist(["deny", "allow"]),
    inside: v.exactOptional(id(areaId)),
    outside: v.exactOptional(id(areaId)),
    exitReaders: v.optional(listOf(id(readerId), doorReadersMax), []),
    interlock: v.optional(listOf(id(doorId), tableDoorsMax), []),
    twoPerson: v.optional(v.picklist(["not_required", "required"]), doorDefaults.twoPerson),
    companyMs: v.optional(integer(5_000, 120_000), doorDefaults.companyMs),
    tamper: v.optional(v.picklist(["deny", "go_on"]), doorDefaults.tamper),
    fire: v.optional(v.picklist(["unlock", "ignore"]), doorDefaults.fire),
    afterRestart: v.optional(v.picklist(["remember", "forget"]), doorDefaults.afterRestart),
  }),
  v.forward(
    v.check(
      (door) => door.heldOpenWarningMs <= door.heldOpenMs,
      "a warning no longer than heldOpenMs",
    ),
    ["heldOpenWarningMs"],
  ),
);

/** A user with the rules that name him, each once. */
export const tableUserSchema = v.strictObject({
  id: id(userId),
  suspended: v.boolean(),
  traits: v.exactOptional(traitsOf(userTraits)),
  rules: v.pipe(
    listOf(id(ruleId), tableRulesMax),
    v.check((rules) => new Set(rules).size === rules.length, "each rule once"),
  ),
});

const zoneSchema = v.strictObject({
  id: id(zoneId),
  parent: v.exactOptional(id(zoneId)),
  doors: listOf(id(doorId), tableDoorsMax),
});

const areaSchema = v.pipe(
  v.strictObject({
    id: id(areaId),
    passback: v.picklist(["none", "soft", "hard", "timed"]),
    passbackMs: v.exactOptional(integer(1_000, 7 * doorTimeMsMax)),
    occupancyMax: v.exactOptional(integer(1, tableUsersMax)),
    managerIn: v.picklist(["not_required", "required"]),
  }),
  v.forward(
    v.check(
      ({ passback, passbackMs }) => passback !== "timed" || passbackMs !== undefined,
      "a time where passback is timed",
    ),
    ["passbackMs"],
  ),
);

const calendarDaySchema = v.strictObject({
  year: v.exactOptional(integer(1970, 9999)),
  month: integer(1, 12),
  day: integer(1, 31),
  dayType: id(dayTypeId),
});

export const passSchema = v.strictObject({
  id: id(passId),
  user: id(userId),
  kind: v.picklist(["mobile", "nfc_card", "csn_card", "pin"]),
  active: v.boolean(),
  startsAt: v.exactOptional(instant),
  endsAt: v.exactOptional(instant),
  usesMax: v.exactOptional(integer(1, passUsesMax)),
  spentHere: v.exactOptional(integer(0, passUsesMax)),
  spentElsewhere: v.exactOptional(integer(0, passUsesMax)),
  traits: v.exactOptional(traitsOf(passTraits)),
  presents: v.variant("as", [
    v.strictObject({ as: v.literal("raw"), raw: rawCredentialText }),
    v.strictObject({ as: v.literal("pin"), digest: pinDigestText }),
  ]),
});

const ruleSchema = v.strictObject({
  id: id(ruleId),
  kind: v.optional(v.picklist(ruleKinds), "grant"),
  whom: v.picklist(["named_users", "anybody"]),
  doors: listOf(id(doorId), tableDoorsMax),
  zones: v.optional(listOf(id(zoneId), tableZonesMax), []),
  schedule: v.exactOptional(id(scheduleId)),
});

const minutesOfDay = 1_440;

const scheduleSchema = v.strictObject({
  id: id(scheduleId),
  intervals: listOf(
    v.strictObject({
      days: v.pipe(
        v.array(v.picklist([1, 2, 3, 4, 5, 6, 7])),
        v.minLength(1, "at least one day"),
        v.check((days) => new Set(days).size === days.length, "each day once"),
      ),
      dayType: v.exactOptional(id(dayTypeId)),
      fromMinute: integer(0, minutesOfDay - 1),
      toMinute: integer(0, minutesOfDay),
    }),
    scheduleIntervalsMax,
  ),
});

/** More than a reader could show a phone in one read, whatever else it shows. */
const certificateCharsMax = 512;

const mobileSchema = v.strictObject({
  certificate: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9_-]+$/, "base64url"),
    v.maxLength(certificateCharsMax, `at most ${certificateCharsMax} characters`),
    v.check(
      (text) => Buffer.from(text, "base64url").toString("base64url") === text,
      "base64url as it is written, no bit more",
    ),
  ),
});

/**
 * A key that came later may be missing: a frame that an older site signed, or that an older controller
 * stored, goes on deciding, as it did, until there is a newer one.
 */
export const tableFrameSchema = v.strictObject({
  site: id(siteId),
  controller: id(controllerId),
  zone: v.pipe(v.string(), v.maxLength(64), v.check(isZoneName, "an IANA time zone")),
  calendar: v.optional(listOf(calendarDaySchema, calendarDaysMax), []),
  zones: v.optional(listOf(zoneSchema, tableZonesMax), []),
  areas: v.optional(listOf(areaSchema, tableAreasMax), []),
  doors: listOf(doorSchema, tableDoorsMax),
  rules: listOf(ruleSchema, tableRulesMax),
  schedules: listOf(scheduleSchema, tableSchedulesMax),
  mobile: v.exactOptional(mobileSchema),
});
