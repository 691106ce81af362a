import type { CalendarDay, IsoWeekday, ScheduleRecord } from "../domain/access.ts";
import { dayTypeId, scheduleId } from "../domain/ids.ts";
import { isCalendarDate } from "../protocols/sync/calendar-date.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../protocols/toml/reference-checks.ts";
import { dayNames, type ScheduleTable, type SiteTables } from "./site-file-schema.ts";

/** Before it, and after 9999, there is no instant that a table could name. */
const yearMin = 1_970;

export function readCalendar({ calendar }: SiteTables, report: TomlReport): readonly CalendarDay[] {
  const dates = calendar.map(({ date }, index) => [["calendar", index, "date"], date] as const);
  reportRepeats(report, "each date once", dates);
  return calendar.map(({ date, day_type: dayType }, index) => {
    const [day = 0, month = 0, year] = date.split("-").map(Number).reverse();
    const path = ["calendar", index, "date"];
    const dated = { ...(year !== undefined && { year }), month, day };
    if (!isCalendarDate(dated)) {
      report.fault(path, "a day that its month has");
    } else if (year !== undefined && year < yearMin) {
      report.fault(path, `a year from ${yearMin} to 9999`);
    }
    return { ...dated, dayType: dayTypeId(dayType) };
  });
}

export function readSchedules(tables: SiteTables, report: TomlReport): readonly ScheduleRecord[] {
  const dayTypes = new Set(tables.calendar.map(({ day_type: dayType }) => dayType));
  return tables.schedules.map((schedule, index) =>
    scheduleRecord(schedule, ["schedules", index], { dayTypes, report }),
  );
}

function scheduleRecord(
  schedule: ScheduleTable,
  path: KeyPath,
  context: { readonly dayTypes: ReadonlySet<string>; readonly report: TomlReport },
): ScheduleRecord {
  const { dayTypes, report } = context;
  const intervals = schedule.intervals.map(({ days, day_type: dayType, from, to }, index) => {
    const at = [...path, "intervals", index];
    const named = days.map((day, position) => [[...at, "days", position], day] as const);
    reportRepeats(report, "each day once", named);
    if (from === to) {
      report.fault([...at, "to"], 'another time than from (a whole day is "00:00" to "24:00")');
    }
    if (dayType !== undefined) {
      // The interval would never be open, and hardly anybody means that.
      const reference = { path: [...at, "day_type"], what: "day type of the calendar" };
      reportUnknownName(report, { ...reference, name: dayType, known: dayTypes });
    }
    return {
      days: days.map((day) => (dayNames.indexOf(day) + 1) as IsoWeekday),
      ...(dayType !== undefined && { dayType: dayTypeId(dayType) }),
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
