import { Temporal } from "temporal-polyfill";
import type { CalendarDay, IsoWeekday, ScheduleRecord, WeeklyInterval } from "../domain/access.ts";
import type { DayTypeId } from "../domain/ids.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";

export interface CompiledSchedule {
  isOpen(at: EpochMs): boolean;
  /** When `isOpen` next says otherwise than at `at`; undefined where it never does. */
  nextChangeAt(at: EpochMs): EpochMs | undefined;
}

/** From `from` inclusive to `until` exclusive nothing changes. */
interface Stretch {
  readonly from: number;
  readonly until: number;
}

interface Segment extends Stretch {
  readonly isOpen: boolean;
}

/** The open stretches of a run of days: in order, apart from one another, none missing. */
interface Window extends Stretch {
  readonly open: readonly Stretch[];
  /** None of its days is in the calendar. */
  readonly isOrdinary: boolean;
}

const minuteMs = 60_000;
const minutesPerDay = 1_440;
const minutesPerWeek = 7 * minutesPerDay;
const weekdays: readonly IsoWeekday[] = [1, 2, 3, 4, 5, 6, 7];
/** One day more than a week, so that a weekly change is nearly always in sight. */
const windowDays = 8;
/** An interval lasts at most a day: one that began earlier than this is over, whatever clocks did. */
const daysBefore = 3;
/** More windows without a change than any zone can cause by skipping or repeating hours. */
const ordinaryWindowsMax = 12;
const yearMs = 366 * 86_400_000;
/** Within this any yearly day but the 29th of February has fallen on each day of the week. */
const horizonYears = 12;

/**
 * A weekly schedule on the wall clock of an IANA zone. An interval belongs to the day on which it
 * starts and is open once for each such day, in one stretch:
 *
 * - It is open from the first to the last instant whose wall-clock time lies in it. Where clocks go
 *   forward, a start or end in the hour that is left out is therefore the end of that hour; where they
 *   go back, an interval that reaches into the repeated hour starts at the first pass of that hour,
 *   ends in the second, and does not close between. Nobody is shut out at a time the interval names.
 * - An interval that lies in the left-out hour altogether opens when that hour would have ended, for
 *   as long as it usually is open. A date which the zone skips altogether has no intervals.
 * - A schedule that leaves out no minute of the week, whatever days the calendar holds, is always
 *   open.
 * - Stretches that touch or overlap are one: no change is seen between 09:00-12:00 and 12:00-17:00.
 *
 * A date has the day type that the calendar gives to that very date, else the one that it gives to
 * that day of every year, else none; only intervals for it start on it. One that started the evening
 * before runs on into it: the night shift before a holiday ends when it does.
 *
 * Throws a RangeError for a zone that is none.
 */
export function compileSchedule(
  record: ScheduleRecord,
  zone: string,
  calendar: readonly CalendarDay[] = [],
): CompiledSchedule {
  new Temporal.ZonedDateTime(0n, zone);
  const days = new DayTypes(calendar);
  const intervals = record.intervals.filter(
    ({ dayType, days: weekdays }) => weekdays.length > 0 && days.has(dayType),
  );
  if (intervals.length === 0) return { isOpen: () => false, nextChangeAt: () => undefined };
  if (coversAlways(intervals, days)) return { isOpen: () => true, nextChangeAt: () => undefined };
  return new WeeklySchedule(intervals, zone, days);
}

/** The calendar, by date. */
class DayTypes {
  /** Undefined: that of dates which are not in the calendar. */
  readonly types: ReadonlySet<DayTypeId | undefined>;
  private readonly dated = new Map<number, DayTypeId>();
  private readonly yearly = new Map<number, DayTypeId>();

  constructor(calendar: readonly CalendarDay[]) {
    for (const { year, month, day, dayType } of calendar) {
      const inYear = month * 100 + day;
      if (year === undefined) this.yearly.set(inYear, dayType);
      else this.dated.set(year * 10_000 + inYear, dayType);
    }
    this.types = new Set([undefined, ...calendar.map(({ dayType }) => dayType)]);
  }

  has(dayType: DayTypeId | undefined): boolean {
    return this.types.has(dayType);
  }

  of({ year, month, day }: Temporal.PlainDate): DayTypeId | undefined {
    const inYear = month * 100 + day;
    return this.dated.get(year * 10_000 + inYear) ?? this.yearly.get(inYear);
  }

