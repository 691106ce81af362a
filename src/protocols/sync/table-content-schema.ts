import * as v from "valibot";
import {
  controllerId,
  doorId,
  passId,
  ruleId,
  scheduleId,
  siteId,
  userId,
} from "../../domain/ids.ts";
import {
  id,
  instant,
  integer,
  pinDigestText,
  rawCredentialText,
  tableVersion,
  text,
} from "./schema-parts.ts";

/** What one table may hold at most. Beyond it, it is refused whole and the last one stays. */
export const tableDoorsMax = 256;
export const tableUsersMax = 2_000_000;
export const tablePassesMax = 2_000_000;
export const tableRulesMax = 100_000;
export const tableSchedulesMax = 10_000;
export const scheduleIntervalsMax = 500;

/** The longest that any time of a door may be set to. */
export const doorTimeMsMax = 24 * 3_600_000;

const doorTime = integer(0, doorTimeMsMax);
const doorTimeAtLeast = (leastMs: number) => integer(leastMs, doorTimeMsMax);

const doorSchema = v.pipe(
  v.strictObject({
    id: id(doorId),
    name: text(200),
    unlockMs: doorTimeAtLeast(1),
    heldOpenMs: doorTime,
    heldOpenWarningMs: doorTime,
    strikeOnMaxMs: doorTimeAtLeast(1),
    relock: v.picklist(["after_unlock_time", "on_open", "on_close"]),
    factors: v.picklist(["card", "card_or_pin", "card_and_pin"]),
    secondFactorMs: integer(5_000, 30_000),
    rex: v.picklist(["admit", "report"]),
    clockUnknown: v.picklist(["deny", "allow"]),
  }),
  v.forward(
    v.check(
      (door) => door.heldOpenWarningMs <= door.heldOpenMs,
      "a warning no longer than heldOpenMs",
    ),
    ["heldOpenWarningMs"],
  ),
);

const passSchema = v.strictObject({
  id: id(passId),
  user: id(userId),
  kind: v.picklist(["mobile", "nfc_card", "csn_card", "pin"]),
  active: v.boolean(),
  startsAt: v.exactOptional(instant),
  endsAt: v.exactOptional(instant),
  presents: v.variant("as", [
    v.strictObject({ as: v.literal("raw"), raw: rawCredentialText }),
    v.strictObject({ as: v.literal("pin"), digest: pinDigestText }),
  ]),
});

function listOf<const Item extends v.GenericSchema>(item: Item, most: number) {
  return v.pipe(v.array(item), v.maxLength(most, `at most ${most} items`));
}

const ruleSchema = v.strictObject({
  id: id(ruleId),
  users: listOf(id(userId), tableUsersMax),
  doors: listOf(id(doorId), tableDoorsMax),
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
      fromMinute: integer(0, minutesOfDay - 1),
      toMinute: integer(0, minutesOfDay),
    }),
    scheduleIntervalsMax,
  ),
});

function isZone(name: string): boolean {
  // A bare offset is a zone to newer engines only, and has no daylight saving: names alone count.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const tableContentSchema = v.strictObject({
  site: id(siteId),
  controller: id(controllerId),
  table: tableVersion,
  compiledAt: instant,
  zone: v.pipe(v.string(), v.maxLength(64), v.check(isZone, "an IANA time zone")),
  doors: listOf(doorSchema, tableDoorsMax),
  users: listOf(v.strictObject({ id: id(userId), suspended: v.boolean() }), tableUsersMax),
  passes: listOf(passSchema, tablePassesMax),
  rules: listOf(ruleSchema, tableRulesMax),
  schedules: listOf(scheduleSchema, tableSchedulesMax),
});
