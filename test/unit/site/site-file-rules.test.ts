import t from "tap";
import { accepted, changed, faultAfter, faultsOf, whole } from "./whole-site-file.ts";

t.test("a site says who, where, when, and what kind of day it is", async (t) => {
  const model = accepted(whole);
  t.match(model.doors, [
    { id: "outer", interlock: ["inner"], twoPerson: "not_required", exitReaders: [] },
    {
      id: "inner",
      inside: "vault",
      outside: "lock",
      exitReaders: ["exit"],
      interlock: ["outer"],
      twoPerson: "required",
      companyMs: 20_000,
    },
    {
      id: "yard",
      posture: "free_access",
      extraTimeMs: 5_000,
      heldOpenWatch: "while_locked",
      tamper: "deny",
      fire: "unlock",
      afterRestart: "forget",
    },
  ]);
  t.notOk("inside" in (model.doors[0] ?? {}), "a door that leads nowhere says nothing of it");
  t.same(model.zones, [
    { id: "campus", doors: [] },
    { id: "house", parent: "campus", doors: ["outer", "inner"] },
    { id: "garden", parent: "campus", doors: ["yard"] },
  ]);
  t.same(model.areas, [
    { id: "lock", passback: "none", managerIn: "not_required" },
    {
      id: "vault",
      passback: "timed",
      passbackMs: 60_000,
      occupancyMax: 2,
      managerIn: "required",
    },
  ]);
  t.match(model.users, [{ traits: ["manager", "may_escort"] }, { traits: ["needs_escort"] }]);
  t.match(model.passes, [
    { usesMax: 3, traits: ["pass_through", "toggle"] },
    { traits: [] },
    { traits: ["duress"] },
    { traits: [] },
  ]);
  t.notOk("usesMax" in (model.passes[3] ?? {}));
  t.same(model.calendar, [
    { month: 12, day: 25, dayType: "holiday" },
    { year: 2_026, month: 12, day: 24, dayType: "short" },
  ]);
  t.same(
    model.schedules[0]?.intervals.map(({ dayType }) => dayType),
    [undefined, "short"],
  );
  t.match(model.rules, [
    { kind: "grant", users: ["ada", "bob"], doors: ["outer"], zones: ["garden"] },
    { kind: "grant_two_factors", users: ["ada"], doors: ["inner"], zones: [] },
    { kind: "auto_unlock", users: [], doors: [], zones: ["campus"], schedule: "day" },
    { kind: "first_person_in", users: ["ada"], doors: ["outer"], schedule: "day" },
  ]);
});

t.test("a reference leads to a zone, area, reader or day type of the file", async (t) => {
  t.match(
    faultAfter('parent = "campus", doors = ["yard"]', 'parent = "campos", doors = ["yard"]'),
    /^site\.toml:12: zones\[2\]\.parent: expected a zone of this file: campus, house, garden \(did you mean "campus"\?\), found "campos"$/,
  );
  t.match(faultAfter('doors = ["yard"]', 'doors = ["yards"]'), /zones\[2\]\.doors\[0\]: .*"yard"/);
  t.match(faultAfter('doors = ["yard"]', 'doors = ["yard", "yard"]'), /doors\[1\]: .*door once/);
  t.match(faultAfter('zones = ["garden"]', 'zones = ["gate"]'), /rules\[0\]\.zones\[0\]: .*a zone/);
  t.match(
    faultAfter('inside = "vault"', 'inside = "volt"'),
    /^site\.toml:6: doors\[1\]\.inside: expected an area of this file: lock, vault, found "volt"/,
  );
  t.match(faultAfter('outside = "lock"', 'outside = "x"'), /doors\[1\]\.outside: .*lock, vault/);
  t.match(
    faultAfter('exit_readers = ["exit"]', 'exit_readers = ["outer"]'),
    /doors\[1\]\.exit_readers\[0\]: expected a reader of this door, one of inner, exit, found "outer"/,
  );
  t.match(
    faultAfter('exit_readers = ["exit"]', 'exit_readers = ["exit", "exit"]'),
    /exit_readers\[1\]: expected each reader once/,
  );
  t.match(
    faultAfter('day_type = "short", from', 'day_type = "sort", from'),
    /schedules\[0\]\.intervals\[1\]\.day_type: expected a day type of the calendar.*"short"/,
  );
});

