import t from "tap";
import { changed, faultAfter, faultsOf, whole } from "./whole-site-file.ts";

t.test("an area that nobody is recorded to leave has no rule that fills it for good", async (t) => {
  const exits = ', exit_readers = ["exit"]';
  const noWay = (rules: string) =>
    changed(exits, "").replace(/passback = "timed".*manager_in/, `${rules}, manager_in`);
  const missing =
    "a way out that is recorded: exit_readers at inner, or a door that has it as outside";
  t.same(faultsOf(noWay('passback = "hard"')), [
    `site.toml:16: areas[1].passback: expected "hard" only with passback_ms, or with ${missing}, found "hard"`,
  ]);
  t.same(faultsOf(noWay("occupancy_max = 2")), [
    `site.toml:16: areas[1].occupancy_max: expected no limit without ${missing}, found 2`,
  ]);
  for (const kept of [
    'passback = "hard", passback_ms = 60000',
    'passback = "soft"',
    'passback = "timed", passback_ms = 60000',
  ]) {
    t.same(faultsOf(noWay(kept)), [], kept);
  }
  const vault = (text: string) =>
    text.replace('passback = "timed", passback_ms = 60000', 'passback = "hard"');
  t.same(faultsOf(vault(whole)), [], "an exit reader leads out");
  const other = 'readers = ["outer"], outside = "vault"';
  t.same(faultsOf(noWay('passback = "hard"').replace('readers = ["outer"]', other)), [], "a door");
  const backwards = other.replace("outside", 'exit_readers = ["outer"], outside');
  t.match(
    faultsOf(noWay('passback = "hard"').replace('readers = ["outer"]', backwards)),
    [/areas\[1\]\.passback/],
    "whose only reader leads in",
  );
});

t.test("what a file says of areas and exits means something at a door", async (t) => {
  for (const rule of ['passback = "soft"', "occupancy_max = 9", 'manager_in = "required"']) {
    t.match(
      faultAfter("areas = [\n", `areas = [\n  { id = "attic", ${rule} },\n`),
      /^site\.toml:15: areas\[0\]\.id: expected an area that a door has as its inside or outside, as this one has rules, found "attic"$/,
      rule,
    );
  }
  t.equal(faultAfter("areas = [\n", 'areas = [\n  { id = "attic" },\n'), "", "one without rules");
  t.match(
    faultAfter('readers = ["yard"]', 'readers = ["yard"], exit_readers = ["yard"]'),
    /^site\.toml:7: doors\[2\]\.exit_readers: expected no exit readers at a door that has neither inside nor outside/,
  );
  t.match(
    faultAfter('{ id = "lock" }', '{ id = "lock", passback_ms = 60000 }'),
    /^site\.toml:15: areas\[0\]\.passback_ms: expected no time, as passback is "none", found 60000$/,
  );
});

t.test("each door of an interlock names the other", async (t) => {
  t.same(faultsOf(changed('interlock = ["outer"], ', "")), [
    'site.toml:5: doors[0].interlock[0]: expected a door whose interlock names "outer" too, found "inner", whose own at site.toml:6 does not',
  ]);
});

t.test("who must be escorted or let in by a manager can be", async (t) => {
  const none = 'users[1].traits[0]: expected no trait "needs_escort" where no user who is not';
  t.match(faultAfter('["manager", "may_escort"]', '["manager"]'), none);
  const suspended = changed('name = "Ada",', 'name = "Ada", suspended = true,');
  t.match(faultsOf(suspended), [
    /areas\[1\]\.manager_in: expected "required" only where a user who is not suspended/,
    /^site\.toml:20: users\[1\]\.traits\[0\]: expected no trait "needs_escort"/,
  ]);
});

t.test("a list longer than a table may hold is told at its own place", async (t) => {
  const many = (count: number, make: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => make(index)).join(", ");
  const interval = '{ days = ["mon"], from = "08:00", to = "12:00" }';
  const intervals = (count: number) =>
    faultAfter(
      '{ id = "day",',
      `{ id = "x", intervals = [${many(count, () => interval)}] },\n  { id = "day",`,
    );
  t.equal(intervals(500), "");
  t.equal(
    intervals(501),
    "site.toml:29: schedules[0].intervals: expected at most 500 tables, found a list",
  );
  const exits = (count: number) => {
    const names = many(count, (index) => `"exit${index}"`);
    const text = changed('exit_readers = ["exit"]', `exit_readers = [${names}]`);
    return faultsOf(text.replace('["inner", "exit"]', `["inner", ${names}]`)).join("\n");
  };
  t.equal(exits(64), "");
  t.match(exits(70), /^site\.toml:6: doors\[1\]\.exit_readers: expected at most 64 ids of readers/);
  const doors = (count: number, controller: (index: number) => string) =>
    faultAfter(
      '{ id = "yard"',
      `${many(count, (index) => `{ id = "d${index}", name = "D", controller = "${controller(index)}" }`)},\n  { id = "yard"`,
    );
  t.equal(
    doors(256, () => "three"),
    "",
  );
  t.match(
    doors(258, () => "three"),
    /^site\.toml:7: doors\[258\]\.controller: expected a controller of at most 256 doors, found "three"$/,
  );
  t.equal(
    doors(500, (index) => `c${index % 2}`),
    "",
    "of the whole site there may be more",
  );
  t.match(
    faultAfter(
      '{ id = "lock" }',
      many(1_001, (index) => `{ id = "${index === 0 ? "lock" : index}" }`),
    ),
    /^site\.toml:14: areas: expected at most 1000 tables, found a list$/,
  );
});
