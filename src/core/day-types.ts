import type { CalendarDay } from "../domain/access.ts";
import type { DayTypeId } from "../domain/ids.ts";

const dayMs = 86_400_000;

/** The calendar, by date. A date is the count of days since 1970-01-01. */
export class DayTypes {
  /** Undefined: that of dates which are not in the calendar. */
  readonly types: ReadonlySet<DayTypeId | undefined>;
  private readonly dated = new Map<number, DayTypeId>();
  private readonly yearly = new Map<number, DayTypeId>();

  constructor(calendar: readonly CalendarDay[]) {
    for (const { year, month, day, dayType } of calendar) {
      if (year === undefined) this.yearly.set(month * 100 + day, dayType);
      else this.dated.set(Date.UTC(year, month - 1, day) / dayMs, dayType);
    }
    this.types = new Set([undefined, ...calendar.map(({ dayType }) => dayType)]);
  }

  of(day: number): DayTypeId | undefined {
    const found = this.dated.get(day);
    if (found !== undefined || this.yearly.size === 0) return found;
    const date = new Date(day * dayMs);
    return this.yearly.get((date.getUTCMonth() + 1) * 100 + date.getUTCDate());
  }

  /** After it no date has any of these types; Infinity where the calendar does not tell. */
  lastOf(types: ReadonlySet<DayTypeId | undefined>): number {
    if (types.has(undefined)) return Infinity;
    for (const type of this.yearly.values()) if (types.has(type)) return Infinity;
    let last = -Infinity;
    for (const [day, type] of this.dated) if (types.has(type) && day > last) last = day;
    return last;
  }
}
