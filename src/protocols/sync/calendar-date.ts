/** 2000 had a 29 February, as some of the years have that a yearly day is meant for. */
const leapYear = 2_000;

export interface CalendarDate {
  /** Absent: that day of every year that has it. */
  readonly year?: number;
  readonly month: number;
  readonly day: number;
}

/** Whether the month has that day. */
export function isCalendarDate({ year = leapYear, month, day }: CalendarDate): boolean {
  const date = new Date(0);
  // By the setter, because the constructors take the years below 100 for ones of the last century.
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
