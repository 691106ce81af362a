import { TomlDate } from "smol-toml";
import * as v from "valibot";
import { pinDigitsMax, pinDigitsMin } from "../domain/credential.ts";
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

const doorTable = tomlTable({
  id: idText,
  name: nameText,
  controller: idText,
  readers: v.optional(listOf(idText, "ids of readers"), []),
  unlock_ms: v.optional(wholeNumber({ min: 500, max: 600_000 }), 3_000),
  held_open_ms: v.optional(wholeNumber({ min: 0, max: 3_600_000 }), 30_000),
  held_open_warning_ms: v.exactOptional(wholeNumber({ min: 0, max: 3_600_000 })),
  strike_on_max_ms: v.exactOptional(wholeNumber({ min: 1_000, max: 3_600_000 })),
  relock: v.optional(oneOf(["after_unlock_time", "on_open", "on_close"]), "after_unlock_time"),
  factors: v.optional(oneOf(["card", "card_or_pin", "card_and_pin"]), "card"),
  second_factor_ms: v.optional(wholeNumber({ min: 5_000, max: 30_000 }), 10_000),
  rex: v.optional(oneOf(["admit", "report"]), "admit"),
  clock_unknown: v.optional(oneOf(["deny", "allow"]), "deny"),
});

const userTable = tomlTable({
  id: idText,
  name: nameText,
  suspended: v.optional(yesOrNo, false),
});

const passTable = tomlTable({
  id: idText,
  user: idText,
  kind: oneOf(["csn_card", "nfc_card", "mobile", "pin"]),
  active: v.optional(yesOrNo, true),
  starts_at: v.exactOptional(instant),
  ends_at: v.exactOptional(instant),
  // Which fields there are is for the format to say.
  card: v.exactOptional(
    openTable(
      { format: v.string("the name of a card format") },
      v.union([v.number(), v.string()], "a number, or hexadecimal digits in quotes"),
    ),
  ),
  pin: v.exactOptional(pinText),
});

const ruleTable = tomlTable({
  id: idText,
  users: filledListOf(idText, "id of a user"),
  doors: filledListOf(idText, "id of a door"),
  schedule: v.exactOptional(idText),
});

export const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const intervalTable = tomlTable({
  days: filledListOf(oneOf(dayNames), "day"),
  from: textLike(isClockTime, clockExpectation),
  to: textLike((text) => isClockTime(text) || text === "24:00", clockEndExpectation),
});

const scheduleTable = tomlTable({
  id: idText,
  intervals: filledListOf(intervalTable, "table"),
});

/** An offset is no zone: it would be wrong for half of the year. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const siteFileSchema = tomlTable({
  site: idText,
  zone: textLike(isZone, "an IANA time zone such as Europe/Berlin"),
  doors: filledListOf(doorTable, "table"),
  users: v.optional(listOf(userTable, "tables"), []),
  passes: v.optional(listOf(passTable, "tables"), []),
  rules: v.optional(listOf(ruleTable, "tables"), []),
  schedules: v.optional(listOf(scheduleTable, "tables"), []),
  formats: formatTables,
});

export type SiteTables = v.InferOutput<typeof siteFileSchema>;
export type DoorTable = SiteTables["doors"][number];
export type PassTable = SiteTables["passes"][number];
export type ScheduleTable = SiteTables["schedules"][number];
