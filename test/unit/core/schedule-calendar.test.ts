import t from "tap";
import { type CompiledSchedule, compileSchedule, lookAhead } from "../../../src/core/schedule.ts";
import type { CalendarDay, WeeklyInterval } from "../../../src/domain/access.ts";
import { type DayTypeId, dayTypeId } from "../../../src/domain/ids.ts";
import { at, schedule } from "./sample-table.ts";

const zone = "Europe/Berlin";
const holiday = dayTypeId("holiday");
const half = dayTypeId("half");

const workdays = [1, 2, 3, 4, 5] as const;
const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;

function hours(
  days: WeeklyInterval["days"],
  [from, to]: readonly [number, number],
  dayType?: DayTypeId,
): WeeklyInterval {
  const interval = { days, fromMinute: from * 60, toMinute: to * 60 };
  return dayType === undefined ? interval : { ...interval, dayType };
}

function yearly(monthAndDay: string, dayType: DayTypeId): CalendarDay {
  const [month = 0, day = 0] = monthAndDay.split("-").map(Number);
  return { month, day, dayType };
}

function dated(date: string, dayType: DayTypeId): CalendarDay {
  return { year: Number(date.slice(0, 4)), ...yearly(date.slice(5), dayType) };
}

const christmas = [yearly("12-25", holiday), yearly("12-26", holiday), yearly("12-24", half)];
const office = hours(workdays, [9, 17]);

function compile(
  intervals: readonly WeeklyInterval[],
  calendar: readonly CalendarDay[] = christmas,
): CompiledSchedule {
  return compileSchedule(schedule("s", intervals), zone, calendar);
}

/** The next `count` changes: "+ 2026-…" opens, "- 2026-…" closes, on the wall clock of Berlin. */
function changes(of: CompiledSchedule, from: string, count: number): readonly string[] {
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
  });
  const found: string[] = [];
  let now = of.nextChangeAt(at(from));
  while (now !== undefined && found.length < count) {
    found.push(`${of.isOpen(now) ? "+" : "-"} ${clock.format(now)}`);
    now = of.nextChangeAt(now);
  }
  return found;
}

t.test("a holiday is closed unless an interval is for it", async (t) => {
  // In 2026 Christmas falls on a Friday.
  const noon = at("2026-12-25T12:00:00+01:00");
  t.equal(compile([office]).isOpen(noon), false);
  t.equal(compile([office], []).isOpen(noon), true, "an ordinary Friday");
  const withHoliday = compile([office, hours(everyDay, [11, 13], holiday)]);
  t.same(changes(withHoliday, "2026-12-24T12:00:00Z", 4), [
    "+ 2026-12-25 11:00",
    "- 2026-12-25 13:00",
    "+ 2026-12-26 11:00",
    "- 2026-12-26 13:00",
  ]);
});

t.test("each day type has hours of its own", async (t) => {
  const shop = compile([office, hours(everyDay, [9, 12], half)]);
  t.same(changes(shop, "2026-12-23T12:00:00Z", 4), [
    "- 2026-12-23 17:00",
    "+ 2026-12-24 09:00",
    "- 2026-12-24 12:00",
    "+ 2026-12-28 09:00",
  ]);
});

t.test("an interval for a day type opens on that type's weekdays alone", async (t) => {
  const mondays = compile([hours([1], [9, 12], holiday)]);
  t.equal(mondays.isOpen(at("2026-12-25T10:00:00+01:00")), false, "a Friday");
  t.equal(mondays.isOpen(at("2023-12-25T10:00:00+01:00")), true, "a Monday");
  t.equal(mondays.isOpen(at("2026-12-21T10:00:00+01:00")), false, "an ordinary Monday");
});

t.test("a date of one year goes before that day of every year", async (t) => {
  const calendar = [dated("2026-12-25", half), ...christmas];
  for (const listed of [calendar, calendar.toReversed()]) {
    const shop = compile([hours(everyDay, [9, 12], half)], listed);
    t.equal(shop.isOpen(at("2026-12-25T10:00:00+01:00")), true);
    t.equal(shop.isOpen(at("2027-12-25T10:00:00+01:00")), false);
  }
});

t.test("a night that begins before a holiday runs on into it", async (t) => {
  const night = compile([hours(everyDay, [22, 6])], [yearly("12-25", holiday)]);
  t.same(changes(night, "2026-12-24T12:00:00Z", 4), [
    "+ 2026-12-24 22:00",
    "- 2026-12-25 06:00",
    "+ 2026-12-26 22:00",
    "- 2026-12-27 06:00",
  ]);
});

t.test("a holiday's night runs on into the ordinary day after it", async (t) => {
  const night = compile([hours(everyDay, [22, 6], holiday)], [yearly("12-25", holiday)]);
  t.same(changes(night, "2026-12-20T12:00:00Z", 3), [
    "+ 2026-12-25 22:00",
    "- 2026-12-26 06:00",
    "+ 2027-12-25 22:00",
  ]);
});

t.test("the 29th of February of every year is of leap years only", async (t) => {
  const leap = compile([hours(everyDay, [9, 17], half)], [yearly("02-29", half)]);
  t.same(changes(leap, "2026-01-01T00:00:00Z", 3), [
    "+ 2028-02-29 09:00",
    "- 2028-02-29 17:00",
    "+ 2032-02-29 09:00",
  ]);
});

t.test("a day and night schedule closes for the holiday that it leaves out", async (t) => {
  const always = [hours(everyDay, [0, 24])];
  t.same(changes(compile(always, [yearly("12-25", holiday)]), "2026-01-01T00:00:00Z", 2), [
    "- 2026-12-25 00:00",
    "+ 2026-12-26 00:00",
  ]);
  const inAll = compile([...always, hours(everyDay, [0, 24], holiday)], [yearly("1-1", holiday)]);
  t.equal(inAll.isOpen(at("2027-01-01T12:00:00Z")), true);
  t.equal(inAll.nextChangeAt(at("2026-01-01T00:00:00Z")), undefined);
});

