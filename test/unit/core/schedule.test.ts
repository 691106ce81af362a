import t from "tap";
import { type CompiledSchedule, compileSchedule } from "../../../src/core/schedule.ts";
import type { IsoWeekday, WeeklyInterval } from "../../../src/domain/access.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { at, schedule } from "./sample-table.ts";

const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;

/** "1-5 09:00-17:00" or "7 22:00-06:00". */
function interval(text: string): WeeklyInterval {
  const [days = "", hours = ""] = text.split(" ");
  const [firstDay = 1, lastDay = firstDay] = days.split("-").map(Number);
  const [fromMinute = 0, toMinute = 0] = hours.split("-").map((time) => {
    const [hour = 0, minute = 0] = time.split(":").map(Number);
    return hour * 60 + minute;
  });
  return {
    days: everyDay.filter((day: IsoWeekday) => day >= firstDay && day <= lastDay),
    fromMinute,
    toMinute,
  };
}

function compile(zone: string, ...intervals: readonly string[]): CompiledSchedule {
  return compileSchedule(schedule("s", intervals.map(interval)), zone);
}

/** Every change in the 48 hours from `from`: "+ 2026-…" opens, "- 2026-…" closes, in UTC. */
function changes(of: CompiledSchedule, from: string): readonly string[] {
  const found: string[] = [];
  const end = at(from) + 48 * 3_600_000;
  let now = of.nextChangeAt(at(from));
  while (now !== undefined && now < end) {
    found.push(`${of.isOpen(now) ? "+" : "-"} ${new Date(now).toISOString().slice(0, 16)}`);
    now = of.nextChangeAt(now);
  }
  return found;
}

t.test("office hours open and close to the millisecond, on their days", async (t) => {
  const office = compile("Europe/Berlin", "1-5 09:00-17:00");
  t.equal(office.isOpen(at("2026-03-02T08:59:59.999+01:00")), false);
  t.equal(office.isOpen(at("2026-03-02T09:00:00.000+01:00")), true);
  t.equal(office.isOpen(at("2026-03-02T16:59:59.999+01:00")), true);
  t.equal(office.isOpen(at("2026-03-02T17:00:00.000+01:00")), false);
  t.equal(office.isOpen(at("2026-03-07T12:00:00.000+01:00")), false, "Saturday");
  t.equal(
    office.isOpen(epochMs(at("2026-03-02T09:00:00+01:00") - 0.25)),
    false,
    "a fraction before",
  );
});

t.test("the wall clock of the zone counts, not that of UTC", async (t) => {
  const noon = at("2026-03-02T12:00:00Z");
  t.equal(compile("Asia/Kolkata", "1 17:30-17:31").isOpen(noon), true);
  t.equal(compile("America/New_York", "1 07:00-07:01").isOpen(noon), true);
  t.equal(compile("Pacific/Auckland", "2 01:00-01:01").isOpen(noon), true, "already Tuesday");
});

t.test(
  "a night shift that starts on Friday ends on Saturday morning and not on Friday",
  async (t) => {
    const night = compile("Europe/Berlin", "5 22:00-06:00");
    t.equal(night.isOpen(at("2026-03-06T05:00:00+01:00")), false, "Friday morning");
    t.equal(night.isOpen(at("2026-03-06T22:00:00+01:00")), true);
    t.equal(night.isOpen(at("2026-03-07T05:59:59+01:00")), true);
    t.equal(night.isOpen(at("2026-03-07T06:00:00+01:00")), false);
  },
);

t.test("Sunday night runs into Monday, over the end of the week", async (t) => {
  t.same(changes(compile("UTC", "7 22:00-06:00"), "2026-03-08T12:00:00Z"), [
    "+ 2026-03-08T22:00",
    "- 2026-03-09T06:00",
  ]);
});

t.test(
  "an interval may end with the day, and one that ends where it starts lasts a day",
  async (t) => {
    t.same(changes(compile("UTC", "1 12:00-24:00"), "2026-03-02T00:00:00Z"), [
      "+ 2026-03-02T12:00",
      "- 2026-03-03T00:00",
    ]);
    t.same(changes(compile("UTC", "1 12:00-12:00"), "2026-03-02T00:00:00Z"), [
      "+ 2026-03-02T12:00",
      "- 2026-03-03T12:00",
    ]);
  },
);