t.test("zones that lie in one another are told once, with the ring", async (t) => {
  const ring = changed('{ id = "campus" }', '{ id = "campus", parent = "house" }');
  t.same(faultsOf(ring), [
    `site.toml:10: zones[0].parent: expected a zone that does not lie in this one, found "campus" in "house" in "campus"`,
  ]);
  t.match(
    faultAfter('{ id = "campus" }', '{ id = "campus", parent = "campus" }'),
    /^site\.toml:10: zones\[0\]\.parent: .*found "campus" in "campus"$/,
  );
});

t.test("a rule has what its kind needs, and nothing that would be taken for more", async (t) => {
  t.match(
    faultAfter('kind = "auto_unlock", zones', 'kind = "auto_unlock", users = ["ada"], zones'),
    /rules\[2\]\.users: expected no users in a rule of kind "auto_unlock"/,
  );
  t.match(
    faultAfter('doors = ["outer"], schedule = "day"', 'doors = ["outer"]'),
    /rules\[3\]\.schedule: expected the schedule of a rule of kind "first_person_in"/,
  );
  t.match(
    faultAfter('users = ["ada"], doors = ["inner"]', 'doors = ["inner"]'),
    /rules\[1\]\.users: expected a list of one id of a user or more/,
  );
  t.match(
    faultAfter(', doors = ["inner"] }', " }"),
    /rules\[1\]\.doors: expected a list of one id of a door or more, or zones/,
  );
  t.match(faultAfter('kind = "auto_unlock"', 'kind = "unlock"'), /one of "grant", /);
  t.match(
    faultAfter('zones = ["campus"], schedule = "day"', 'zones = ["campus"]'),
    /^site\.toml:\d+: rules\[2\]\.schedule: expected .*"auto_unlock" \(a door that is always unlocked says posture = "unlocked"\), found nothing$/,
  );
  const anybody = changed('kind = "first_person_in", users = ["ada"]', 'kind = "first_person_in"');
  t.match(accepted(anybody).rules[3], { users: [] });
});

t.test("a PIN for duress is one PIN beside the user's own", async (t) => {
  t.match(
    faultAfter('pin = "1235", traits = ["duress"] }', 'pin = "1235" }'),
    /^site\.toml:25: passes\[2\]\.user: expected a user who has no other PIN, found "ada", the same/,
  );
  const two =
    '{ id = "more", user = "ada", kind = "pin", pin = "1236", traits = ["duress"] },\n  { id = "bob-card"';
  t.match(
    faultAfter('{ id = "bob-card"', two),
    /passes\[3\]\.user: expected a user who has no other PIN for duress/,
  );
  t.match(
    faultAfter('traits = ["pass_through", "toggle"]', 'traits = ["duress"]'),
    /passes\[0\]\.traits\[0\]: expected no trait "duress" in a pass of kind "csn_card"/,
  );
  t.match(faultAfter('pin = "1235"', 'pin = "1234"'), /a PIN that no other pass has/);
});

t.test("traits stand once, are known, and do not contradict one another", async (t) => {
  t.match(
    faultAfter('["manager", "may_escort"]', '["manager", "may_escort", "manager"]'),
    /users\[0\]\.traits\[2\]: expected each trait once/,
  );
  t.match(faultAfter('"needs_escort"', '"needs_help"'), /users\[1\]\.traits\[0\]: expected one of/);
  t.match(
    faultAfter('["needs_escort"]', '["needs_escort", "may_escort"]'),
    /users\[1\]\.traits: expected not both "needs_escort" and "may_escort"/,
  );
  t.match(
    faultAfter('["pass_through", "toggle"]', '["toggle", "toggle"]'),
    /passes\[0\]\.traits\[1\]: expected each trait once/,
  );
  for (const uses of ["0", "-1", "1.5", '"3"', "1000000001"]) {
    t.match(faultAfter("uses = 3", `uses = ${uses}`), /passes\[0\]\.uses: expected a whole number/);
  }
});

