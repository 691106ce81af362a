import t from "tap";
import { buildTableImage } from "../../../src/core/access-table/build-table-image.ts";
import { openTableImage } from "../../../src/core/access-table/open-table-image.ts";
import { controllerId, passId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { parseTableFrame } from "../../../src/protocols/sync/table-frame.ts";
import { ControllerView } from "../../../src/site/controller-view.ts";
import { modelOfSiteFile, parseSiteFile } from "../../../src/site/site-file.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";
import { indexOf } from "./index-of.ts";
import { siteFile } from "./site-rig.ts";

const nothingSpent: SpentUses = () => [];
const pinKey = new Uint8Array(32);
const mobileOf = (controller: string) =>
  controller === "one" ? { certificate: "b25l" } : undefined;

/** The view of a controller, which would take it as it is. */
function viewOf(controller: string, text: string, spent = nothingSpent): ControllerView {
  const model = parseSiteFile({ file: "site.toml", text });
  if (!model.ok) throw new Error(model.fault.map(({ key, expected }) => key + expected).join());
  const state = indexOf(modelOfSiteFile(model.value, pinKey));
  const view = new ControllerView({ state, spent, mobileOf }, controllerId(controller));
  const mark = { epoch: 1, version: 1, tag: 1 };
  const content = { frame: view.frame, users: view.users(), passes: view.passes() };
  const image = buildTableImage({ ...content, mark, compiledAt: epochMs(1_000) }, [1, 2]);
  const opened = openTableImage(image, parseTableFrame);
  if (!opened.ok) throw new Error(opened.fault);
  return view;
}

const rules = (list: string, more = "") =>
  siteFile(more).replace(/^rules = .*$/m, `rules = [${list}]`);

const idsOf = (items: Iterable<{ readonly id: string }>) => [...items].map(({ id }) => id).sort();

t.test(
  "a user is told to the controllers whose doors his rules cover, with his passes",
  async (t) => {
    const text = rules(
      '{ id = "in", users = ["ada"], doors = ["front"] }, { id = "out", users = ["bob"], zones = ["yard"] }',
      'zones = [{ id = "yard", doors = ["back"] }]',
    );
    t.same(idsOf(viewOf("one", text).users()), ["ada"]);
    t.same(idsOf(viewOf("one", text).passes()), ["ada-card", "ada-pin"]);
    t.same(idsOf(viewOf("two", text).users()), ["bob"]);
    t.same(idsOf(viewOf("two", text).passes()), ["bob-card"]);
    t.equal(viewOf("one", text).user(userId("bob")), undefined);
    t.equal(viewOf("one", text).pass(passId("bob-card")), undefined);
  },
);

t.test("who is in no rule is known everywhere: he is told no_access", async (t) => {
  for (const controller of ["one", "two"]) {
    t.match(viewOf(controller, siteFile()).user(userId("bob")), { rules: [] });
    t.match(viewOf(controller, siteFile()).pass(passId("bob-card")), { user: "bob" });
  }
  const nowhere = rules(
    '{ id = "later", users = ["bob"], zones = ["empty"] }',
    'zones = [{ id = "empty" }]',
  );
  t.ok(viewOf("one", nowhere).user(userId("bob")), "a rule that covers no door yet is none");
});

t.test("a controller with a door of free access knows everybody", async (t) => {
  const text = rules('{ id = "in", users = ["ada", "bob"], doors = ["front"] }').replace(
    'readers = ["back"]',
    'readers = ["back"], posture = "free_access"',
  );
  t.same(idsOf(viewOf("two", text).users()), ["ada", "bob"]);
  t.match(viewOf("two", text).user(userId("ada")), { rules: [] });
});

t.test("a controller without a door is told nothing of anybody", async (t) => {
  const view = viewOf("bare", siteFile());
  t.same([...view.users()], []);
  t.same([...view.passes()], []);
  t.match(view.frame, { doors: [], rules: [], zones: [], schedules: [], calendar: [] });
});

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
  const one = viewOf("one", text).frame;
  t.same(one.zones, [
    { id: "campus", doors: [] },
    { id: "house", parent: "campus", doors: ["front"] },
    { id: "gates", doors: ["front"] },
  ]);
  t.match(one.rules, [{ id: "all", doors: [], zones: ["campus"], whom: "named_users" }]);
  t.equal(one.rules.length, 1, "a rule of another controller's doors alone is not sent");
  const two = viewOf("two", text);
  t.same(
    two.frame.zones.map(({ id }) => id),
    ["campus", "yard", "gates"],
  );
  t.same(idsOf(two.frame.rules), ["all", "yard"]);
  t.same(two.user(userId("ada"))?.rules, ["all", "yard"]);
});

