import t from "tap";
import { type AccessTable, buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { type AccessRequest, authorize } from "../../../src/core/authorize.ts";
import { explain } from "../../../src/core/explain.ts";
import { nextGrantAt } from "../../../src/core/next-grant.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import { lookAhead } from "../../../src/core/schedule.ts";
import type {
  CalendarDay,
  DoorSettings,
  IsoWeekday,
  RuleRecord,
  WeeklyInterval,
} from "../../../src/domain/access.ts";
import { type PinDigest, pinDigest } from "../../../src/domain/credential.ts";
import { dayTypeId, doorId, passId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  pinPass,
  rule,
  schedule,
  tableContent,
  testHashKey,
  user,
} from "./sample-table.ts";

const monday = "2026-01-05T09:00:00Z";
const everyDay: readonly IsoWeekday[] = [1, 2, 3, 4, 5, 6, 7];

interface Site {
  readonly factors: DoorSettings["factors"];
  readonly kind?: RuleRecord["kind"];
  /** One rule with a schedule of its own for each. */
  readonly intervals: readonly (readonly WeeklyInterval[])[];
  readonly calendar?: readonly CalendarDay[];
}

function tableOf({ factors, kind = "grant", intervals, calendar = [] }: Site): AccessTable {
  return buildAccessTable(
    tableContent({
      doors: [door("front", { factors })],
      users: [user("ada")],
      passes: [cardPass("card", "ada", "26:0190e0f"), pinPass("pin", "ada", digestOf("a"))],
      rules: intervals.map((_, index) => ({
        ...rule(`r${index}`, ["ada"], ["front"], `s${index}`),
        kind,
      })),
      schedules: intervals.map((own, index) => schedule(`s${index}`, own)),
      calendar,
    }),
    testHashKey,
  );
}

function requestOf(pass: string, when = monday, pin?: PinDigest): AccessRequest {
  return {
    door: doorId("front"),
    presented: { pass: passId(pass), ...(pin && { pin }) },
    wall: { at: at(when), quality: "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  };
}

/** How many runs of days the schedules work out: what the doors wait for. */
function workOf(ask: () => unknown): number {
  return lookAhead([], (worked) => {
    ask();
    return worked();
  });
}

const weekly = Array.from({ length: 60 }, (_, index): readonly WeeklyInterval[] => [
  { days: everyDay.slice(index % 7, (index % 7) + 1), fromMinute: 480, toMinute: 600 + index },
]);

t.test("a PIN at a door for cards waits for no schedule", async (t) => {
  for (const factors of ["card", "card_and_pin"] as const) {
    const table = tableOf({ factors, intervals: weekly });
    const asked = requestOf("pin");
    authorize(table, asked);
    const work = workOf(() => {
      const next = nextGrantAt(table, asked);
      t.same(next, { kind: "never", reason: "pin_alone_not_allowed" }, factors);
    });
    t.ok(work <= 2 * weekly.length, `${factors}: ${work}`);
  }
});

t.test("rules that ask for card and PIN never let a PIN alone in, nor a wrong one", async (t) => {
  const table = tableOf({ factors: "card_or_pin", kind: "grant_two_factors", intervals: weekly });
  const alone = nextGrantAt(table, requestOf("pin"));
  t.same(alone, { kind: "never", reason: "pin_alone_not_allowed" });
  const wrong = nextGrantAt(table, requestOf("card", monday, pinDigest(digestOf("b"))));
  t.same(wrong, { kind: "never", reason: "wrong_pin" });
});

t.test("however many rules there are, the doors do not wait long for an answer", async (t) => {
  // Each opens on one day only, years from now and out of what was worked out.
  const intervals = Array.from({ length: 1_000 }, (_, index): readonly WeeklyInterval[] => [
    { days: everyDay, dayType: dayTypeId("once"), fromMinute: index, toMinute: index + 1 },
  ]);
  const calendar = [{ year: 2027, month: 6, day: 1, dayType: dayTypeId("once") }];
  const table = tableOf({ factors: "card", intervals, calendar });
  const asked = requestOf("card");
  authorize(table, asked);
  const nextWork = workOf(() => {
    const next = nextGrantAt(table, asked);
    t.same(next, { kind: "unknown", reason: "outside_schedule" });
  });
  t.ok(nextWork < 300, `next grant: ${nextWork}`);
  const explainWork = workOf(() => {
    const { ladder } = explain(table, asked);
    const remedy = ladder.find(({ verdict }) => verdict === "failed")?.remedy ?? "";
    t.match(remedy, /^Wait until 2027-06-01T00:00:00\+02:00 at the latest, or widen/);
  });
  t.ok(explainWork < 100, `explain: ${explainWork}`);
});

t.test("a question about another time costs nobody who comes to the door now", async (t) => {
  const unlocks = (index: number): RuleRecord => ({
    ...rule(`u${index}`, [], ["front"], `s${index}`),
    kind: "auto_unlock",
  });
  const content = tableContent({
    doors: [door("front")],
    users: [user("ada")],
    passes: [cardPass("card", "ada", "26:0190e0f")],
    rules: [rule("r0", ["ada"], ["front"], "s0"), unlocks(1), unlocks(2)],
    schedules: weekly.slice(0, 3).map((own, index) => schedule(`s${index}`, own)),
  });
  const table = buildAccessTable(content, testHashKey);
  authorize(table, requestOf("card"));
  explain(table, requestOf("card", "2027-03-01T12:00:00Z"));
  t.equal(nextGrantAt(table, requestOf("card", "2027-03-01T12:00:00Z")).kind, "at");
  const waiting = { waiting: { pass: passId("card") }, isEscorted: false };
  explain(table, { ...requestOf("card", "2028-03-01T12:00:00Z"), company: waiting });
  t.equal(
    workOf(() => authorize(table, requestOf("card"))),
    0,
  );
});
