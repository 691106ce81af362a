import type { CalendarDay, IsoWeekday, ScheduleRecord, WeeklyInterval } from "../domain/access.ts";
import type { DayTypeId } from "../domain/ids.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { DayTypes } from "./day-types.ts";
import { type WallClock, wallClockOf } from "./wall-clock.ts";

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
  /** The date that it ends before. */
  readonly end: number;
}

interface Memo {
  readonly window: Window;
  readonly current: Segment;
  readonly unchanged: Stretch & { readonly next?: EpochMs };
}

const nothingFound: Memo = {
  window: { from: 0, until: 0, open: [], end: 0 },
  current: { from: 0, until: 0, isOpen: false },
  unchanged: { from: 0, until: 0 },
};

const minuteMs = 60_000;
const minutesPerDay = 1_440;
const minutesPerWeek = 7 * minutesPerDay;
const weekdays: readonly IsoWeekday[] = [1, 2, 3, 4, 5, 6, 7];
/** One day more than a week, so that a weekly change is nearly always in sight. */
const windowDays = 8;
/** An interval lasts at most a day: one that began earlier than this is over, whatever clocks did. */
const daysBefore = 3;
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
  const clock = wallClockOf(zone);
  const days = new DayTypes(calendar);
  const intervals = record.intervals.filter(
    ({ dayType, days: weekdays }) => weekdays.length > 0 && days.types.has(dayType),
  );
  if (intervals.length === 0) return { isOpen: () => false, nextChangeAt: () => undefined };
  if (coversAlways(intervals, days)) return { isOpen: () => true, nextChangeAt: () => undefined };
  return new WeeklySchedule(intervals, clock, days);
}

class WeeklySchedule implements CompiledSchedule {
  /** How many runs of days were worked out, by any: nearly all that asking ever costs. */
  static windowCount = 0;
  private readonly intervals: readonly WeeklyInterval[];
  private readonly clock: WallClock;
  private readonly days: DayTypes;
  private readonly coverage: Coverage;
  /** What was found last. Only saves time: a question outside of it is worked out anew. */
  private memo: Memo = nothingFound;

  constructor(intervals: readonly WeeklyInterval[], clock: WallClock, days: DayTypes) {
    this.intervals = intervals;
    this.clock = clock;
    this.days = days;
    this.coverage = new Coverage(intervals);
  }

  isOpen(at: EpochMs): boolean {
    const { current } = this.memo;
    if (at >= current.from && at < current.until) return current.isOpen;
    const window = this.windowAround(at);
    const found = segmentIn(window, at);
    this.memo = { ...this.memo, window, current: found };
    return found.isOpen;
  }

  nextChangeAt(at: EpochMs): EpochMs | undefined {
    const { unchanged } = this.memo;
    if (at >= unchanged.from && at < unchanged.until) return unchanged.next;
    const next = this.findChange(at);
    const found =
      next === undefined ? { from: at, until: at + yearMs } : { from: at, until: next, next };
    this.memo = { ...this.memo, unchanged: found };
    return next;
  }

  /** What is remembered, and back to what was. */
  remembered(): Memo {
    return this.memo;
  }

  remember(memo: Memo): void {
    this.memo = memo;
  }

  /** The window of `isOpen` stays where people come and go, however far away the change is. */
  private findChange(at: EpochMs): EpochMs | undefined {
    const horizon = this.clock.dateAt(at + horizonYears * yearMs);
    let window = this.windowAround(at);
    let segment = segmentIn(window, at);
    const isOpenNow = segment.isOpen;
    for (;;) {
      // A segment that the window cuts off may go on in the next.
      while (segment.until < window.until) {
        segment = segmentIn(window, segment.until);
        if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
      }
      const { end } = window;
      const day = isOpenNow
        ? this.nextGap(end, horizon)
        : this.nextStart(end - daysBefore, horizon);
      if (day === undefined) return undefined;
      window = this.openWindow(Math.max(day, end));
      segment = segmentIn(window, window.from);
      if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
    }
  }

  /** The first date from `first` to before `end` on which an interval starts. */
  private nextStart(first: number, end: number): number | undefined {
    const last = Math.min(end - 1, this.days.lastOf(this.coverage.types));
    for (let day = first; day <= last; day += 1) {
      if (this.coverage.starts(weekdayOf(day), this.days.of(day))) return day;
    }
    return undefined;
  }

  /** The first date from `first` to before `end` of which a minute is left out. */
  private nextGap(first: number, end: number): number | undefined {
    let before = this.days.of(first - 1);
    for (let day = first; day < end; day += 1) {
      const on = this.days.of(day);
      if (!this.coverage.isWhole(weekdayOf(day), { before, on })) return day;
      before = on;
    }
    return undefined;
  }

