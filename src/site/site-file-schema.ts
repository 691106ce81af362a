import { TomlDate } from "smol-toml";
import * as v from "valibot";
import { doorPostures, passTraits, ruleKinds, userTraits } from "../domain/access.ts";
import { pinDigitsMax, pinDigitsMin } from "../domain/credential.ts";
import {
  calendarDaysMax,
  doorReadersMax,
  passUsesMax,
  scheduleIntervalsMax,
  tableAreasMax,
  tableDoorsMax,
  tablePassesMax,
  tableRulesMax,
  tableSchedulesMax,
  tableUsersMax,
  tableZonesMax,
} from "../protocols/sync/table-content-schema.ts";
import { isZoneName } from "../protocols/sync/zone-name.ts";
import { formatTables } from "../protocols/toml/format-table.ts";
import {
  filledListOf,
  idText,
  listOf,
  oneOf,
  openTable,
  textLike,
  tomlTable,
  wholeNumber,
  yesOrNo,
} from "../protocols/toml/toml-schema.ts";

/**
 * Of one controller, whose table has its own doors alone. Every other list is bounded for the whole
 * site, so that no controller's part of it can be too long.
 */
export const doorsMax = tableDoorsMax;

/** What a table would be refused for is told where the file says it. */
function listOfAtMost<const Item extends v.GenericSchema>(
  most: number,
  item: Item,
  what = "tables",
) {
  return v.pipe(listOf(item, what), v.maxLength(most, `at most ${most} ${what}`));
}

/**
 * For people only. Any script and any sign, for names are not ours to judge; but nothing that moves
 * a terminal's cursor, and no half of a character, which no message could carry. The length is that
 * of the table's own limit for a door.
 */
const nameText = textLike(
  (text) => text.length <= 200 && /^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u.test(text),
  "a name of 1 to 200 characters on one line",
);

const clockExpectation = 'a time of day from "00:00" to "23:59", in quotes';
const clockEndExpectation = 'a time of day from "00:00" to "24:00", in quotes';
const isClockTime = (text: string): boolean => /^([01][0-9]|2[0-3]):[0-5][0-9]$/.test(text);

export const instantExpectation = "a date and time such as 2026-12-31T18:00:00";
const instant = v.pipe(
  v.instance(TomlDate, instantExpectation),
  // A date alone leaves open whether its day is meant as well.
  v.check((date) => date.isDateTime(), instantExpectation),
);

const pinText = textLike(
  (text) => new RegExp(`^[0-9]{${pinDigitsMin},${pinDigitsMax}}$`).test(text),
  `${pinDigitsMin} to ${pinDigitsMax} digits, in quotes`,
);

const required = v.optional(oneOf(["not_required", "required"]), "not_required");

export const doorEntries = {
  id: idText,
  name: nameText,
  controller: idText,
  readers: v.optional(listOf(idText, "ids of readers"), []),
  posture: v.optional(oneOf(doorPostures), "locked"),
  unlock_ms: v.optional(wholeNumber({ min: 500, max: 600_000 }), 3_000),
  extra_time_ms: v.optional(wholeNumber({ min: 0, max: 600_000 }), 30_000),
  held_open_ms: v.optional(wholeNumber({ min: 0, max: 3_600_000 }), 30_000),
  held_open_warning_ms: v.exactOptional(wholeNumber({ min: 0, max: 3_600_000 })),
  held_open_watch: v.optional(oneOf(["always", "while_locked"]), "always"),
  strike_on_max_ms: v.exactOptional(wholeNumber({ min: 1_000, max: 3_600_000 })),
  relock: v.optional(oneOf(["after_unlock_time", "on_open", "on_close"]), "after_unlock_time"),
  factors: v.optional(oneOf(["card", "card_or_pin", "card_and_pin"]), "card"),
  second_factor_ms: v.optional(wholeNumber({ min: 5_000, max: 30_000 }), 10_000),
  rex: v.optional(oneOf(["admit", "report"]), "admit"),
  clock_unknown: v.optional(oneOf(["deny", "allow"]), "deny"),
  inside: v.exactOptional(idText),
  outside: v.exactOptional(idText),
  exit_readers: v.optional(listOfAtMost(doorReadersMax, idText, "ids of readers"), []),
  interlock: v.optional(listOfAtMost(doorsMax, idText, "ids of doors"), []),
  two_person: required,
  company_ms: v.optional(wholeNumber({ min: 5_000, max: 120_000 }), 30_000),
  tamper: v.optional(oneOf(["deny", "go_on"]), "go_on"),
  fire: v.optional(oneOf(["unlock", "ignore"]), "ignore"),
  after_restart: v.optional(oneOf(["remember", "forget"]), "remember"),
};

