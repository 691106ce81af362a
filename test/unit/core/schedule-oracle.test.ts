import fc from "fast-check";
import t from "tap";
import { compileSchedule } from "../../../src/core/schedule.ts";
import type { CalendarDay, IsoWeekday, WeeklyInterval } from "../../../src/domain/access.ts";
import { type DayTypeId, dayTypeId } from "../../../src/domain/ids.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";
import { checkProperty } from "./property.ts";
import { at, schedule } from "./sample-table.ts";

const minuteMs = 60_000;
const dayMinutes = 1_440;

/** One minute of real time and what a wall clock shows in it, by the runtime's own calendar. */
interface Minute {
  readonly at: EpochMs;
  /** Minutes since 1970-01-01T00:00 on the wall. */
  readonly wall: number;
}

/** The minutes of the eight days around `noon`, in order of real time. */
function minutesAround(zone: string, noon: EpochMs): readonly Minute[] {
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
  });
  return Array.from({ length: 8 * dayMinutes }, (_, index) => {
    const instant = epochMs(noon + (index - 4 * dayMinutes) * minuteMs);
    const shown = `${clock.format(instant).replace(" ", "T")}:00Z`;
    return { at: instant, wall: Date.parse(shown) / minuteMs };
  });
}

const weekdayOf = (day: number): number => ((((day + 3) % 7) + 7) % 7) + 1;

/** The day type of a day since 1970: of that date, else of that day of every year, else none. */
function dayTypeOf(calendar: readonly CalendarDay[], day: number): DayTypeId | undefined {
  const date = new Date(day * dayMinutes * minuteMs);
  const found = calendar.filter(
    (one) =>
      one.day === date.getUTCDate() &&
      one.month === date.getUTCMonth() + 1 &&
      (one.year ?? date.getUTCFullYear()) === date.getUTCFullYear(),
  );
  return (found.find(({ year }) => year !== undefined) ?? found[0])?.dayType;
}

/**
 * The truth by counting minutes: each day's interval is open from the first to the last minute of
 * real time whose wall time lies in it, and what covers the week is always open. Knows nothing of
 * offsets or transitions.
 */
function openMinutes(
  minutes: readonly Minute[],
  intervals: readonly WeeklyInterval[],
  calendar: readonly CalendarDay[] = [],
): Set<number> {
  const open = new Set<number>();
  const week = intervals.flatMap(({ days, fromMinute, toMinute }) =>
    days.flatMap((day) => {
      const lasts = toMinute - fromMinute + (toMinute <= fromMinute ? dayMinutes : 0);
      return Array.from({ length: lasts }, (_, index) => day * dayMinutes + fromMinute + index);
    }),
  );
  const covered = new Set(week.map((minute) => minute % (7 * dayMinutes)));
  if (calendar.length === 0 && covered.size === 7 * dayMinutes) {
    return new Set(minutes.keys());
  }
  const walls = minutes.map(({ wall }) => wall);
  const lastDay = Math.floor(Math.max(...walls) / dayMinutes);
  for (let day = Math.floor(Math.min(...walls) / dayMinutes); day <= lastDay; day += 1) {
    if (!walls.some((wall) => Math.floor(wall / dayMinutes) === day)) continue;
    const dayType = dayTypeOf(calendar, day);
    for (const { days, fromMinute, toMinute, dayType: isFor } of intervals) {
      if (isFor !== dayType || !days.some((one) => one === weekdayOf(day))) continue;
      const from = day * dayMinutes + fromMinute;
      const until = day * dayMinutes + toMinute + (toMinute <= fromMinute ? dayMinutes : 0);
      let first = walls.findIndex((wall) => wall >= from && wall < until);
      let last = walls.findLastIndex((wall) => wall >= from && wall < until);
      if (first < 0) {
        if (from < (walls[0] ?? 0) || until > (walls.at(-1) ?? 0)) continue;
        first = walls.findIndex((wall) => wall >= until);
        last = first + (until - from) - 1;
      }
      for (let index = first; index <= last; index += 1) open.add(index);
    }
  }
  return open;
}

