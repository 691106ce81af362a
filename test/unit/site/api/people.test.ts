import t from "tap";
import { type ApiRig, acknowledge, addUser, startSiteApi } from "./api-rig.ts";

t.setTimeout(120_000);

/** As the command line does. */
function asking({ url, key }: Pick<ApiRig, "url" | "key">, asKey = key) {
  return async (path: string, body: object = {}) => {
    const answer = await fetch(`${url}/postern/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${asKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
}

const card = { card_format: "H10301", card_number: "12:34567" };

async function withGroups(rig: ApiRig) {
  const ask = asking(rig);
  await ask("rules/create", { id: "staff", name: "Staff", doors: ["front"] });
  await ask("rules/create", { id: "night", name: "Night shift", doors: ["back"] });
  return ask;
}

const userRows = ({ store }: ApiRig) =>
  store.rows.selectFrom("users").selectAll().orderBy("id").execute();
const passRows = ({ store }: ApiRig) =>
  store.rows.selectFrom("passes").selectAll().orderBy("userId").orderBy("kind").execute();

t.test("people are made as they are said to be, and the same again changes nothing", async (t) => {
  const rig = await startSiteApi(t);
  const ask = await withGroups(rig);
  const users = [
    {
      id: "ada",
      full_name: "Ada Lovelace",
      email_address: "ada@example.org",
      access_groups: ["staff", "Night shift"],
      traits: ["manager"],
      passes: [{ ...card, uses: 5, ends_at: "2031-01-01T00:00:00Z" }, { code: "246810" }],
    },
    { id: "bob", full_name: "Bob", is_suspended: true, passes: [{ code: "random" }] },
  ];
  const made = await ask("import", { users });
  t.match(made.body.import, {
    users: { created: 2, changed: 0, unchanged: 0 },
    passes: { created: 3, changed: 0, unchanged: 0 },
    codes: [{ user: "bob", code: /^\d{6}$/ }],
    faults: [],
  });
  t.match(await userRows(rig), [
    { id: "ada", name: "Ada Lovelace", origin: "api", sought: "ada lovelace\nada@example.org" },
    { id: "bob", suspended: 1 },
  ]);
  const before = await passRows(rig);
  t.match(before, [
    { userId: "ada", kind: "csn_card", usesMax: 5, raw: "26:2190e0f", displayName: "Card 34***" },
    { userId: "ada", kind: "pin", displayName: "Code 24****" },
    { userId: "bob", kind: "pin" },
  ]);
  t.notMatch(JSON.stringify(before), "246810");
  const members = await rig.store.rows
    .selectFrom("ruleUsers")
    .selectAll()
    .orderBy("ruleId")
    .execute();
  t.strictSame(members, [
    { ruleId: "night", userId: "ada" },
    { ruleId: "staff", userId: "ada" },
  ]);
  const again = await ask("import", { users });
  t.match(again.body.import, {
    users: { created: 0, changed: 0, unchanged: 2 },
    passes: { created: 0, changed: 0, unchanged: 3 },
    codes: [],
  });
  t.strictSame(await passRows(rig), before);
});

t.test("what an import does not say stays, and what it says to be none is", async (t) => {
  const rig = await startSiteApi(t);
  const ask = await withGroups(rig);
  const ada = { id: "ada", full_name: "Ada", email_address: "ada@example.org" };
  await ask("import", {
    users: [
      { ...ada, access_groups: ["staff"], passes: [{ ...card, uses: 5 }, { code: "246810" }] },
    ],
  });
  await ask("import", { users: [{ id: "ada", phone_number: "+49 30 1", passes: [card] }] });
  t.match(await userRows(rig), [{ email: "ada@example.org", phone: "+49 30 1" }]);
  t.match(await passRows(rig), [{ usesMax: 5 }, {}]);
  const { body } = await ask("import", {
    users: [
      {
        id: "ada",
        email_address: null,
        access_groups: ["night"],
        passes: [{ ...card, uses: null }, { code: "135791" }],
      },
    ],
  });
  t.match(body.import, { users: { changed: 1 }, passes: { changed: 2 } });
  t.match(await userRows(rig), [{ email: null, phone: "+49 30 1", sought: "ada\n+49 30 1" }]);
  t.match(await passRows(rig), [{ usesMax: null }, { displayName: "Code 13****" }]);
  const members = await rig.store.rows.selectFrom("ruleUsers").selectAll().execute();
  t.strictSame(members, [{ ruleId: "night", userId: "ada" }]);
});

t.test(
  "a dry run names everything that is wrong with everybody, and changes nothing",
  async (t) => {
    const rig = await startSiteApi(t);
    const ask = await withGroups(rig);
    await ask("import", {
      users: [{ id: "owner", full_name: "Owner", passes: [card, { code: "246810" }] }],
    });
    const before = [await userRows(rig), await passRows(rig), await rig.store.revision()];
    const faulty = [
      [{ id: "a" }, "full_name"],
      [{ id: "b", full_name: "B", email_address: "nowhere" }, "email_address"],
      [{ id: "c", full_name: "C", passes: [card] }, "passes.0.card_number"],
      [{ id: "d", full_name: "D", passes: [{ code: "246810" }] }, "passes.0.code"],
      [{ id: "e", full_name: "E", passes: [{ code: "123" }] }, "passes.0.code"],
      [{ id: "f", full_name: "F", access_groups: ["staff", "nobody"] }, "access_groups.1"],
      [
        { id: "g", full_name: "G", passes: [{ card_format: "H10301", card_number: "256:1" }] },
        "passes.0.card_number",
      ],
      [
        { id: "h", full_name: "H", passes: [{ card_format: "X", card_number: "1" }] },
        "passes.0.card_format",
      ],
      [{ id: "i", full_name: "I", surname: "I" }, "surname"],
      [{ id: "no id", full_name: "J" }, "id"],
      [{ id: "k", full_name: "K", traits: ["needs_escort", "may_escort"] }, "traits"],
      [{ id: "l", full_name: "L", passes: [{ ...card, code: "1234" }] }, "passes.0.code"],
      [{ id: "m", full_name: "M\u0007" }, "full_name"],
      [
        {
          id: "n",
          full_name: "N",
          starts_at: "2027-01-02T00:00:00Z",
          ends_at: "2027-01-01T00:00:00Z",
        },
        "ends_at",
      ],
      [7, ""],
    ] as const;
    const users = [{ id: "good", full_name: "Good" }, ...faulty.map(([user]) => user)];
    const { status, body } = await ask("import", { users, dry_run: true });
    t.equal(status, 200);
    t.strictSame(
      body.import.faults
        .map(({ index, field }: { index: number; field: string }) => [index, field])
        .sort((a: [number], b: [number]) => a[0] - b[0]),
      faulty.map(([, field], index) => [index + 1, field]),
    );
    t.match(body.import.users, { created: 1 });
    const written = await ask("import", { users });
    t.equal(written.status, 400);
    t.strictSame(
      Object.keys(written.body.error.validation_errors.users).filter((name) => name !== "_errors"),
      faulty.map((_, index) => String(index + 1)),
      "and a run that would write names them too",
    );
    t.strictSame([await userRows(rig), await passRows(rig), await rig.store.revision()], before);
  },
);

t.test("in one import a user, a card and a PIN each stand once", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const { body } = await ask("import", {
    dry_run: true,
    users: [
      { id: "ada", full_name: "Ada", passes: [card, { code: "246810" }] },
      { id: "ada", full_name: "Ada" },
      { id: "bob", full_name: "Bob", passes: [card] },
      { id: "eve", full_name: "Eve", passes: [{ code: "246810" }] },
      { id: "dan", full_name: "Dan", passes: [{ code: "1111" }, { code: "2222" }] },
      {
        id: "fay",
        full_name: "Fay",
        passes: [{ code: "3333" }, { code: "4444", traits: ["duress"] }],
      },
    ],
  });
  t.match(body.import.faults, [
    { index: 1, field: "id" },
    { index: 2, field: "passes.0.card_number" },
    { index: 3, field: "passes.0.code" },
    { index: 4, field: "passes.1.code" },
  ]);
  t.equal(body.import.faults.length, 4);
});

t.test(
  "hundreds of PINs are drawn at once, all different, in the length that the site says",
  async (t) => {
    const rig = await startSiteApi(t);
    const ask = asking(rig);
    await ask("issuing_policy/update", { drawn_pin_digits: 4 });
    for (const part of ["a", "b", "c", "d"]) {
      const users = Array.from({ length: 500 }, (_, index) => ({
        id: `${part}${index}`,
        full_name: "Somebody",
        passes: [{ code: "random" }],
      }));
      const { status, body } = await ask("import", { users });
      t.equal(status, 200);
      t.equal(body.import.codes.length, 500);
    }
    const rows = await passRows(rig);
    t.equal(new Set(rows.map(({ pinDigest }) => pinDigest)).size, 2_000);
    t.ok(rows.every(({ displayName }) => /^Code \d\d\*\*$/.test(displayName)));
    t.notMatch(rig.log.text, /"code"/);
  },
);

async function noticeTypes({ store }: ApiRig): Promise<readonly string[]> {
  const notices = await store.rows
    .selectFrom("notices")
    .select("type")
    .orderBy("position")
    .execute();
  return notices.map(({ type }) => type);
}

t.test(
  "nobody is told of those whom an import makes, but of what it takes from them",
  async (t) => {
    const rig = await startSiteApi(t);
    const ask = asking(rig);
    const ada = { id: "ada", full_name: "Ada" };
    await ask("import", { users: [{ ...ada, passes: [card, { code: "random" }] }] });
    t.strictSame(await noticeTypes(rig), []);
    await ask("import", { users: [{ ...ada, passes: [{ ...card, active: false }] }] });
    t.strictSame(await noticeTypes(rig), ["acs_credential.invalidated"]);
    await ask("users/create", { full_name: "Bob" });
    t.strictSame(await noticeTypes(rig), ["acs_credential.invalidated", "acs_user.created"]);
  },
);

t.test(
  "nobody is told of those whom a site file names, but of those whom it takes away",
  async (t) => {
    const rig = await startSiteApi(t);
    const apply = async (people: string) => {
      const answer = await fetch(`${rig.url}/postern/site?file=my.toml`, {
        method: "POST",
        headers: { authorization: `Bearer ${rig.key}` },
        body:
          'site = "test"\nzone = "Europe/Vienna"\n' +
          `[[doors]]\nid = "gate"\nname = "Gate"\ncontroller = "one"\n${people}`,
      });
      t.equal(answer.status, 200, await answer.text());
    };
    await apply(
      '[[users]]\nid = "ada"\nname = "Ada"\n[[passes]]\nid = "c"\nuser = "ada"\nkind = "csn_card"\n' +
        'card = { format = "H10301", facility = 12, number = 34567 }\n',
    );
    t.strictSame(await noticeTypes(rig), ["acs_entrance.added"]);
    await apply("");
    t.strictSame((await noticeTypes(rig)).slice(1), ["acs_credential.deleted", "acs_user.deleted"]);
  },
);

t.test(
  "whom an import makes have ids that are near one another, and none is another's",
  async (t) => {
    const rig = await startSiteApi(t);
    const ask = asking(rig);
    const users = Array.from({ length: 500 }, (_, index) => ({
      id: `u${index}`,
      full_name: "Somebody",
      passes: [{ card_format: "H10301", card_number: `1:${index}` }],
    }));
    t.match(await ask("import", { users }), { status: 200 });
    const passes = await passRows(rig);
    t.equal(passes.length, 500);
    t.ok(passes.every(({ id }) => /^[a-z2-7]{10}$/.test(id)));
    // Of 500 numbers of 50 bits that are no further apart than 2^20, the first 20 bits are two at most.
    t.ok(new Set(passes.map(({ id }) => id.slice(0, 4))).size <= 2);
    const uuids = [...passes, ...(await userRows(rig))].map(({ uuid: found }) => found);
    t.ok(uuids.every((found) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(found)));
    t.equal(new Set(uuids).size, 1_000);
    t.equal(new Set(uuids.map((found) => found.slice(0, 13))).size, 1);
  },
);

t.test("a user and a pass are made with all their limits in one change", async (t) => {
  const rig = await startSiteApi(t);
  const ask = await withGroups(rig);
  const user = await ask("users/create", { id: "ada", full_name: "Ada", access_groups: ["staff"] });
  t.match(user.body.user, { id: "ada", name: "Ada", suspended: false });
  t.equal((await ask("users/create", { id: "ada", full_name: "Ada" })).status, 409);
  t.match((await ask("users/create", { full_name: "Bob" })).body.user.id, /^[a-z2-7]{10}$/);
  const { acs_user_id } = user.body.user;
  const revision = await rig.store.revision();
  const limits = { uses: 2, ends_at: "2031-01-01T00:00:00Z", traits: ["pass_through"] };
  const pin = await ask("passes/create", { acs_user_id, kind: "pin", ...limits });
  t.match(pin.body.pass, {
    code: /^\d{6}$/,
    kind: "pin",
    user: "ada",
    uses: 2,
    ends_at: "2031-01-01T00:00:00.000Z",
    traits: ["pass_through"],
    sync: "updating",
  });
  t.equal(await rig.store.revision(), revision + 1);
  acknowledge(rig, "one");
  const listed = await ask("passes/list", { acs_user_id });
  t.match(listed.body.passes, [{ id: pin.body.pass.id, sync: "synced" }]);
  t.notOk("code" in listed.body.passes[0]);
  const taken = await ask("passes/create", { acs_user_id, kind: "pin" });
  t.match(taken, { status: 409, body: { error: { type: "user_has_code" } } });
  const wrong = await ask("passes/create", { acs_user_id, kind: "mobile", code: "1234" });
  t.equal(wrong.status, 400);
  const phone = await ask("passes/create", { acs_user_id, kind: "mobile" });
  t.match(phone.body.pass, { kind: "mobile", state: "waiting", code: null });
  const found = await ask("passes/list", { pass: phone.body.pass.id });
  t.match(found.body.passes, [{ acs_credential_id: phone.body.pass.acs_credential_id }]);
});

t.test("a user is found by id, by UUID and by exact name, an id before a name", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  await ask("users/create", { id: "ada", full_name: "Ada" });
  await ask("users/create", { id: "b", full_name: "ada" });
  const { acs_user_id } = await addUser(rig, "Ada");
  const idsOf = async (user: string) =>
    (await ask("users/list", { user })).body.users.map(({ id }: { id: string }) => id);
  t.strictSame(await idsOf("ada"), ["ada"]);
  t.equal((await idsOf("Ada")).length, 2);
  t.equal((await idsOf(acs_user_id.toUpperCase())).length, 1);
  t.strictSame(await idsOf("Ad"), []);
  t.equal((await ask("users/list", { search: "AD" })).body.users.length, 3);
});

t.test(
  "an export is an administrator's, is in the audit log, and is imported as it is",
  async (t) => {
    const rig = await startSiteApi(t);
    const ask = await withGroups(rig);
    const users = [
      {
        id: "ada",
        full_name: "Ada",
        access_groups: ["night", "staff"],
        passes: [{ ...card, active: false }],
      },
      {
        id: "bob",
        full_name: "Bob",
        passes: [{ card_format: "raw", card_number: "40:00deadbeef" }, { code: "246810" }],
      },
    ];
    await ask("import", { users });
    const key = await rig.addKey("issue");
    t.equal((await asking(rig, key)("users/export")).status, 403);
    const { body } = await ask("users/export");
    t.match(body.users, [
      { id: "ada", access_groups: ["night", "staff"], passes: [{ ...card, active: false }] },
      {
        id: "bob",
        passes: [{ kind: /./ }, { kind: /./ }],
      },
    ]);
    const numbers = body.users[1].passes.map(
      (pass: Record<string, unknown>) => pass["card_number"],
    );
    t.strictSame(new Set(numbers), new Set([null, "40:00deadbeef"]));
    t.notMatch(JSON.stringify(body), /digest/i);
    t.strictSame((await ask("users/export", { after: "ada", limit: 1 })).body.users.length, 1);
    const { body: log } = await ask("audit/list", { subject_kind: "user" });
    t.match(JSON.stringify(log), /user\.export/);
  },
);