const doorTable = tomlTable(doorEntries);

export const zoneEntries = {
  id: idText,
  parent: v.exactOptional(idText),
  doors: v.optional(listOf(idText, "ids of doors"), []),
};

const zoneTable = tomlTable(zoneEntries);

export const areaEntries = {
  id: idText,
  passback: v.optional(oneOf(["none", "soft", "hard", "timed"]), "none"),
  passback_ms: v.exactOptional(wholeNumber({ min: 1_000, max: 7 * 24 * 3_600_000 })),
  occupancy_max: v.exactOptional(wholeNumber({ min: 1, max: tableUsersMax })),
  manager_in: required,
};

const areaTable = tomlTable(areaEntries);

const userTable = tomlTable({
  id: idText,
  name: nameText,
  suspended: v.optional(yesOrNo, false),
  traits: v.optional(listOf(oneOf(userTraits), "traits"), []),
});

const passTable = tomlTable({
  id: idText,
  user: idText,
  kind: oneOf(["csn_card", "nfc_card", "mobile", "pin"]),
  active: v.optional(yesOrNo, true),
  starts_at: v.exactOptional(instant),
  ends_at: v.exactOptional(instant),
  uses: v.exactOptional(wholeNumber({ min: 1, max: passUsesMax })),
  traits: v.optional(listOf(oneOf(passTraits), "traits"), []),
  // Which fields there are is for the format to say.
  card: v.exactOptional(
    openTable(
      { format: v.string("the name of a card format") },
      v.union([v.number(), v.string()], "a number, or hexadecimal digits in quotes"),
    ),
  ),
  pin: v.exactOptional(pinText),
});

export const ruleEntries = {
  id: idText,
  kind: v.optional(oneOf(ruleKinds), "grant"),
  // Which of these there must be is for the kind to say.
  users: v.optional(listOf(idText, "ids of users"), []),
  doors: v.optional(listOf(idText, "ids of doors"), []),
  zones: v.optional(listOf(idText, "ids of zones"), []),
  schedule: v.exactOptional(idText),
};

const ruleTable = tomlTable(ruleEntries);

export const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const intervalTable = tomlTable({
  days: filledListOf(oneOf(dayNames), "day"),
  day_type: v.exactOptional(idText),
  from: textLike(isClockTime, clockExpectation),
  to: textLike((text) => isClockTime(text) || text === "24:00", clockEndExpectation),
});

export const scheduleEntries = {
  id: idText,
  intervals: v.pipe(
    filledListOf(intervalTable, "table"),
    v.maxLength(scheduleIntervalsMax, `at most ${scheduleIntervalsMax} tables`),
  ),
};

const scheduleTable = tomlTable(scheduleEntries);

export const dateExpectation = 'a date such as "2026-12-25", or "12-25" for every year, in quotes';

/** Whether the month has that day is looked at where the date is read. */
export const calendarEntries = {
  date: textLike((text) => /^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$/.test(text), dateExpectation),
  day_type: idText,
};

const calendarTable = tomlTable(calendarEntries);

export const siteFileSchema = tomlTable({
  site: idText,
  zone: textLike(isZoneName, "an IANA time zone such as Europe/Berlin"),
  doors: filledListOf(doorTable, "table"),
  zones: v.optional(listOfAtMost(tableZonesMax, zoneTable), []),
  areas: v.optional(listOfAtMost(tableAreasMax, areaTable), []),
  users: v.optional(listOfAtMost(tableUsersMax, userTable), []),
  passes: v.optional(listOfAtMost(tablePassesMax, passTable), []),
  rules: v.optional(listOfAtMost(tableRulesMax, ruleTable), []),
  schedules: v.optional(listOfAtMost(tableSchedulesMax, scheduleTable), []),
  calendar: v.optional(listOfAtMost(calendarDaysMax, calendarTable), []),
  formats: formatTables,
});

export type SiteTables = v.InferOutput<typeof siteFileSchema>;
export type DoorTable = SiteTables["doors"][number];
export type PassTable = SiteTables["passes"][number];
export type ScheduleTable = SiteTables["schedules"][number];
export type RuleTable = SiteTables["rules"][number];
export type AreaTable = SiteTables["areas"][number];
