import type { TableContent } from "../../../src/domain/access.ts";
import type { ScheduleId } from "../../../src/domain/ids.ts";

const dayMs = 86_400_000;

/**
 * Whether a schedule is open, told from the wall clock that Intl shows: right away from changes of
 * clocks only. An interval is looked for on the day itself and on the day before, over midnight.
 */
export function naivelyOpen(content: TableContent, schedule: ScheduleId, at: number): boolean {
  const shown = new Intl.DateTimeFormat("sv-SE", {
    timeZone: content.zone,
    dateStyle: "short",
    timeStyle: "short",
  }).format(at);
  const wall = Date.parse(`${shown.replace(" ", "T")}:00Z`);
  const midnight = Math.floor(wall / dayMs) * dayMs;
  const intervals = content.schedules.find(({ id }) => id === schedule)?.intervals ?? [];
  return [midnight, midnight - dayMs].some((date) => {
    const minute = (wall - date) / 60_000;
    // 1970-01-01 was a Thursday.
    const weekday = ((date / dayMs + 3) % 7) + 1;
    return intervals.some(({ days, dayType, fromMinute, toMinute }) => {
      const end = toMinute + (toMinute <= fromMinute ? 1_440 : 0);
      const isToday = days.some((day) => day === weekday) && dayType === dayTypeOf(content, date);
      return isToday && minute >= fromMinute && minute < end;
    });
  });
}

function dayTypeOf({ calendar }: TableContent, date: number): string | undefined {
  const shown = new Date(date);
  const same = calendar.filter(
    ({ month, day }) => month === shown.getUTCMonth() + 1 && day === shown.getUTCDate(),
  );
  const dated = same.find(({ year }) => year === shown.getUTCFullYear());
  return (dated ?? same.find(({ year }) => year === undefined))?.dayType;
}
