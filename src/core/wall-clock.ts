import { Temporal } from "temporal-polyfill";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** What a change of clocks may move, a skipped date included, and the offset itself, in days. */
const marginDays = 3;

/** Days of UTC at whose beginnings clocks are equally far from it; from the first to the last. */
interface Steady {
  readonly from: number;
  readonly until: number;
  readonly offsetMs: number;
}

/**
 * What the clocks on the walls of one IANA zone show. A wall-clock time is the count of minutes since
 * 1970-01-01T00:00 on the wall, a date the count of days.
 *
 * Between changes of clocks, which is nearly always, this is arithmetic; that no change is near is
 * seen from the offset of each day. It takes for granted that no zone changes its clocks and changes
 * them back within one day.
 */
export class WallClock {
  private readonly zone: string;
  private steady: Steady = { from: 0, until: -1, offsetMs: 0 };

  /** Throws a RangeError for a zone that is none. */
  constructor(zone: string) {
    new Temporal.ZonedDateTime(0n, zone);
    this.zone = zone;
  }

  /** The date that is shown at this instant. */
  dateAt(at: number): number {
    const day = Math.floor(at / dayMs);
    const offsetMs = this.offsetAround(day) ?? this.offsetAt(at);
    return Math.floor((at + offsetMs) / dayMs);
  }

  /** The first instant of the date; of one that the zone skips, that of the next. */
  startOf(date: number): number {
    const offsetMs = this.offsetAround(date);
    if (offsetMs !== undefined) return date * dayMs - offsetMs;
    const day = new Temporal.PlainDate(1970, 1, 1).add({ days: date });
    return day.toZonedDateTime(this.zone).epochMilliseconds;
  }

  /** The first instant at which `minute` is shown or, where clocks skip that, a later one. */
  firstInstant(minute: number): number {
    const offsetMs = this.offsetAround(Math.floor((minute * minuteMs) / dayMs));
    if (offsetMs !== undefined) return minute * minuteMs - offsetMs;
    const wall = plainOf(minute);
    const first = wall.toZonedDateTime(this.zone, { disambiguation: "earlier" });
    return first.toPlainDateTime().equals(wall) ? first.epochMilliseconds : endOfGap(first);
  }

  /** The end of the last instant at which a time before `minute` is shown. */
  endInstant(minute: number): number {
    const offsetMs = this.offsetAround(Math.floor((minute * minuteMs) / dayMs));
    if (offsetMs !== undefined) return minute * minuteMs - offsetMs;
    const wall = plainOf(minute);
    const first = wall.toZonedDateTime(this.zone, { disambiguation: "earlier" });
    const last = wall.toZonedDateTime(this.zone, { disambiguation: "later" });
    if (first.epochMilliseconds === last.epochMilliseconds) return first.epochMilliseconds;
    if (!first.toPlainDateTime().equals(wall)) return endOfGap(first);
    // Where clocks go back to exactly `wall`, times after it precede its second showing.
    const before = last.subtract({ milliseconds: 1 }).toPlainDateTime();
    return (Temporal.PlainDateTime.compare(before, wall) < 0 ? last : first).epochMilliseconds;
  }

  /** The offset on this day and those around it, or undefined where a change may be near. */
  private offsetAround(day: number): number | undefined {
    const from = day - marginDays;
    const until = day + marginDays;
    let { steady } = this;
    if (from < steady.from || until > steady.until) {
      // Days are nearly always asked about in turn, so that most are known already.
      if (from < steady.from || from > steady.until) {
        steady = { from, until: from, offsetMs: this.offsetAt(from * dayMs) };
      }
      while (steady.until < until) {
        const next = steady.until + 1;
        if (this.offsetAt(next * dayMs) !== steady.offsetMs) break;
        steady = { ...steady, until: next };
      }
      this.steady = steady;
    }
    return from >= steady.from && until <= steady.until ? steady.offsetMs : undefined;
  }

  private offsetAt(at: number): number {
    const instant = Temporal.Instant.fromEpochMilliseconds(Math.floor(at));
    return instant.toZonedDateTimeISO(this.zone).offsetNanoseconds / 1_000_000;
  }
}

function plainOf(minute: number): Temporal.PlainDateTime {
  return new Temporal.PlainDateTime(1970, 1, 1).add({ minutes: minute });
}

/** `before` lies before the gap by no more than the gap is long. */
function endOfGap(before: Temporal.ZonedDateTime): number {
  const transition = before.getTimeZoneTransition("next");
  if (transition === null) throw new Error(`no change of clocks after ${before.toString()}`);
  return transition.epochMilliseconds;
}