  /** The first date from `date` on that is in the calendar and before `end`. */
  nextFrom(date: Temporal.PlainDate, end: Temporal.PlainDate): Temporal.PlainDate | undefined {
    if (this.types.size === 1) return undefined;
    for (let one = date; Temporal.PlainDate.compare(one, end) < 0; one = one.add({ days: 1 })) {
      if (this.of(one) !== undefined) return one;
    }
    return undefined;
  }
}

class WeeklySchedule implements CompiledSchedule {
  private readonly intervals: readonly WeeklyInterval[];
  private readonly zone: string;
  private readonly days: DayTypes;
  /** What was found last. Only saves time: a question outside of it is worked out anew. */
  private window: Window = { from: 0, until: 0, open: [], isOrdinary: true };
  private current: Segment = { from: 0, until: 0, isOpen: false };
  private unchanged: Stretch & { readonly next?: EpochMs } = { from: 0, until: 0 };

  constructor(intervals: readonly WeeklyInterval[], zone: string, days: DayTypes) {
    this.intervals = intervals;
    this.zone = zone;
    this.days = days;
  }

  isOpen(at: EpochMs): boolean {
    const { current } = this;
    if (at >= current.from && at < current.until) return current.isOpen;
    this.window = this.windowAround(at);
    this.current = segmentIn(this.window, at);
    return this.current.isOpen;
  }

  nextChangeAt(at: EpochMs): EpochMs | undefined {
    const { unchanged } = this;
    if (at >= unchanged.from && at < unchanged.until) return unchanged.next;
    const next = this.findChange(at);
    this.unchanged =
      next === undefined ? { from: at, until: at + yearMs } : { from: at, until: next, next };
    return next;
  }

  private findChange(at: EpochMs): EpochMs | undefined {
    const horizon = at + horizonYears * yearMs;
    let window = this.windowAround(at);
    let segment = segmentIn(window, at);
    const isOpenNow = segment.isOpen;
    let ordinaryCount = 0;
    while (window.from < horizon) {
      // A segment that the window cuts off may go on in the next.
      while (segment.until < window.until) {
        segment = segmentIn(window, segment.until);
        if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
      }
      ordinaryCount += window.isOrdinary ? 1 : 0;
      let from = window.until;
      if (window.isOrdinary && ordinaryCount >= ordinaryWindowsMax) {
        // Ordinary weeks change nothing: what may is a day of the calendar.
        const special = this.days.nextFrom(this.dateAt(from), this.dateAt(horizon));
        if (special === undefined) return undefined;
        from = this.startOfDay(special);
      }
      window = this.windowAround(from);
      segment = segmentIn(window, from);
      if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
    }
    return undefined;
  }

  private dateAt(at: number): Temporal.PlainDate {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(at))
      .toZonedDateTimeISO(this.zone)
      .toPlainDate();
  }

  private windowAround(at: number): Window {
    const { window } = this;
    return at >= window.from && at < window.until ? window : this.openWindow(at);
  }

  private openWindow(at: number): Window {
    const first = this.dateAt(at);
    const end = first.add({ days: windowDays });
    const stretches: Stretch[] = [];
    for (let day = -daysBefore; day < windowDays; day += 1) {
      stretches.push(...this.stretchesOf(first.add({ days: day })));
    }
    return {
      from: this.startOfDay(first),
      until: this.startOfDay(end),
      open: merged(stretches),
      isOrdinary: this.days.nextFrom(first, end) === undefined,
    };
  }

  private stretchesOf(date: Temporal.PlainDate): readonly Stretch[] {
    if (this.startOfDay(date) === this.startOfDay(date.add({ days: 1 }))) return [];
    const dayTypeHere = this.days.of(date);
    return this.intervals
      .filter(({ dayType }) => dayType === dayTypeHere)
      .filter(({ days }) => days.some((day) => day === date.dayOfWeek))
      .map((interval) => {
        const from = this.firstInstant(wallTime(date, interval.fromMinute));
        const lengthMinutes = lengthOf(interval);
        const until = this.endInstant(wallTime(date, interval.fromMinute + lengthMinutes));
        return { from, until: until > from ? until : from + lengthMinutes * minuteMs };
      });
  }

  private startOfDay(date: Temporal.PlainDate): number {
    return date.toZonedDateTime(this.zone).epochMilliseconds;
  }

  /** The first instant at which the wall clock shows `wall` or, where it skips that, later. */
  private firstInstant(wall: Temporal.PlainDateTime): number {
    const first = wall.toZonedDateTime(this.zone, { disambiguation: "earlier" });
    return first.toPlainDateTime().equals(wall) ? first.epochMilliseconds : endOfGap(first);
  }

  /** The end of the last instant at which the wall clock shows a time before `wall`. */
  private endInstant(wall: Temporal.PlainDateTime): number {
    const first = wall.toZonedDateTime(this.zone, { disambiguation: "earlier" });
    const last = wall.toZonedDateTime(this.zone, { disambiguation: "later" });
    if (first.epochMilliseconds === last.epochMilliseconds) return first.epochMilliseconds;
    if (!first.toPlainDateTime().equals(wall)) return endOfGap(first);
    // Where clocks go back to exactly `wall`, times after it precede its second showing.
    const before = last.subtract({ milliseconds: 1 }).toPlainDateTime();
    return (Temporal.PlainDateTime.compare(before, wall) < 0 ? last : first).epochMilliseconds;
  }
}

