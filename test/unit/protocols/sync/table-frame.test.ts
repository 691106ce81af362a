import t from "tap";
import { doorDefaults } from "../../../../src/domain/door-defaults.ts";
import type { FrameRule, TableFrame } from "../../../../src/domain/table-change.ts";
import { parseTableFrame } from "../../../../src/protocols/sync/table-frame.ts";
import { fullFrame } from "./samples.ts";

const good: TableFrame = fullFrame();

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

/** A deep copy of a good frame with the value at `path` replaced, or taken out. */
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
  const parsed = parseTableFrame(raw);
  return parsed.ok ? "accepted" : parsed.fault;
}

t.test("a frame with one of everything is read as it was written", async (t) => {
  t.same(parseTableFrame(structuredClone(good)), { ok: true, value: good });
  // As an image has it.
  t.same(parseTableFrame(JSON.parse(JSON.stringify(good))), { ok: true, value: good });
});

t.test("a frame that was signed before a door knew these rules goes on deciding", async (t) => {
  const { calendar, zones, areas, mobile, ...old } = good;
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
  const parsed = parseTableFrame({ ...structuredClone(old), doors, rules, schedules });
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
    ["rules.0.kind", "deny"],
    ["rules.0.zones", ["nowhere"]],
    ["rules.2.schedule", undefined],
    ["rules.0.whom", "everybody"],
    ["zones.0.doors", ["nowhere"]],
    ["zones.1.doors", ["front", "front"]],
    ["zones.1.parent", "nowhere"],
    ["zones.1.parent", "house"],
    ["zones.0.parent", "house"],
    ["areas.0.passback", "firm"],
    ["mobile", {}],
    ["mobile", null],
    ["mobile.certificate", ""],
    ["mobile.certificate", "a+b/"],
    ["mobile.certificate", "YWI="],
    ["mobile.certificate", "YWJ"],
    ["mobile.certificate", "Y"],
    ["mobile.certificate", "A".repeat(513)],
    ["mobile.key", "AAAA"],
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

t.test("an unknown field is refused wherever it stands", async (t) => {
  for (const path of ["bonus", "users", "passes", "doors.0.bonus", "rules.0.users"]) {
    t.equal(faultOf(spoilt(path, 1)), `${path}: expected no such field`);
  }
});

t.test("each list has an id once, and the calendar each date", async (t) => {
  for (const list of ["doors", "rules", "schedules", "zones", "areas"] as const) {
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

t.test("nobody but a first person in may be anybody", async (t) => {
  const [rule, , first] = good.rules;
  if (rule === undefined || first === undefined) throw new Error("no rules");
  const faultWith = (rule: FrameRule) => faultOf({ ...good, rules: [rule] });
  for (const kind of ["grant", "grant_two_factors", "auto_unlock"] as const) {
    t.equal(faultWith({ ...rule, kind, whom: "anybody" }), "rules.0.whom: expected named_users");
  }
  t.equal(faultWith({ ...first, whom: "anybody" }), "accepted");
  t.equal(faultWith({ ...first, whom: "named_users" }), "accepted");
});

t.test("a list without end is refused by its length", async (t) => {
  const doors = Array.from({ length: 257 }, (_, index) => ({ ...good.doors[0], id: `d${index}` }));
  t.equal(faultOf({ ...good, doors }), "doors: expected at most 256 items");
});