t.test("where one interval ends and another begins nothing changes", async (t) => {
  const split = compile("UTC", "1-5 09:00-12:00", "1-5 12:00-17:00", "1 11:00-13:00");
  t.same(changes(split, "2026-03-02T00:00:00Z").slice(0, 2), [
    "+ 2026-03-02T09:00",
    "- 2026-03-02T17:00",
  ]);
  const weekend = compile("UTC", "6-7 00:00-24:00");
  t.same(changes(weekend, "2026-03-07T12:00:00Z"), ["- 2026-03-09T00:00"]);
});

t.test("what is always open or never open has no next change", async (t) => {
  const noon = at("2026-03-02T12:00:00Z");
  for (const always of [
    compile("Europe/Berlin", "1-7 00:00-24:00"),
    compile("America/Havana", "1-7 06:00-18:00", "1-7 18:00-06:00"),
  ]) {
    t.equal(always.isOpen(noon), true);
    t.equal(always.nextChangeAt(noon), undefined);
  }
  const never = compileSchedule(schedule("s", [{ days: [], fromMinute: 0, toMinute: 60 }]), "UTC");
  for (const one of [compile("UTC"), never]) {
    t.equal(one.isOpen(noon), false);
    t.equal(one.nextChangeAt(noon), undefined);
  }
});

t.test("the next change is found beyond the days that were looked at before", async (t) => {
  const weekly = compile("Europe/Berlin", "1 09:00-10:00");
  t.equal(weekly.isOpen(at("2026-03-02T12:00:00+01:00")), false);
  t.equal(weekly.nextChangeAt(at("2026-03-09T12:00:00+01:00")), at("2026-03-16T09:00:00+01:00"));
  t.equal(weekly.isOpen(at("2026-03-02T09:30:00+01:00")), true);
  t.equal(weekly.nextChangeAt(at("2026-03-09T09:30:00+01:00")), at("2026-03-09T10:00:00+01:00"));
});

t.test("asking about another time in between changes no answer", async (t) => {
  const office = compile("Europe/Berlin", "1-5 09:00-17:00");
  for (const year of [1999, 2040, 2026, 1970, 2026]) {
    office.nextChangeAt(at(`${year}-07-01T12:00:00Z`));
    t.equal(office.isOpen(at("2026-03-02T12:00:00+01:00")), true);
    t.equal(office.isOpen(at(`${year}-01-01T00:30:00Z`)), false);
    t.equal(office.isOpen(at("2026-03-02T17:00:00+01:00")), false);
  }
});

t.test("a zone that is none is refused", async (t) => {
  t.throws(() => compile("Europe/Nowhere", "1 09:00-17:00"), RangeError);
  t.throws(() => compile("Europe/Nowhere"), RangeError);
});

interface DstCase {
  readonly zone: string;
  readonly from: string;
  readonly open: string;
  readonly expect: readonly string[];
  readonly why: string;
}

/** Berlin loses 02:00-03:00 on 2026-03-29 and repeats it on 2026-10-25; both are Sundays. */
const berlin = { zone: "Europe/Berlin" };
const spring = { ...berlin, from: "2026-03-28T12:00:00Z" };
const autumn = { ...berlin, from: "2026-10-24T12:00:00Z" };

