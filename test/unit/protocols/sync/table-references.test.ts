import t from "tap";
import { isCalendarDate } from "../../../../src/protocols/sync/calendar-date.ts";
import { isZoneName } from "../../../../src/protocols/sync/zone-name.ts";

t.test("a date is one that its month has, in its year or in some year", async (t) => {
  for (const date of [
    { month: 2, day: 29 },
    { year: 2_028, month: 2, day: 29 },
    { year: 2_026, month: 12, day: 31 },
    { year: 96, month: 2, day: 29 },
  ]) {
    t.ok(isCalendarDate(date), JSON.stringify(date));
  }
  for (const date of [
    { year: 2_026, month: 2, day: 29 },
    { year: 2_100, month: 2, day: 29 },
    { month: 2, day: 30 },
    { month: 4, day: 31 },
    { month: 13, day: 1 },
    { month: 0, day: 10 },
    { month: 12, day: 0 },
  ]) {
    t.notOk(isCalendarDate(date), JSON.stringify(date));
  }
});

t.test("a zone is an IANA name and no offset, whoever asks", async (t) => {
  for (const name of ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"]) {
    t.ok(isZoneName(name), name);
  }
  for (const name of ["", "+01:00", "-05", "Europe/Nowhere", "Europe/Berlin ", "A".repeat(65)]) {
    t.notOk(isZoneName(name), name);
  }
});
