import { Temporal } from "temporal-polyfill";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A change of clocks may skip a whole date, and clocks are nearly a day from UTC. */
const daysBefore = 2;
const daysAfter = 3;
/** Some years, of which more than a few weeks are rarely asked about. */
const rememberedDaysMax = 4_096;

/** From this instant to the beginning of the next one clocks are this far from UTC. */
interface Span {
  readonly from: number;
  readonly offsetMs: number;
}

/**
 * What the clocks on the walls of one IANA zone show. A wall-clock time is the count of minutes since
 * 1970-01-01T00:00 on the wall, a date the count of days. It takes for granted that no zone changes
 * its clocks twice between two midnights of UTC.
 */
export interface WallClock {
  /** The date that is shown at this instant. */
  dateAt(at: number): number;
  /** The first instant of the date; of one that the zone skips, that of the next. */
  startOf(date: number): number;
  /** The first instant at which `minute` is shown or, where clocks skip that, a later one. */
  firstInstant(minute: number): number;
  /** The end of the last instant at which a time before `minute` is shown. */
  endInstant(minute: number): number;
}

/** Kept, since all schedules of a table ask for the same days of one zone. */
const clocks = new Map<string, WallClock>();

/** Throws a RangeError for a zone that is none. */
export function wallClockOf(zone: string): WallClock {
  const { timeZoneId } = new Temporal.ZonedDateTime(0n, zone);
  const known = clocks.get(timeZoneId);
  if (known !== undefined) return known;
  const clock = new ZoneClock(timeZoneId);
  clocks.set(timeZoneId, clock);
  return clock;
}

/** Arithmetic with offsets that are asked for once a day, because asking is slow. */
class ZoneClock implements WallClock {
  private readonly zone: string;
  /** At the beginning of each day of UTC. */
  private readonly offsets = new Map<number, number>();
  /** The instant within the day of UTC at which clocks change. */
  private readonly changes = new Map<number, number>();

  constructor(zone: string) {
    this.zone = zone;
  }

  dateAt(at: number): number {
    const spans = this.spansAround(Math.floor(at / dayMs));
    const offsetMs = spans.findLast(({ from }) => from <= at)?.offsetMs ?? 0;
    return Math.floor((at + offsetMs) / dayMs);
  }

  startOf(date: number): number {
    return this.firstInstant((date * dayMs) / minuteMs);
  }

  firstInstant(minute: number): number {
    const wall = minute * minuteMs;
    const spans = this.spansAround(Math.floor(wall / dayMs));
    for (const [index, { from, offsetMs }] of spans.entries()) {
      // Not shown any more in the span before: what clocks skipped is over when they did.
      const instant = Math.max(from, wall - offsetMs);
      if (instant < (spans[index + 1]?.from ?? Infinity)) return instant;
    }
    throw new Error(`no span for minute ${minute} in ${this.zone}`);
  }

  endInstant(minute: number): number {
    const wall = minute * minuteMs;
    const spans = this.spansAround(Math.floor(wall / dayMs));
    const last = spans.findLastIndex(({ from, offsetMs }) => from + offsetMs < wall);
    const until = spans[last + 1]?.from ?? Infinity;
    return Math.min(wall - (spans[last]?.offsetMs ?? 0), until);
  }

  private spansAround(day: number): readonly Span[] {
    let offsetMs = this.offsetOn(day - daysBefore);
    const spans: Span[] = [{ from: -Infinity, offsetMs }];
    for (let one = day - daysBefore; one < day + daysAfter; one += 1) {
      const next = this.offsetOn(one + 1);
      if (next === offsetMs) continue;
      spans.push({ from: this.changeOn(one), offsetMs: next });
      offsetMs = next;
    }
    return spans;
  }

  private offsetOn(day: number): number {
    const known = this.offsets.get(day);
    if (known !== undefined) return known;
    if (this.offsets.size >= rememberedDaysMax) this.offsets.clear();
    const offsetMs = this.offsetAt(day * dayMs);
    this.offsets.set(day, offsetMs);
    return offsetMs;
  }

  private changeOn(day: number): number {
    const known = this.changes.get(day);
    if (known !== undefined) return known;
    if (this.changes.size >= rememberedDaysMax) this.changes.clear();
    let before = day * dayMs;
    let after = before + dayMs;
    const offsetMs = this.offsetOn(day);
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.offsetAt(middle) === offsetMs) before = middle;
      else after = middle;
    }
    this.changes.set(day, after);
    return after;
  }

  private offsetAt(at: number): number {
    const instant = Temporal.Instant.fromEpochMilliseconds(at);
    return instant.toZonedDateTimeISO(this.zone).offsetNanoseconds / 1_000_000;
  }
}
