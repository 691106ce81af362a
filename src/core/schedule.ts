import { Temporal } from "temporal-polyfill";
import type { ScheduleRecord, WeeklyInterval } from "../domain/access.ts";
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
}

const minuteMs = 60_000;
const minutesPerDay = 1_440;
const minutesPerWeek = 7 * minutesPerDay;
/** One day more than a week, so that a weekly change is nearly always in sight. */
const windowDays = 8;
/** An interval lasts at most a day: one that began earlier than this is over, whatever clocks did. */
const daysBefore = 3;
/** More windows without a change than any zone can cause by skipping or repeating hours. */
const windowsMax = 12;

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
 * - A schedule that leaves out no minute of the week is always open.
 * - Stretches that touch or overlap are one: no change is seen between 09:00-12:00 and 12:00-17:00.
 *
 * Throws a RangeError for a zone that is none.
 */
export function compileSchedule(record: ScheduleRecord, zone: string): CompiledSchedule {
  new Temporal.ZonedDateTime(0n, zone);
  if (coversWeek(record.intervals)) return { isOpen: () => true, nextChangeAt: () => undefined };
  if (record.intervals.every(({ days }) => days.length === 0)) {
    return { isOpen: () => false, nextChangeAt: () => undefined };
  }
  return new WeeklySchedule(record.intervals, zone);
}

class WeeklySchedule implements CompiledSchedule {
  private readonly intervals: readonly WeeklyInterval[];
  private readonly zone: string;
  /** What was found last. Only saves time: a question outside of it is worked out anew. */
  private window: Window = { from: 0, until: 0, open: [] };
  private current: Segment = { from: 0, until: 0, isOpen: false };

  constructor(intervals: readonly WeeklyInterval[], zone: string) {
    this.intervals = intervals;
    this.zone = zone;
  }

  isOpen(at: EpochMs): boolean {
    const { current } = this;
    if (at >= current.from && at < current.until) return current.isOpen;
    this.window = this.windowAround(at);
    this.current = segmentIn(this.window, at);
    return this.current.isOpen;
  }

  nextChangeAt(at: EpochMs): EpochMs | undefined {
    let window = this.windowAround(at);
    let segment = segmentIn(window, at);
    const isOpenNow = segment.isOpen;
    for (let windows = 0; windows < windowsMax; windows += 1) {
      // A segment that the window cuts off may go on in the next.
      while (segment.until < window.until) {
        segment = segmentIn(window, segment.until);
        if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
      }
      window = this.windowAround(window.until);
      segment = segmentIn(window, window.from);
      if (segment.isOpen !== isOpenNow) return epochMs(segment.from);
    }
    return undefined;
  }

  private windowAround(at: number): Window {
    const { window } = this;
    return at >= window.from && at < window.until ? window : this.openWindow(at);
  }

  private openWindow(at: number): Window {
    const first = Temporal.Instant.fromEpochMilliseconds(Math.floor(at))
      .toZonedDateTimeISO(this.zone)
      .toPlainDate();
    const stretches: Stretch[] = [];
    for (let day = -daysBefore; day < windowDays; day += 1) {
      stretches.push(...this.stretchesOf(first.add({ days: day })));
    }
    return {
      from: this.startOfDay(first),
      until: this.startOfDay(first.add({ days: windowDays })),
      open: merged(stretches),
    };
  }

  private stretchesOf(date: Temporal.PlainDate): readonly Stretch[] {
    if (this.startOfDay(date) === this.startOfDay(date.add({ days: 1 }))) return [];
    return this.intervals
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

function coversWeek(intervals: readonly WeeklyInterval[]): boolean {
  const covered = new Uint8Array(minutesPerWeek);
  for (const interval of intervals) {
    for (const day of interval.days) {
      const from = (day - 1) * minutesPerDay + interval.fromMinute;
      for (let minute = 0; minute < lengthOf(interval); minute += 1) {
        covered[(from + minute) % minutesPerWeek] = 1;
      }
    }
  }
  return !covered.includes(0);
}
