import type { CalendarDay } from "../domain/access.ts";

/** As a site file writes it: `2026-12-24`, or `12-25` of every year. */
export function calendarDayId({ year, month, day }: Omit<CalendarDay, "dayType">): string {
  const digits = (number: number, count: number) => String(number).padStart(count, "0");
  const yearly = `${digits(month, 2)}-${digits(day, 2)}`;
  return year === undefined ? yearly : `${digits(year, 4)}-${yearly}`;
}
