import type { CalendarDay, ScheduleRecord, WeeklyInterval } from "../../../src/domain/access.ts";

/*
 * Opening hours on the wall clock of Berlin, worked out from the European Union's rule for summer time
 * and nothing else: no time zone data and none of the product's code. Intervals of this building begin
 * and end outside of 02:00-03:00, so that each local time that matters exists once.
 */

export const buildingZone = "Europe/Berlin";

const minuteMs = 60_000;
/** Intervals of this building begin and end at one, as clocks are put forward at one. */
export const quarterMs = 15 * minuteMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** No schedule of a week with a holiday in it stays as it is for longer. */
const changeWithinDays = 16;

export function isOpen(
  schedule: ScheduleRecord,
  calendar: readonly CalendarDay[],
  at: number,
): boolean {
  const local = at + offsetMs(at);
  const date = Math.floor(local / dayMs);
  const minute = Math.floor((local - date * dayMs) / minuteMs);
  const today = intervalsOf(schedule, calendar, date);
  if (today.some((one) => minute >= one.fromMinute && minute < endMinute(one))) return true;
  const yesterday = intervalsOf(schedule, calendar, date - 1);
  return yesterday.some((one) => minute + 1_440 < endMinute(one));
}

/** The first quarter after `at` at which `say` says something else; undefined: not for two weeks. */
export function nextChange(at: number, say: (at: number) => unknown): number | undefined {
  const now = say(at);
  const first = Math.floor(at / quarterMs) * quarterMs + quarterMs;
  for (let then = first; then < at + changeWithinDays * dayMs; then += quarterMs) {
    if (say(then) !== now) return then;
  }
  return undefined;
}

function endMinute({ fromMinute, toMinute }: WeeklyInterval): number {
  return toMinute > fromMinute ? toMinute : toMinute + 1_440;
}

function intervalsOf(
  { intervals }: ScheduleRecord,
  calendar: readonly CalendarDay[],
  date: number,
): readonly WeeklyInterval[] {
  const day = new Date(date * dayMs);
  const isOfDate = (one: CalendarDay) =>
    one.month === day.getUTCMonth() + 1 && one.day === day.getUTCDate();
  const entry =
    calendar.find((one) => one.year === day.getUTCFullYear() && isOfDate(one)) ??
    calendar.find((one) => one.year === undefined && isOfDate(one));
  const weekday = ((day.getUTCDay() + 6) % 7) + 1;
  return intervals.filter(
    ({ days, dayType }) => dayType === entry?.dayType && days.some((one) => one === weekday),
  );
}

/** Summer time: from the last Sunday of March to that of October, at 01:00 UTC. */
function offsetMs(at: number): number {
  const year = new Date(at).getUTCFullYear();
  const isSummer = at >= lastSunday(year, 2) + hourMs && at < lastSunday(year, 9) + hourMs;
  return isSummer ? 2 * hourMs : hourMs;
}

/** `month` counts from 0 and has 31 days. */
function lastSunday(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month, 31));
  return last.getTime() - last.getUTCDay() * dayMs;
}
