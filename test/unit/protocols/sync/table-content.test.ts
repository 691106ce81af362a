import t from "tap";
import type { TableContent } from "../../../../src/domain/access.ts";
import { doorDefaults } from "../../../../src/domain/door-defaults.ts";
import { parseTableContent } from "../../../../src/protocols/sync/table-content.ts";
import { fullTable } from "./samples.ts";

const good: TableContent = fullTable();

/** What a door was told in the first tables. Whatever came later must have a default. */
const firstDoorKeys = new Set([
  "id",
  "name",
  "unlockMs",
  "heldOpenMs",
  "heldOpenWarningMs",
  "strikeOnMaxMs",
  "relock",
  "factors",
  "secondFactorMs",
  "rex",
  "clockUnknown",
]);

/** A deep copy of a good table with the value at `path` replaced, or taken out. */
function spoilt(path: string, value: unknown): unknown {
  const copy: unknown = structuredClone(good);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let place = copy as Record<string, unknown>;
  for (const key of keys) place = place[key] as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

function faultOf(raw: unknown): string {
  const parsed = parseTableContent(raw);
  return parsed.ok ? "accepted" : parsed.fault;
}

t.test("a whole table passes as it is", async (t) => {
  t.same(parseTableContent(structuredClone(good)), { ok: true, value: good });
});

t.test("a table that was signed before a door knew these rules goes on deciding", async (t) => {
  const { calendar, zones, areas, ...old } = good;
  const later = Object.keys(doorDefaults).filter((key) => !firstDoorKeys.has(key));
  const doors = old.doors.map((settings) =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => firstDoorKeys.has(key))),
  );
  const rules = old.rules
    .filter(({ kind }) => kind === "grant")
    .map(({ kind, zones: _, ...rule }) => rule);
  const schedules = old.schedules.map(({ id, intervals }) => ({
    id,
    intervals: intervals.map(({ dayType, ...interval }) => interval),
  }));
  const parsed = parseTableContent({ ...structuredClone(old), doors, rules, schedules });
  if (!parsed.ok) throw new Error(parsed.fault);
  t.match(parsed.value, { calendar: [], zones: [], areas: [] });
  t.ok(parsed.value.rules.length > 0);
  t.ok(
    parsed.value.rules.every(({ kind, zones: within }) => kind === "grant" && within.length === 0),
  );
  for (const key of later) {
    t.same(Reflect.get(parsed.value.doors[0] ?? {}, key), Reflect.get(doorDefaults, key), key);
  }
});

t.test("a fault names the field", async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["site", "a/b"],
    ["controller", 7],
    ["table.epoch", -1],
    ["table.version", 1.5],
    ["table.version", 2 ** 52],
    ["compiledAt", Number.NaN],
    ["zone", "Europe/Nowhere"],
    ["zone", "+02:00"],
    ["doors.0.unlockMs", 0],
    ["doors.0.unlockMs", 1e12],
    ["doors.0.heldOpenMs", -1],
    ["doors.0.heldOpenWarningMs", 20_001],
    ["doors.0.strikeOnMaxMs", Number.POSITIVE_INFINITY],
    ["doors.0.secondFactorMs", 4_999],
    ["doors.0.secondFactorMs", 30_001],
    ["doors.0.relock", "never"],
    ["doors.0.factors", "none"],
    ["doors.0.rex", true],
    ["doors.0.clockUnknown", undefined],
    ["doors.0.id", "../front"],
    ["users.0.suspended", "no"],
    ["passes.0.kind", "key"],
    ["passes.0.user", "nobody"],
    ["passes.0.endsAt", 999],
    ["passes.0.presents.raw", "26:ffffffff"],
    ["passes.1.presents.digest", "246810"],
    ["passes.1.presents.as", "both"],
    ["rules.0.users", ["nobody"]],
    ["rules.0.doors", ["nowhere"]],
    ["rules.0.schedule", "never"],
    ["schedules.0.intervals.0.days", []],
    ["schedules.0.intervals.0.fromMinute", 1_440],
    ["schedules.0.intervals.0.toMinute", 1_441],
    ["schedules.0.intervals.0.dayType", "a b"],
    ["doors.0.posture", "open"],
    ["doors.0.extraTimeMs", -1],
    ["doors.0.heldOpenWatch", "never"],
    ["doors.0.inside", "nowhere"],
    ["doors.0.outside", "nowhere"],
    ["doors.0.outside", "lab"],
    ["doors.0.exitReaders", ["front-out", "front-out"]],
    ["doors.0.interlock", ["side"]],
    ["doors.0.interlock", ["front"]],
    ["doors.0.interlock", ["back", "back"]],
    ["doors.0.twoPerson", true],
    ["doors.0.companyMs", 4_999],
    ["doors.0.tamper", "ignore"],
    ["doors.0.fire", "explode"],
    ["doors.0.afterRestart", "reset"],
    ["users.0.traits", ["king"]],
    ["users.0.traits", ["manager", "manager"]],
    ["passes.0.usesMax", 0],
    ["passes.0.spentHere", -1],
    ["passes.0.spentElsewhere", 0.5],
    ["passes.0.traits", ["duress"]],
    ["passes.0.traits", ["manager"]],
    ["rules.0.kind", "deny"],
    ["rules.0.zones", ["nowhere"]],
    ["rules.1.users", ["ada"]],
    ["rules.2.schedule", undefined],
    ["zones.0.doors", ["nowhere"]],
    ["zones.1.doors", ["front", "front"]],
    ["zones.1.parent", "nowhere"],
    ["zones.1.parent", "house"],
    ["zones.0.parent", "house"],
    ["areas.0.passback", "firm"],
    ["areas.1.passbackMs", undefined],
    ["areas.1.occupancyMax", 0],
    ["areas.1.managerIn", "yes"],
    ["calendar.0.month", 13],
    ["calendar.0.day", 32],
    ["calendar.0.dayType", ""],
    ["calendar.1.day", 30],
  ];
  for (const [path, value] of cases) {
    const fault = faultOf(spoilt(path, value));
    t.ok(fault.startsWith(path), `${path} = ${String(value)}: ${fault}`);
  }
});

