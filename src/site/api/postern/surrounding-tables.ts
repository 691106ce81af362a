import type {
  AreaRecord,
  CalendarDay,
  ScheduleRecord,
  UserTrait,
  ZoneRecord,
} from "../../../domain/access.ts";
import type { WiegandFormat } from "../../../protocols/wiegand/format.ts";
import {
  type AreaTable,
  type DoorTable,
  dayNames,
  type ScheduleTable,
  type SiteTables,
} from "../../site-file-schema.ts";
import type { SiteDoor } from "../../site-model.ts";
import type { SurroundingRow } from "../../store/store-schema.ts";

/*
 * What stands in the store, as a site file would say it: so the same checks look at both, and the API
 * has the file's words.
 */

type ZoneTable = SiteTables["zones"][number];
type CalendarTable = SiteTables["calendar"][number];
type FormatTable = SiteTables["formats"][number];

export function doorTable(door: SiteDoor): DoorTable {
  return {
    id: door.id,
    name: door.name,
    controller: door.controller,
    readers: [...door.readers],
    posture: door.posture,
    unlock_ms: door.unlockMs,
    extra_time_ms: door.extraTimeMs,
    held_open_ms: door.heldOpenMs,
    held_open_warning_ms: door.heldOpenWarningMs,
    held_open_watch: door.heldOpenWatch,
    strike_on_max_ms: door.strikeOnMaxMs,
    relock: door.relock,
    factors: door.factors,
    second_factor_ms: door.secondFactorMs,
    rex: door.rex,
    clock_unknown: door.clockUnknown,
    ...(door.inside !== undefined && { inside: door.inside }),
    ...(door.outside !== undefined && { outside: door.outside }),
    exit_readers: [...door.exitReaders],
    interlock: [...door.interlock],
    two_person: door.twoPerson,
    company_ms: door.companyMs,
    tamper: door.tamper,
    fire: door.fire,
    after_restart: door.afterRestart,
  };
}

export function zoneTable({ id, parent, doors }: ZoneRecord): ZoneTable {
  return { id, ...(parent !== undefined && { parent }), doors: [...doors] };
}

export function areaTable(area: AreaRecord): AreaTable {
  return {
    id: area.id,
    passback: area.passback,
    ...(area.passbackMs !== undefined && { passback_ms: area.passbackMs }),
    ...(area.occupancyMax !== undefined && { occupancy_max: area.occupancyMax }),
    manager_in: area.managerIn,
  };
}

export function scheduleTable({ id, intervals }: ScheduleRecord): ScheduleTable {
  return {
    id,
    intervals: intervals.map(({ days, dayType, fromMinute, toMinute }) => ({
      days: days.flatMap((day) => dayNames[day - 1] ?? []),
      ...(dayType !== undefined && { day_type: dayType }),
      from: clockText(fromMinute),
      to: clockText(toMinute),
    })),
  };
}

const twoDigits = (number: number): string => String(number).padStart(2, "0");

function clockText(minute: number): string {
  return `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
}

export function calendarTable({ year, month, day, dayType }: CalendarDay): CalendarTable {
  const yearly = `${twoDigits(month)}-${twoDigits(day)}`;
  const date = year === undefined ? yearly : `${String(year).padStart(4, "0")}-${yearly}`;
  return { date, day_type: dayType };
}

export function formatTable({ name, bitCount, fields, parity }: WiegandFormat): FormatTable {
  return {
    name,
    bit_count: bitCount,
    fields: fields.map((field) => ({
      name: field.name,
      first_bit: field.firstBit,
      bit_count: field.bitCount,
      as: field.as,
    })),
    parity: parity.map(({ bit, covers, sense }) => ({ bit, covers: [...covers], sense })),
  };
}

/** As the site's own rows say; those that were written by nobody else are trusted. */
export function siteTables(
  rows: readonly SurroundingRow[],
  zone: string,
  users: readonly { readonly id: string; readonly suspended: number; readonly traits: string }[],
): SiteTables {
  const of = <Record, Table>(kind: SurroundingRow["kind"], table: (record: Record) => Table) =>
    rows.filter((row) => row.kind === kind).map(({ body }) => table(JSON.parse(body) as Record));
  return {
    site: "site",
    zone,
    doors: of("door", doorTable),
    zones: of("zone", zoneTable),
    areas: of("area", areaTable),
    schedules: of("schedule", scheduleTable),
    calendar: of("calendar_day", calendarTable),
    formats: of("card_format", formatTable),
    users: users.map(({ id, suspended, traits }) => ({
      id,
      name: id,
      suspended: suspended === 1,
      traits: JSON.parse(traits) as UserTrait[],
    })),
    passes: [],
    rules: [],
  };
}