const intervalArbitrary = fc.record({
  days: fc.uniqueArray(fc.constantFrom<IsoWeekday>(1, 2, 3, 4, 5, 6, 7), { minLength: 1 }),
  // Mostly in the small hours, where clocks change, and often to the full or half hour.
  fromMinute: fc.oneof(
    fc.integer({ min: 0, max: 8 }).map((half) => half * 30),
    fc.nat(1_439),
  ),
  toMinute: fc.oneof(
    fc.integer({ min: 0, max: 8 }).map((half) => half * 30),
    fc.nat(1_440),
  ),
});

const dayTypes = [dayTypeId("holiday"), dayTypeId("half")];

const typedIntervalArbitrary = fc
  .tuple(intervalArbitrary, fc.constantFrom(undefined, ...dayTypes))
  .map(
    ([interval, dayType]): WeeklyInterval =>
      dayType === undefined ? interval : { ...interval, dayType },
  );

/** Some of the days around `day`, which is the one on which clocks change: of this or any year. */
const calendarArbitrary = (day: number): fc.Arbitrary<readonly CalendarDay[]> =>
  fc.uniqueArray(
    fc
      .record({
        date: fc
          .integer({ min: day - 3, max: day + 3 })
          .map((near) => new Date(near * dayMinutes * minuteMs)),
        yearly: fc.boolean(),
        dayType: fc.constantFrom(...dayTypes),
      })
      .map(({ date, yearly, dayType }) => ({
        ...(yearly ? {} : { year: date.getUTCFullYear() }),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        dayType,
      })),
    { minLength: 1, maxLength: 4, selector: ({ dayType: _, ...date }) => JSON.stringify(date) },
  );

/** Days on which clocks change in their several ways, and one on which they do not. */
const places = [
  ["Europe/Berlin", "2026-03-29T01:00:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00:00Z"],
  ["Europe/Berlin", "2026-06-15T01:00:00Z"],
  ["America/New_York", "2026-03-08T07:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30:00Z"],
  ["Asia/Kolkata", "2026-03-29T01:00:00Z"],
  ["Africa/Casablanca", "2025-02-23T02:00:00Z"],
  ["Africa/Casablanca", "2025-04-06T02:00:00Z"],
  ["America/Havana", "2026-03-08T05:00:00Z"],
  ["America/Havana", "2026-11-01T05:00:00Z"],
  ["America/Sao_Paulo", "2018-02-18T02:00:00Z"],
  ["America/Sao_Paulo", "2018-11-04T03:00:00Z"],
  ["Antarctica/Troll", "2026-03-29T01:00:00Z"],
  ["Antarctica/Troll", "2026-10-25T01:00:00Z"],
  ["Europe/Dublin", "2026-10-25T01:00:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00:00Z"],
] as const;