function wallTime(date: Temporal.PlainDate, minute: number): Temporal.PlainDateTime {
  return date
    .add({ days: Math.floor(minute / minutesPerDay) })
    .toPlainDateTime({ hour: Math.floor((minute % minutesPerDay) / 60), minute: minute % 60 });
}

function lengthOf({ fromMinute, toMinute }: WeeklyInterval): number {
  return toMinute > fromMinute ? toMinute - fromMinute : toMinute + minutesPerDay - fromMinute;
}

/** `before` lies before the gap by no more than the gap is long. */
function endOfGap(before: Temporal.ZonedDateTime): number {
  const transition = before.getTimeZoneTransition("next");
  if (transition === null) throw new Error(`no change of clocks after ${before.toString()}`);
  return transition.epochMilliseconds;
}

function merged(stretches: readonly Stretch[]): readonly Stretch[] {
  const result: Stretch[] = [];
  for (const stretch of stretches.toSorted((left, right) => left.from - right.from)) {
    const last = result.at(-1);
    if (last === undefined || stretch.from > last.until) result.push(stretch);
    else if (stretch.until > last.until) {
      result[result.length - 1] = { from: last.from, until: stretch.until };
    }
  }
  return result;
}

function segmentIn(window: Window, at: number): Segment {
  let { from } = window;
  for (const stretch of window.open) {
    if (at < stretch.from) {
      return { from, until: Math.min(stretch.from, window.until), isOpen: false };
    }
    if (at < stretch.until) {
      return {
        from: Math.max(stretch.from, window.from),
        until: Math.min(stretch.until, window.until),
        isOpen: true,
      };
    }
    from = Math.max(from, stretch.until);
  }
  return { from, until: window.until, isOpen: false };
}

/** Whether no minute is left out of any day, whatever kind of day it and the one before it are. */
function coversAlways(intervals: readonly WeeklyInterval[], { types }: DayTypes): boolean {
  const ofType = [...types].map((type) => intervals.filter(({ dayType }) => dayType === type));
  // Cheap to see of nearly every schedule.
  if (ofType.some((list) => weeklyMinutes(list) < minutesPerWeek)) return false;
  return ofType.every((before) => ofType.every((on) => coversDays(before, on)));
}

function weeklyMinutes(intervals: readonly WeeklyInterval[]): number {
  return intervals.reduce((sum, one) => sum + one.days.length * lengthOf(one), 0);
}

function coversDays(before: readonly WeeklyInterval[], on: readonly WeeklyInterval[]): boolean {
  return weekdays.every((day) => {
    const covered = new Uint8Array(minutesPerDay);
    for (const interval of on.filter(({ days }) => days.includes(day))) {
      covered.fill(1, interval.fromMinute, interval.fromMinute + lengthOf(interval));
    }
    const dayBefore = day === 1 ? 7 : ((day - 1) as IsoWeekday);
    for (const interval of before.filter(({ days }) => days.includes(dayBefore))) {
      covered.fill(1, 0, Math.max(0, interval.fromMinute + lengthOf(interval) - minutesPerDay));
    }
    return !covered.includes(0);
  });
}