  private windowAround(at: number): Window {
    const { window } = this.memo;
    if (at >= window.from && at < window.until) return window;
    return this.openWindow(this.clock.dateAt(at));
  }

  private openWindow(first: number): Window {
    WeeklySchedule.windowCount += 1;
    const end = first + windowDays;
    const stretches: Stretch[] = [];
    for (let day = first - daysBefore; day < end; day += 1) {
      stretches.push(...this.stretchesOf(day));
    }
    const { clock } = this;
    return { from: clock.startOf(first), until: clock.startOf(end), end, open: merged(stretches) };
  }

  private stretchesOf(day: number): readonly Stretch[] {
    const { clock } = this;
    if (clock.startOf(day) === clock.startOf(day + 1)) return [];
    const weekday = weekdayOf(day);
    const dayTypeHere = this.days.of(day);
    return this.intervals
      .filter(({ dayType, days }) => dayType === dayTypeHere && days.includes(weekday))
      .map((interval) => {
        const minute = day * minutesPerDay + interval.fromMinute;
        const lengthMinutes = lengthOf(interval);
        const from = clock.firstInstant(minute);
        const until = clock.endInstant(minute + lengthMinutes);
        return { from, until: until > from ? until : from + lengthMinutes * minuteMs };
      });
  }
}

/** What a schedule does on a day, by its day of the week and the kind of day it and others are. */
class Coverage {
  /** Those that some interval is for. */
  readonly types: ReadonlySet<DayTypeId | undefined>;
  private readonly starting = new Map<DayTypeId | undefined, ReadonlySet<IsoWeekday>>();
  private readonly ofType = new Map<DayTypeId | undefined, readonly WeeklyInterval[]>();
  private readonly whole = new Map<string, boolean>();

  constructor(intervals: readonly WeeklyInterval[]) {
    this.types = new Set(intervals.map(({ dayType }) => dayType));
    for (const type of this.types) {
      const own = intervals.filter(({ dayType }) => dayType === type);
      this.ofType.set(type, own);
      this.starting.set(type, new Set(own.flatMap(({ days }) => days)));
    }
  }

  starts(weekday: IsoWeekday, on: DayTypeId | undefined): boolean {
    return this.starting.get(on)?.has(weekday) === true;
  }

  /** Whether no minute of the day is left out. */
  isWhole(weekday: IsoWeekday, { before, on }: DayAndTheOneBefore): boolean {
    const key = JSON.stringify([weekday, before, on]);
    let isWhole = this.whole.get(key);
    if (isWhole === undefined) {
      isWhole = coversDay(weekday, this.ofType.get(before) ?? [], this.ofType.get(on) ?? []);
      this.whole.set(key, isWhole);
    }
    return isWhole;
  }
}

/** The kinds of day that they are. */
interface DayAndTheOneBefore {
  readonly before: DayTypeId | undefined;
  readonly on: DayTypeId | undefined;
}

/**
 * What `look` returns, which may ask these schedules about any time: afterwards they remember what
 * they did before, so that whoever presents next does not wait for days to be worked out again.
 * `worked` tells how many runs of days were worked out for it so far.
 */
export function lookAhead<Found>(
  schedules: Iterable<CompiledSchedule>,
  look: (worked: () => number) => Found,
): Found {
  const asked = [...schedules].filter((schedule) => schedule instanceof WeeklySchedule);
  const memos = asked.map((schedule) => schedule.remembered());
  const before = WeeklySchedule.windowCount;
  try {
    return look(() => WeeklySchedule.windowCount - before);
  } finally {
    for (const [index, memo] of memos.entries()) asked[index]?.remember(memo);
  }
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(day: number): IsoWeekday {
  return weekdays[(((day + 3) % 7) + 7) % 7] ?? 1;
}

function lengthOf({ fromMinute, toMinute }: WeeklyInterval): number {
  return toMinute > fromMinute ? toMinute - fromMinute : toMinute + minutesPerDay - fromMinute;
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
  return weekdays.every((day) => coversDay(day, before, on));
}

function coversDay(
  day: IsoWeekday,
  before: readonly WeeklyInterval[],
  on: readonly WeeklyInterval[],
): boolean {
  const covered = new Uint8Array(minutesPerDay);
  for (const interval of on.filter(({ days }) => days.includes(day))) {
    covered.fill(1, interval.fromMinute, interval.fromMinute + lengthOf(interval));
  }
  const dayBefore = day === 1 ? 7 : ((day - 1) as IsoWeekday);
  for (const interval of before.filter(({ days }) => days.includes(dayBefore))) {
    covered.fill(1, 0, Math.max(0, interval.fromMinute + lengthOf(interval) - minutesPerDay));
  }
  return !covered.includes(0);
}