t.test("two kinds of day that each fill a week may leave a gap where they meet", async (t) => {
  // Each day of either kind is covered by its own kind before it, but not by the other.
  const met = compile(
    [hours(everyDay, [0, 24]), hours(everyDay, [22, 22], holiday)],
    [yearly("12-25", holiday)],
  );
  t.same(changes(met, "2026-12-01T00:00:00Z", 3), [
    "- 2026-12-25 00:00",
    "+ 2026-12-25 22:00",
    "- 2027-12-25 00:00",
  ]);
});

t.test("a change on the day after a run of holidays is found", async (t) => {
  const days = Array.from({ length: 8 }, (_, index) => yearly(`12-${19 + index}`, holiday));
  const always = [hours(everyDay, [22, 22]), hours(everyDay, [0, 24], holiday)];
  t.same(changes(compile(always, days), "2026-01-10T00:00:00Z", 2), [
    "- 2026-12-27 00:00",
    "+ 2026-12-27 22:00",
  ]);
});

t.test("the next change is found beyond a long run of holidays", async (t) => {
  const first = Date.parse("2026-06-01T00:00:00Z");
  const summer = Array.from({ length: 200 }, (_, index) =>
    dated(new Date(first + index * 86_400_000).toISOString().slice(0, 10), holiday),
  );
  t.same(changes(compile([office], summer), "2026-05-29T16:00:00Z", 1), ["+ 2026-12-18 09:00"]);
});

t.test("a day type that no date has opens nothing", async (t) => {
  const never = compile([hours(everyDay, [0, 24], half)], [yearly("12-25", holiday)]);
  t.equal(never.isOpen(at("2026-12-25T12:00:00Z")), false);
  t.equal(never.nextChangeAt(at("2026-12-25T12:00:00Z")), undefined);
});

/** How many runs of days are worked out to answer; each holds up who stands at a door. */
function workOf(of: CompiledSchedule, ask: (one: CompiledSchedule) => unknown): number {
  return lookAhead([of], (worked) => {
    ask(of);
    return worked();
  });
}

const fullCalendar = Array.from({ length: 31 * 12 }, (_, index) =>
  yearly(`${1 + (index % 12)}-${1 + Math.floor(index / 12)}`, holiday),
);
const now = at("2026-01-07T12:00:00Z");

t.test("that there is no next change is soon said, however full the calendar", async (t) => {
  const never: readonly (readonly [string, CompiledSchedule])[] = [
    [
      "a kind of day that was once",
      compile(
        [hours(everyDay, [0, 24], half)],
        [...fullCalendar.slice(0, 60), dated("2020-01-02", half)],
      ),
    ],
    ["each day a holiday", compile([office], fullCalendar)],
    [
      "a Friday that comes once, for Mondays",
      compile([hours([1], [9, 12], half)], [...fullCalendar, dated("2026-12-25", half)]),
    ],
  ];
  for (const [why, one] of never) {
    const work = workOf(one, () => t.equal(one.nextChangeAt(now), undefined, why));
    t.ok(work <= 2, `${why}: ${work}`);
  }
});

t.test("a change that is far away is found without looking at each day", async (t) => {
  const farOff = [...fullCalendar, dated("2031-05-05", half)];
  const opens = compile([hours(everyDay, [9, 12], half)], farOff);
  const work = workOf(opens, () =>
    t.equal(opens.nextChangeAt(now), at("2031-05-05T09:00:00+02:00")),
  );
  t.ok(work <= 3, `closed for years: ${work}`);
  const inAll = [hours(everyDay, [0, 24]), hours(everyDay, [0, 24], holiday)];
  const closes = compile(inAll, farOff);
  const workOpen = workOf(closes, () =>
    t.equal(closes.nextChangeAt(now), at("2031-05-05T00:00:00+02:00")),
  );
  t.ok(workOpen <= 3, `open for years: ${workOpen}`);
});

t.test("who comes to a door does not wait because somebody asked about another time", async (t) => {
  const shop = compile([office], [dated("2026-01-08", holiday), ...christmas]);
  shop.isOpen(now);
  shop.nextChangeAt(now);
  lookAhead([shop], () => {
    shop.nextChangeAt(at("2027-03-01T12:00:00Z"));
    t.equal(shop.isOpen(at("2027-03-01T12:00:00Z")), true);
    t.equal(shop.isOpen(at("2027-12-25T12:00:00Z")), false);
  });
  const work = workOf(shop, () => {
    t.equal(shop.isOpen(now), true);
    t.equal(shop.nextChangeAt(now), at("2026-01-07T17:00:00+01:00"));
  });
  t.equal(work, 0);
});

t.test("that a door's next change is far away costs nobody who comes until then", async (t) => {
  const once = compile([hours(everyDay, [9, 12], half)], [dated("2027-05-05", half)]);
  once.isOpen(now);
  t.equal(once.nextChangeAt(now), at("2027-05-05T09:00:00+02:00"));
  t.equal(
    workOf(once, () => once.isOpen(now)),
    0,
  );
});

t.test("what fails while looking ahead leaves what was remembered, too", async (t) => {
  const shop = compile([office]);
  shop.isOpen(now);
  t.throws(() =>
    lookAhead([shop], () => {
      shop.isOpen(at("2030-01-01T00:00:00Z"));
      throw new Error("no such door");
    }),
  );
  t.equal(
    workOf(shop, () => shop.isOpen(now)),
    0,
  );
});
