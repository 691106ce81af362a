import t from "tap";
import type { TableContent } from "../../../src/domain/access.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { parseTableContent } from "../../../src/protocols/sync/table-content.ts";
import { compileTable } from "../../../src/site/compile-table.ts";
import { parseSiteFile } from "../../../src/site/site-file.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";
import { siteFile } from "./site-rig.ts";

const nothingSpent: SpentUses = () => [];

/** The table of a controller, which it would take as it is. */
function tableFor(controller: string, text: string, spent = nothingSpent): TableContent {
  const model = parseSiteFile({ file: "site.toml", text });
  if (!model.ok) throw new Error(model.fault.map(({ key, expected }) => key + expected).join());
  const compiled = compileTable({
    model: model.value,
    controller: controllerId(controller),
    table: { epoch: 1, version: 1 },
    compiledAt: epochMs(1_000),
    pinKey: new Uint8Array(32),
    spent,
  });
  const parsed = parseTableContent(compiled);
  if (!parsed.ok) throw new Error(parsed.fault);
  return parsed.value;
}

const rules = (list: string, more = "") =>
  siteFile(more).replace(/^rules = .*$/m, `rules = [${list}]`);

t.test("a zone is sent where it has doors, with the zones around it", async (t) => {
  const text = rules(
    '{ id = "all", users = ["ada"], zones = ["campus"] }, { id = "yard", users = ["ada"], zones = ["yard"] }',
    `zones = [
      { id = "campus" },
      { id = "house", parent = "campus", doors = ["front"] },
      { id = "yard", parent = "campus", doors = ["back"] },
      { id = "empty", parent = "house" },
      { id = "gates", doors = ["back", "front"] },
    ]`,
  );
  const one = tableFor("one", text);
  t.same(one.zones, [
    { id: "campus", doors: [] },
    { id: "house", parent: "campus", doors: ["front"] },
    { id: "gates", doors: ["front"] },
  ]);
  t.match(one.rules, [{ id: "all", doors: [], zones: ["campus"] }]);
  t.equal(one.rules.length, 1, "a rule of another controller's doors alone is not sent");
  const two = tableFor("two", text);
  t.same(
    two.zones.map(({ id }) => id),
    ["campus", "yard", "gates"],
  );
  t.same(
    two.rules.map(({ id }) => id),
    ["all", "yard"],
  );
});

t.test("an area is sent where a door leads into or out of it", async (t) => {
  const text = siteFile(
    'areas = [{ id = "lab", passback = "soft" }, { id = "yard" }, { id = "attic" }]',
  )
    .replace('readers = ["front"]', 'readers = ["front"], inside = "lab", outside = "yard"')
    .replace('readers = ["back"]', 'readers = ["back"], inside = "yard"');
  const idsOf = (controller: string) => tableFor(controller, text).areas.map(({ id }) => id);
  t.same(idsOf("one"), ["lab", "yard"]);
  t.same(idsOf("two"), ["yard"]);
  t.match(tableFor("one", text).doors, [{ inside: "lab", outside: "yard" }]);
});

t.test("rules without users unlock; a first person in who has no pass is nobody", async (t) => {
  const text = rules(
    `{ id = "open", kind = "auto_unlock", doors = ["front"], schedule = "day" },
     { id = "anybody", kind = "first_person_in", doors = ["front"], schedule = "day" },
     { id = "manager", kind = "first_person_in", users = ["eve"], doors = ["front"], schedule = "day" },
     { id = "both", kind = "first_person_in", users = ["eve", "ada"], doors = ["front"], schedule = "day" },
     { id = "none", users = ["eve"], doors = ["front"] }`,
  ).replace('{ id = "bob"', '{ id = "eve", name = "Eve" }, { id = "bob"');
  // A rule for no users would let the door be unlocked by whoever comes first.
  t.same(
    tableFor("one", text).rules.map(({ id, users }) => [id, users]),
    [
      ["open", []],
      ["anybody", []],
      ["both", ["ada"]],
    ],
  );
});

t.test("the calendar goes where a schedule follows it", async (t) => {
  const text = rules(
    '{ id = "day", users = ["ada"], doors = ["front"], schedule = "day" }, { id = "always", users = ["ada"], doors = ["back"] }',
    'calendar = [{ date = "12-25", day_type = "holiday" }, { date = "2026-12-24", day_type = "short" }]',
  );
  t.same(tableFor("one", text).calendar, [
    { month: 12, day: 25, dayType: "holiday" },
    { year: 2_026, month: 12, day: 24, dayType: "short" },
  ]);
  t.same(tableFor("two", text).calendar, []);
});

t.test("traits are sent, and nothing where there are none", async (t) => {
  const text = siteFile()
    .replace('name = "Ada Lovelace"', 'name = "Ada Lovelace", traits = ["manager"]')
    .replace('pin = "246810"', 'pin = "246810", traits = ["duress"]');
  const { users, passes } = tableFor("one", text);
  t.same(users, [
    { id: "ada", suspended: false, traits: ["manager"] },
    { id: "bob", suspended: false },
  ]);
  t.same(
    passes.map(({ traits }) => traits),
    [undefined, ["duress"], undefined],
  );
  t.notOk("traits" in (passes[0] ?? {}));
});

const limited = siteFile().replace('{ id = "ada-card",', '{ id = "ada-card", uses = 5,');

t.test("a pass with a use count comes with what is spent, here and elsewhere", async (t) => {
  const spent: SpentUses = (pass) => {
    t.not(pass, "bob-card", "nobody asks of a pass without a count");
    return [
      { controller: controllerId("one"), spent: 1 },
      { controller: controllerId("two"), spent: 2 },
      { controller: controllerId("gone"), spent: 1 },
    ];
  };
  t.match(tableFor("one", limited, spent).passes[0], {
    usesMax: 5,
    spentHere: 1,
    spentElsewhere: 3,
  });
  t.match(tableFor("two", limited, spent).passes[0], { spentHere: 2, spentElsewhere: 2 });
  t.notOk("usesMax" in (tableFor("one", limited, spent).passes[2] ?? {}));
  t.notOk("spentHere" in (tableFor("one", limited).passes[0] ?? {}));
});

t.test("a controller that claims more than there is leaves the other tables good", async (t) => {
  const spent: SpentUses = () => [{ controller: controllerId("two"), spent: 2 ** 52 }];
  t.match(tableFor("one", limited, spent).passes[0], { usesMax: 5, spentElsewhere: 5 });
  t.match(tableFor("two", limited, spent).passes[0], { usesMax: 5, spentHere: 5 });
});
