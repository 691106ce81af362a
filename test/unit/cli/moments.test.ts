import t from "tap";
import { parseMoment, tellDuration, tellMoment } from "../../../src/cli/moments.ts";
import { epochMs } from "../../../src/domain/time.ts";

t.test("a time with its offset is one moment, and a time without is none", async (t) => {
  const noon = Date.UTC(2026, 10, 21, 12);
  for (const text of [
    "2026-11-21T12:00Z",
    "2026-11-21T13:00:00+01:00",
    "2026-11-21T04:30:00.000-07:30",
  ]) {
    t.same(parseMoment(text), { ok: true, value: noon }, text);
  }
  t.same(parseMoment("2028-02-29T00:00Z").ok, true);
  for (const text of [
    "2026-11-21T12:00",
    "2026-02-29T00:00Z",
    "2026-11-21T24:00Z",
    "12:00Z",
    "now",
  ]) {
    t.equal(parseMoment(text).ok, false, text);
  }
});

t.test("durations are told in their two largest units", async (t) => {
  t.equal(tellDuration(-5), "0 s");
  t.equal(tellDuration(59_999), "59 s");
  t.equal(tellDuration(60_000), "1 min 0 s");
  t.equal(tellDuration(3_600_000 * 2 + 60_000 * 3), "2 h 3 min");
  t.equal(tellDuration(86_400_000 * 40 + 3_600_000), "40 d 1 h");
});

t.test("a moment that no calendar has does not end a listing", async (t) => {
  t.equal(tellMoment(epochMs(Number.NaN)), "?");
  t.equal(tellMoment(epochMs(8.64e15 + 1)), "?");
});
