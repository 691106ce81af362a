import type { IsoWeekday, ScheduleRecord } from "../domain/access.ts";
import { doorDefaults } from "../domain/door-defaults.ts";
import {
  controllerId,
  doorId,
  readerId,
  ruleId,
  scheduleId,
  siteId,
  userId,
} from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import { readFormats } from "../protocols/toml/format-table.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import { readToml, type TomlReport, type TomlSource } from "../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../protocols/toml/reference-checks.ts";
import type { TomlFault } from "../protocols/toml/toml-fault.ts";
import { readPasses } from "./site-file-passes.ts";
import {
  type DoorTable,
  dayNames,
  isZone,
  type ScheduleTable,
  type SiteTables,
  siteFileSchema,
} from "./site-file-schema.ts";
import type { SiteDoor, SiteModel } from "./site-model.ts";

/**
 * A whole site from a file; see config/README.md for its keys. What comes back is consistent: ids
 * and what is presented are unique, references resolve, every card fits its format.
 */
export function parseSiteFile(source: TomlSource): Result<SiteModel, readonly TomlFault[]> {
  return readToml({ ...source, schema: siteFileSchema, isSecret, build: siteModel });
}

/** PINs, and what is on a card but its format: whoever reads a log could make one. */
function isSecret(path: KeyPath): boolean {
  const [list, , key, field] = path;
  return list === "passes" && (key === "pin" || (key === "card" && field !== "format"));
}

function siteModel(tables: SiteTables, report: TomlReport): SiteModel {
  for (const list of ["doors", "users", "passes", "rules", "schedules"] as const) {
    const ids = tables[list].map(({ id }, index) => [[list, index, "id"], id] as const);
    reportRepeats(report, "an id used once", ids);
  }
  reportRepeats(report, "a reader of one door", readersOf(tables));
  checkRules(tables, report);
  // A wrong zone is a fault of its own, and must not make others of every date.
  const zone = isZone(tables.zone) ? tables.zone : "UTC";
  return {
    site: siteId(tables.site),
    zone,
    doors: tables.doors.map((door, index) => siteDoor(door, ["doors", index], report)),
    users: tables.users.map(({ id, name, suspended }) => ({ id: userId(id), name, suspended })),
    passes: readPasses({ tables, zone, formats: readFormats(tables.formats, report), report }),
    rules: tables.rules.map(({ id, users, doors, schedule }) => ({
      id: ruleId(id),
      kind: "grant" as const,
      zones: [],
      users: users.map(userId),
      doors: doors.map(doorId),
      ...(schedule === undefined ? {} : { schedule: scheduleId(schedule) }),
    })),
    schedules: tables.schedules.map((schedule, index) =>
      scheduleRecord(schedule, ["schedules", index], report),
    ),
  };
}

/** A reader's id counts within its controller. */
function readersOf(tables: SiteTables): readonly (readonly [KeyPath, string])[] {
  return tables.doors.flatMap(({ controller, readers }, door) =>
    readers.map((reader, index) => {
      const path: KeyPath = ["doors", door, "readers", index];
      return [path, `${controller} ${reader}`] as const;
    }),
  );
}

function checkRules({ doors, users, rules, schedules }: SiteTables, report: TomlReport): void {
  const known = {
    users: new Set(users.map(({ id }) => id)),
    doors: new Set(doors.map(({ id }) => id)),
    schedules: new Set(schedules.map(({ id }) => id)),
  };
  for (const [index, rule] of rules.entries()) {
    for (const [list, what] of [
      ["users", "user"],
      ["doors", "door"],
    ] as const) {
      const named = rule[list].map(
        (id, position) => [["rules", index, list, position], id] as const,
      );
      reportRepeats(report, `each ${what} once`, named);
      for (const [path, name] of named) {
        reportUnknownName(report, { path, what, name, known: known[list] });
      }
    }
    if (rule.schedule === undefined) continue;
    reportUnknownName(report, {
      path: ["rules", index, "schedule"],
      what: "schedule",
      name: rule.schedule,
      known: known.schedules,
    });
  }
}

/** Before a held door is reported, and no longer than the door may be held. */
const heldOpenWarningMsUsual = 10_000;
const strikeOnMaxMsUsual = 60_000;

function siteDoor(door: DoorTable, path: KeyPath, report: TomlReport): SiteDoor {
  const { unlock_ms: unlockMs, held_open_ms: heldOpenMs } = door;
  const heldOpenWarningMs =
    door.held_open_warning_ms ?? Math.min(heldOpenWarningMsUsual, heldOpenMs);
  const strikeOnMaxMs = door.strike_on_max_ms ?? Math.max(strikeOnMaxMsUsual, unlockMs);
  if (heldOpenWarningMs > heldOpenMs) {
    report.fault([...path, "held_open_warning_ms"], `at most held_open_ms, which is ${heldOpenMs}`);
  }
  if (strikeOnMaxMs < unlockMs) {
    report.fault([...path, "strike_on_max_ms"], `at least unlock_ms, which is ${unlockMs}`);
  }
  return {
    ...doorDefaults,
    id: doorId(door.id),
    name: door.name,
    controller: controllerId(door.controller),
    readers: door.readers.map(readerId),
    unlockMs,
    heldOpenMs,
    heldOpenWarningMs,
    strikeOnMaxMs,
    relock: door.relock,
    factors: door.factors,
    secondFactorMs: door.second_factor_ms,
    rex: door.rex,
    clockUnknown: door.clock_unknown,
  };
}

function scheduleRecord(
  schedule: ScheduleTable,
  path: KeyPath,
  report: TomlReport,
): ScheduleRecord {
  const intervals = schedule.intervals.map(({ days, from, to }, index) => {
    const at = [...path, "intervals", index];
    const named = days.map((day, position) => [[...at, "days", position], day] as const);
    reportRepeats(report, "each day once", named);
    if (from === to) {
      report.fault([...at, "to"], 'another time than from (a whole day is "00:00" to "24:00")');
    }
    return {
      days: days.map((day) => (dayNames.indexOf(day) + 1) as IsoWeekday),
      fromMinute: minuteOfDay(from),
      toMinute: minuteOfDay(to),
    };
  });
  return { id: scheduleId(schedule.id), intervals };
}

/** Of `HH:MM`. */
function minuteOfDay(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}