for (const [zone, change] of places) {
  const minutes = minutesAround(zone, at(change));

  t.test(`in ${zone} around ${change} a schedule says what counting minutes says`, async (t) => {
    const property = fc.property(
      fc.array(intervalArbitrary, { minLength: 1, maxLength: 3 }),
      (intervals) => {
        const compiled = compileSchedule(schedule("s", intervals), zone);
        const open = openMinutes(minutes, intervals);
        // The outer days may hold the ends of intervals whose beginnings are out of sight.
        for (let index = 2 * dayMinutes; index < 6 * dayMinutes; index += 1) {
          const minute = minutes[index];
          if (minute !== undefined && compiled.isOpen(minute.at) !== open.has(index)) {
            throw new Error(`at ${new Date(minute.at).toISOString()} counted ${open.has(index)}`);
          }
        }
      },
    );
    checkProperty(t, 15, property);
    t.pass("all agreed");
  });

  t.test(`in ${zone} around ${change} the next change is a change, and the next`, async (t) => {
    const property = fc.property(
      fc.array(intervalArbitrary, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 2 * dayMinutes, max: 4 * dayMinutes }),
      (intervals, start) => {
        const compiled = compileSchedule(schedule("s", intervals), zone);
        const now = minutes[start]?.at ?? epochMs(0);
        const next = compiled.nextChangeAt(now);
        const isOpen = compiled.isOpen(now);
        const until = next ?? now + 14 * dayMinutes * minuteMs;
        if (until <= now) throw new Error("the next change is not after now");
        for (let probe: number = now; probe < until; probe += 7 * minuteMs) {
          if (compiled.isOpen(epochMs(probe)) !== isOpen) throw new Error(`missed ${probe}`);
        }
        if (next !== undefined && compiled.isOpen(next) === isOpen) throw new Error("no change");
        if (next !== undefined && compiled.isOpen(epochMs(next - 1)) !== isOpen) {
          throw new Error("the change came before");
        }
      },
    );
    checkProperty(t, 15, property);
    t.pass("all agreed");
  });

  t.test(`in ${zone} around ${change} one interval opens once a day`, async (t) => {
    const property = fc.property(intervalArbitrary, ({ fromMinute, toMinute }) => {
      const days = [weekdayOf(Math.floor((minutes[4 * dayMinutes]?.wall ?? 0) / dayMinutes))];
      const only = days.filter((day): day is IsoWeekday => day >= 1 && day <= 7);
      const compiled = compileSchedule(schedule("s", [{ days: only, fromMinute, toMinute }]), zone);
      const states = minutes
        .slice(2 * dayMinutes, 6 * dayMinutes)
        .map((minute) => compiled.isOpen(minute.at));
      const openings = states.filter((isOpen, index) => isOpen && states[index - 1] === false);
      if (openings.length !== 1) throw new Error(`opened ${openings.length} times`);
    });
    checkProperty(t, 25, property);
    t.pass("all agreed");
  });

  // What Samoa left out in 2011 has no date, and so no place in a calendar either.
  if (zone === "Pacific/Apia") continue;
  const day = Math.floor((minutes[4 * dayMinutes]?.wall ?? 0) / dayMinutes);

  t.test(`in ${zone} around ${change} holidays are what counting minutes says`, async (t) => {
    const property = fc.property(
      fc.array(typedIntervalArbitrary, { minLength: 1, maxLength: 4 }),
      calendarArbitrary(day),
      (intervals, calendar) => {
        const compiled = compileSchedule(schedule("s", intervals), zone, calendar);
        const open = openMinutes(minutes, intervals, calendar);
        const states: boolean[] = [];
        for (let index = 2 * dayMinutes; index < 6 * dayMinutes; index += 1) {
          const minute = minutes[index];
          if (minute === undefined) continue;
          states.push(compiled.isOpen(minute.at));
          if (states.at(-1) !== open.has(index)) {
            throw new Error(`at ${new Date(minute.at).toISOString()} counted ${open.has(index)}`);
          }
        }
        const first = minutes[2 * dayMinutes]?.at ?? epochMs(0);
        const next = compiled.nextChangeAt(first);
        const changed = states.findIndex((isOpen) => isOpen !== states[0]);
        const expected = changed < 0 ? undefined : first + changed * minuteMs;
        const isBeyond = expected === undefined && (next ?? Infinity) > first + 4 * 86_400_000 - 1;
        if (next !== expected && !isBeyond) throw new Error(`next ${next}, counted ${expected}`);
      },
    );
    checkProperty(t, 25, property);
    t.pass("all agreed");
  });

  t.test(`in ${zone} around ${change} a holiday's interval opens and closes once`, async (t) => {
    const date = new Date(day * dayMinutes * minuteMs);
    const property = fc.property(
      fc.record({ fromMinute: fc.nat(1_439), toMinute: fc.nat(1_440), yearly: fc.boolean() }),
      ({ fromMinute, toMinute, yearly }) => {
        const [dayType = dayTypeId("holiday")] = dayTypes;
        const days = [1, 2, 3, 4, 5, 6, 7] as const;
        const holiday = {
          ...(yearly ? {} : { year: date.getUTCFullYear() }),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          dayType,
        };
        const only = schedule("s", [{ days, dayType, fromMinute, toMinute }]);
        const compiled = compileSchedule(only, zone, [holiday]);
        const states = minutes
          .slice(2 * dayMinutes, 6 * dayMinutes)
          .map((minute) => compiled.isOpen(minute.at));
        const changes = states.filter((isOpen, index) => isOpen !== (states[index - 1] ?? false));
        if (changes.join() !== "true,false") throw new Error(`changed to ${changes.join()}`);
      },
    );
    checkProperty(t, 25, property);
    t.pass("all agreed");
  });
}