t.test("the doors of an area with rules are one controller's", async (t) => {
  const yard = (keys: string) => changed('posture = "free_access"', keys);
  for (const side of ["inside", "outside"]) {
    t.match(
      faultsOf(yard(`${side} = "vault"`)),
      [
        new RegExp(
          `^site\\.toml:7: doors\\[2\\]\\.${side}: expected an area with rules at doors of one ` +
            'controller, controller "one", as at site\\.toml:6, found "vault" at a door of controller "two"$',
        ),
      ],
      side,
    );
  }
  t.same(faultsOf(yard('outside = "lock"')), [], "one without rules may have doors anywhere");
  for (const rule of ['passback = "soft"', "occupancy_max = 9", 'manager_in = "required"']) {
    const text = yard('outside = "lock"').replace('{ id = "lock" }', `{ id = "lock", ${rule} }`);
    t.match(faultsOf(text), [/doors\[2\]\.outside: /], rule);
  }
});

t.test("a door has two different sides, and an area's rules can be kept", async (t) => {
  t.match(
    faultAfter('outside = "lock"', 'outside = "vault"'),
    /doors\[1\]\.outside: expected another area than inside, found "vault"/,
  );
  t.match(
    faultAfter("passback_ms = 60000, ", ""),
    /areas\[1\]\.passback_ms: expected a time, as passback is "timed", found nothing/,
  );
  t.match(
    faultAfter('traits = ["manager", "may_escort"]', 'traits = ["may_escort"]'),
    /^site\.toml:16: areas\[1\]\.manager_in: expected "required" only where a user who is not suspended has the trait "manager"/,
  );
  for (const [key, value] of [
    ["passback_ms", "999"],
    ["passback_ms", "604800001"],
    ["occupancy_max", "0"],
  ] as const) {
    const fault = faultAfter(new RegExp(`${key} = \\d+`), `${key} = ${value}`);
    t.match(fault, new RegExp(`areas\\[1\\]\\.${key}: expected a whole number`));
  }
});

t.test("an interlock is among other doors of one controller", async (t) => {
  const outer = (doors: string) => faultAfter('interlock = ["inner"]', `interlock = ${doors}`);
  t.match(outer('["outer"]'), /doors\[0\]\.interlock\[0\]: expected a door other than this one/);
  t.match(
    outer('["yard"]'),
    /doors\[0\]\.interlock\[0\]: expected a door of this door's controller, "one", found "yard", a door of controller "two"/,
  );
  t.match(outer('["iner"]'), /interlock\[0\]: expected a door of this file: .*"inner"/);
  t.match(outer('["inner", "inner"]'), /interlock\[1\]: expected each door once/);
});

t.test("a date of the calendar is one that there is, and stands once", async (t) => {
  const date = (text: string) => faultAfter('date = "12-25"', `date = ${text}`);
  t.equal(date('"02-29"'), "", "every year that has one");
  t.equal(date('"2028-02-29"'), "");
  t.equal(date('"12-24"'), "", "a date and its day of every year");
  for (const text of ['"02-30"', '"2026-02-29"', '"13-01"', '"00-10"', '"04-31"', '"2026-12-00"']) {
    t.match(date(text), /calendar\[0\]\.date: expected a day that its month has, found/, text);
  }
  for (const text of ['"1969-12-25"', '"0000-12-25"']) {
    t.match(date(text), /calendar\[0\]\.date: expected a year from 1970 to 9999/, text);
  }
  for (const text of ['"25.12."', '"12/25"', '"2026-12-25T00:00"', '"26-12-25"', "2026-12-25"]) {
    t.match(date(text), /calendar\[0\]\.date: expected a date such as "2026-12-25"/, text);
  }
  t.match(date('"2026-12-24"'), /calendar\[1\]\.date: expected each date once/);
  t.match(faultAfter('day_type = "holiday"', 'day_type = "a b"'), /calendar\[0\]\.day_type/);
});