t.test("a fault repeats no secret", async (t) => {
  const fault = faultOf(spoilt("passes.0.presents.raw", "26:deadbeef"));
  t.notMatch(fault, /deadbeef/);
  t.notMatch(faultOf(spoilt("passes.1.presents.digest", "246810")), /246810/);
});

t.test("an unknown field is refused wherever it stands", async (t) => {
  for (const path of ["bonus", "doors.0.bonus", "passes.0.bonus", "passes.0.presents.bonus"]) {
    t.equal(faultOf(spoilt(path, 1)), `${path}: expected no such field`);
  }
});

t.test("an id, a card or a PIN that is there twice is refused", async (t) => {
  const [first, second] = good.passes;
  const door = good.doors[0];
  t.match(faultOf({ ...good, doors: [door, door] }), /^doors\.1\.id: /);
  t.match(faultOf({ ...good, passes: [first, second, first] }), /^passes\.2\.id: /);
  t.match(
    faultOf({ ...good, passes: [first, { ...first, id: "copy" }] }),
    /^passes\.1\.presents: /,
  );
  t.match(
    faultOf({ ...good, passes: [second, { ...second, id: "copy" }] }),
    /^passes\.1\.presents: /,
  );
});

t.test("each list has an id once, and the calendar each date", async (t) => {
  for (const list of ["users", "rules", "schedules", "zones", "areas"] as const) {
    const [first] = good[list];
    const twice = { ...good, [list]: [...good[list], first] };
    t.equal(faultOf(twice), `${list}.${good[list].length}.id: expected an id used once`);
  }
  const [dated, yearly] = good.calendar;
  const other = { dayType: "other" };
  t.match(faultOf({ ...good, calendar: [dated, { ...dated, ...other }] }), /^calendar\.1\.day: /);
  t.match(faultOf({ ...good, calendar: [yearly, { ...yearly, ...other }] }), /^calendar\.1\.day: /);
  const both = [dated, { month: dated?.month, day: dated?.day, dayType: "other" }];
  t.match(faultOf(spoilt("calendar.1.year", 2_027)), /^calendar\.1\.day: /, "no leap year");
  t.equal(faultOf({ ...good, calendar: both }), "accepted", "a date and its day of every year");
});

t.test("a ring of zones is refused, wherever it closes", async (t) => {
  const zones = ["a", "b", "c", "d"].map((id, index) => ({
    id,
    parent: ["b", "c", "d", "b"][index],
    doors: [],
  }));
  t.match(faultOf({ ...good, zones, rules: [] }), /^zones\.\d\.parent: /);
  const chain = Array.from({ length: 5_000 }, (_, index) => ({
    id: `z${index}`,
    ...(index < 4_999 && { parent: `z${index + 1}` }),
    doors: [],
  }));
  t.equal(faultOf({ ...good, zones: chain, rules: [] }), "accepted", "however deep");
});

t.test("a PIN pass presents a PIN, and a card pass a card", async (t) => {
  const [card, pin] = good.passes;
  t.match(faultOf({ ...good, passes: [{ ...card, kind: "pin" }] }), /^passes\.0\.presents\.as: /);
  t.match(faultOf({ ...good, passes: [{ ...pin, kind: "mobile" }] }), /^passes\.0\.presents\.as: /);
});

t.test("a list without end is refused by its length", async (t) => {
  const doors = Array.from({ length: 257 }, (_, index) => ({ ...good.doors[0], id: `d${index}` }));
  t.equal(faultOf({ ...good, doors }), "doors: expected at most 256 items");
});