t.test("an area is sent where a door leads into or out of it", async (t) => {
  const text = siteFile(
    'areas = [{ id = "lab", passback = "soft" }, { id = "yard" }, { id = "attic" }]',
  )
    .replace('readers = ["front"]', 'readers = ["front"], inside = "lab", outside = "yard"')
    .replace('readers = ["back"]', 'readers = ["back"], inside = "yard"');
  t.same(idsOf(viewOf("one", text).frame.areas), ["lab", "yard"]);
  t.same(idsOf(viewOf("two", text).frame.areas), ["yard"]);
  t.match(viewOf("one", text).frame.doors, [{ inside: "lab", outside: "yard" }]);
  t.notOk("readers" in (viewOf("one", text).frame.doors[0] ?? {}));
});

t.test("a rule for people none of whom has a pass becomes no rule for anybody", async (t) => {
  const first = 'kind = "first_person_in", doors = ["front"], schedule = "day"';
  const text = rules(
    `{ id = "open", kind = "auto_unlock", doors = ["front"], schedule = "day" },
     { id = "anybody", ${first} },
     { id = "manager", ${first}, users = ["eve"] }`,
  ).replace('{ id = "bob"', '{ id = "eve", name = "Eve" }, { id = "bob"');
  const { frame } = viewOf("one", text);
  t.same(
    frame.rules.map(({ id, whom }) => [id, whom]),
    [
      ["anybody", "anybody"],
      ["manager", "named_users"],
      ["open", "named_users"],
    ],
  );
});

t.test("the calendar goes where a schedule follows it", async (t) => {
  const text = rules(
    '{ id = "day", users = ["ada"], doors = ["front"], schedule = "day" }, { id = "always", users = ["ada"], doors = ["back"] }',
    'calendar = [{ date = "12-25", day_type = "holiday" }, { date = "2026-12-24", day_type = "short" }]',
  );
  t.same(viewOf("one", text).frame.calendar, [
    { month: 12, day: 25, dayType: "holiday" },
    { year: 2_026, month: 12, day: 24, dayType: "short" },
  ]);
  t.same(viewOf("two", text).frame.calendar, []);
});

t.test("traits are sent, and nothing where there are none; names and PINs never", async (t) => {
  const text = siteFile()
    .replace('name = "Ada Lovelace"', 'name = "Ada Lovelace", traits = ["manager"]')
    .replace('pin = "246810"', 'pin = "246810", traits = ["duress"]');
  const view = viewOf("one", text);
  t.same(view.user(userId("ada")), {
    id: "ada",
    suspended: false,
    traits: ["manager"],
    rules: ["staff"],
  });
  t.same(view.pass(passId("ada-pin"))?.traits, ["duress"]);
  t.notOk("traits" in (view.pass(passId("ada-card")) ?? {}));
  const all = JSON.stringify([view.frame, [...view.users()], [...view.passes()]]);
  t.notMatch(all, /246810|Lovelace/);
});

const limited = siteFile().replace('{ id = "ada-card",', '{ id = "ada-card", uses = 5,');
const card = passId("ada-card");

t.test("a pass with a use count comes with what is spent, here and elsewhere", async (t) => {
  const spent: SpentUses = (pass) => {
    t.not(pass, "bob-card", "nobody asks of a pass without a count");
    return [
      { controller: controllerId("one"), spent: 1 },
      { controller: controllerId("two"), spent: 2 },
      { controller: controllerId("gone"), spent: 1 },
    ];
  };
  t.match(viewOf("one", limited, spent).pass(card), {
    usesMax: 5,
    spentHere: 1,
    spentElsewhere: 3,
  });
  t.match(viewOf("two", limited, spent).pass(card), { spentHere: 2, spentElsewhere: 2 });
  t.notOk("usesMax" in (viewOf("one", limited, spent).pass(passId("bob-card")) ?? {}));
  t.notOk("spentHere" in (viewOf("one", limited).pass(card) ?? {}));
});

t.test("a controller that claims more than there is leaves the other tables good", async (t) => {
  const spent: SpentUses = () => [{ controller: controllerId("two"), spent: 2 ** 52 }];
  t.match(viewOf("one", limited, spent).pass(card), { usesMax: 5, spentElsewhere: 5 });
  t.match(viewOf("two", limited, spent).pass(card), { usesMax: 5, spentHere: 5 });
});

t.test("a controller's readers show phones its own certificate, where it has one", async (t) => {
  t.same(viewOf("one", siteFile()).frame.mobile, { certificate: "b25l" });
  t.notOk("mobile" in viewOf("two", siteFile()).frame);
});
