import { readFileSync } from "node:fs";
import t from "tap";
import { parseSiteFile } from "../../../src/site/site-file.ts";

const file = "config/demo-site.toml";

t.test("the demonstration has Ada, Bob, Cleo, Dan and Eve at two doors", async (t) => {
  const result = parseSiteFile({ file, text: readFileSync(file, "utf8") });
  if (!result.ok) throw new Error("the demonstration has faults");
  const { site, zone, calendar, zones, doors, users, passes, rules, schedules } = result.value;
  t.same([site, zone], ["demo", "Europe/Berlin"]);
  t.match(doors, [
    { id: "front", controller: "demo", readers: ["front"], factors: "card_or_pin" },
    { id: "lab", controller: "demo", readers: ["lab"], factors: "card_and_pin" },
  ]);
  t.same(
    users.map(({ id }) => id),
    ["ada", "bob", "cleo", "dan", "eve"],
  );
  const fields = (number: number) => ({ format: "H10301", fields: { facility: 12, number } });
  t.match(passes, [
    { user: "ada", kind: "csn_card", active: true, card: fields(34_567), raw: /^26:/ },
    { user: "ada", kind: "pin", pin: "246810" },
    { user: "bob", card: fields(1_111) },
    { user: "cleo", card: fields(2_222), endsAt: Date.UTC(2020, 11, 31, 22, 59, 59) },
    { user: "dan", card: fields(3_333) },
    { user: "eve", card: fields(4_444), usesMax: 2 },
  ]);
  t.match(rules, [
    { users: ["ada"], doors: ["front", "lab"] },
    { users: ["cleo"], doors: ["front"] },
    { users: ["dan"], doors: ["front"], schedule: "cleaning" },
    { users: ["eve"], doors: [], zones: ["public"] },
    { kind: "auto_unlock", users: [], doors: ["front"], schedule: "open-house" },
  ]);
  t.notOk(rules[0]?.schedule, "Ada may come at any time");
  t.notOk(
    rules.some((rule) => rule.users.some((user) => user === "bob")),
    "Bob nowhere",
  );
  t.same(schedules, [
    { id: "cleaning", intervals: [{ days: [1, 2, 3, 4, 5], fromMinute: 1_080, toMinute: 1_320 }] },
    {
      id: "open-house",
      intervals: [
        { days: [1, 2, 3, 4, 5, 6, 7], dayType: "open_house", fromMinute: 600, toMinute: 960 },
      ],
    },
  ]);
  t.same(zones, [{ id: "public", doors: ["front"] }]);
  t.same(calendar, [
    { year: 2026, month: 5, day: 9, dayType: "open_house" },
    { month: 12, day: 25, dayType: "holiday" },
  ]);
  // Two days later it is over by the clocks of every zone.
  const now = Date.now();
  const openHouses = calendar.filter(({ dayType }) => dayType === "open_house");
  t.ok(
    openHouses.every(({ year = 9_999, month, day }) => Date.UTC(year, month - 1, day + 2) < now),
    "the open house is over, or what README has people try would find the door unlocked",
  );
});