const dstCases: readonly DstCase[] = [
  {
    ...spring,
    open: "7 01:00-05:00",
    expect: ["+ 2026-03-29T00:00", "- 2026-03-29T03:00"],
    why: "an hour shorter",
  },
  {
    ...spring,
    open: "7 02:30-05:00",
    expect: ["+ 2026-03-29T01:00", "- 2026-03-29T03:00"],
    why: "a start left out is the end of the gap",
  },
  {
    ...spring,
    open: "7 01:00-02:30",
    expect: ["+ 2026-03-29T00:00", "- 2026-03-29T01:00"],
    why: "an end left out likewise",
  },
  {
    ...spring,
    open: "7 02:15-02:45",
    expect: ["+ 2026-03-29T01:00", "- 2026-03-29T01:30"],
    why: "left out whole: after the gap, as long as usual",
  },
  {
    ...spring,
    open: "7 02:00-03:00",
    expect: ["+ 2026-03-29T01:00", "- 2026-03-29T02:00"],
    why: "left out to the minute",
  },
  {
    ...spring,
    open: "6 22:00-06:00",
    expect: ["+ 2026-03-28T21:00", "- 2026-03-29T04:00"],
    why: "a night over the gap",
  },
  {
    ...autumn,
    open: "7 01:00-05:00",
    expect: ["+ 2026-10-24T23:00", "- 2026-10-25T04:00"],
    why: "an hour longer",
  },
  {
    ...autumn,
    open: "7 02:15-02:45",
    expect: ["+ 2026-10-25T00:15", "- 2026-10-25T01:45"],
    why: "once, not twice",
  },
  {
    ...autumn,
    open: "7 01:00-02:30",
    expect: ["+ 2026-10-24T23:00", "- 2026-10-25T01:30"],
    why: "an end in the repeated hour is its second pass",
  },
  {
    ...autumn,
    open: "7 02:30-05:00",
    expect: ["+ 2026-10-25T00:30", "- 2026-10-25T04:00"],
    why: "a start in it is its first",
  },
  {
    ...autumn,
    open: "7 01:00-02:00",
    expect: ["+ 2026-10-24T23:00", "- 2026-10-25T00:00"],
    why: "ends before the repeated hour",
  },
  {
    ...autumn,
    open: "7 03:00-05:00",
    expect: ["+ 2026-10-25T02:00", "- 2026-10-25T04:00"],
    why: "starts after both passes",
  },
  {
    ...autumn,
    open: "6 22:00-06:00",
    expect: ["+ 2026-10-24T20:00", "- 2026-10-25T05:00"],
    why: "a night over the overlap",
  },
  {
    zone: "America/New_York",
    from: "2026-03-07T12:00:00Z",
    open: "7 02:30-12:00",
    expect: ["+ 2026-03-08T07:00", "- 2026-03-08T16:00"],
    why: "New York's gap",
  },
  {
    zone: "America/New_York",
    from: "2026-10-31T12:00:00Z",
    open: "7 01:15-01:45",
    expect: ["+ 2026-11-01T05:15", "- 2026-11-01T06:45"],
    why: "New York's overlap",
  },
  {
    zone: "Australia/Lord_Howe",
    from: "2026-10-03T00:00:00Z",
    open: "7 02:10-02:40",
    expect: ["+ 2026-10-03T15:30", "- 2026-10-03T15:40"],
    why: "Lord Howe's gap of half an hour",
  },
  {
    zone: "Australia/Lord_Howe",
    from: "2026-04-04T00:00:00Z",
    open: "7 01:40-01:50",
    expect: ["+ 2026-04-04T14:40", "- 2026-04-04T15:20"],
    why: "Lord Howe's overlap of half an hour",
  },
  {
    zone: "America/Havana",
    from: "2026-10-31T12:00:00Z",
    open: "6 20:00-24:00",
    expect: ["+ 2026-11-01T00:00", "- 2026-11-01T04:00"],
    why: "midnight happens twice: the first ends the day",
  },
  {
    zone: "America/Havana",
    from: "2026-03-07T12:00:00Z",
    open: "7 00:00-08:00",
    expect: ["+ 2026-03-08T05:00", "- 2026-03-08T12:00"],
    why: "midnight is left out: the day starts at one",
  },
  {
    zone: "Pacific/Apia",
    from: "2011-12-29T12:00:00Z",
    open: "5 09:00-17:00",
    expect: [],
    why: "Samoa had no Friday in that week",
  },
  {
    zone: "Pacific/Apia",
    from: "2011-12-30T00:00:00Z",
    open: "4 22:00-06:00",
    expect: ["+ 2011-12-30T08:00", "- 2011-12-30T10:00"],
    why: "and its Thursday night ended with Thursday",
  },
];

t.test("on the days when clocks change an interval opens and closes once", async (t) => {
  for (const { zone, from, open, expect, why } of dstCases) {
    t.same(changes(compile(zone, open), from), expect, `${zone}, ${open}: ${why}`);
  }
});

t.test(
  "intervals that meet inside a left-out or repeated hour leave no gap in between",
  async (t) => {
    t.same(changes(compile(berlin.zone, "7 00:00-02:30", "7 02:30-05:00"), spring.from), [
      "+ 2026-03-28T23:00",
      "- 2026-03-29T03:00",
    ]);
    t.same(changes(compile(berlin.zone, "7 00:00-02:30", "7 02:30-05:00"), autumn.from), [
      "+ 2026-10-24T22:00",
      "- 2026-10-25T04:00",
    ]);
  },
);
