import t from "tap";
import { type ApiRig, addUser, clientOf, doorIds, startSiteApi, uuid } from "./api-rig.ts";
import { acsAccessGroup } from "./seam-shapes.ts";

/** As any HTTP client would. */
function asking({ url, key }: Pick<ApiRig, "url" | "key">, under = "postern") {
  return async (path: string, body: object = {}, part: { key?: string; reason?: string } = {}) => {
    const answer = await fetch(`${url}/${under}/${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${part.key ?? key}`,
        "content-type": "application/json",
        ...(part.reason !== undefined && { "postern-reason": part.reason }),
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
}

/** The fields that are said to be wrong. */
function fieldsOf({ body }: Awaited<ReturnType<ReturnType<typeof asking>>>): readonly string[] {
  const tree: object = body.error.validation_errors ?? {};
  return Object.keys(tree).filter((name) => name !== "_errors");
}

t.test("a key is shown once, does what its role may, and ends when it is revoked", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const made = await ask("api_keys/create", { name: "Reception", role: "issue" });
  const { key, api_key_id } = made.body.api_key;
  t.match(key, /^seam_[0-9a-f]{64}$/);
  const client = clientOf(rig.url, key);
  t.strictSame(await client.acs.users.list(), []);
  t.equal((await ask("api_keys/list", {}, { key })).status, 403);
  const listed = await ask("api_keys/list");
  t.match(listed.body.api_keys, [{ name: "Reception", role: "issue", revoked_at: null }]);
  t.notMatch(JSON.stringify(listed.body), key);
  const rows = await rig.store.rows.selectFrom("apiKeys").selectAll().execute();
  t.notMatch(JSON.stringify(rows), key.slice(5));
  t.equal((await ask("api_keys/create", { name: "Reception", role: "read" })).status, 409);
  await ask("api_keys/revoke", { api_key_id });
  t.equal((await ask("issuing_policy/get", {}, { key })).status, 401);
  t.equal((await ask("api_keys/revoke", { api_key_id: "none" })).status, 404);
  t.notMatch(rig.log.text, key);
});

t.test("the audit log says who changed what, why, and in which request", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const { body } = await ask("api_keys/create", { name: "Night desk", role: "issue" });
  const { key } = body.api_key;
  const user = await addUser(rig);
  const duress = { acs_user_id: user.acs_user_id, code: "8247" };
  await ask("passes/create_duress_code", duress, { key, reason: "asked for at the desk" });
  const { body: log } = await ask("audit/list", { subject_kind: "pass" });
  t.match(log.audit_entries, [
    {
      actor: "Night desk",
      action: "pass.create",
      reason: "asked for at the desk",
      request_id: /^[0-9a-f-]{36}$/,
      at: "2027-01-15T08:00:00.000Z",
    },
  ]);
  t.notMatch(JSON.stringify((await ask("audit/list")).body), /8247|seam_/);
  const first = await ask("audit/list", { limit: 1 });
  t.equal(first.body.pagination.has_next_page, true);
  const page_cursor = first.body.pagination.next_page_cursor;
  const second = await ask("audit/list", { limit: 1, page_cursor });
  t.ok(second.body.audit_entries[0].position < first.body.audit_entries[0].position);
  for (const wrong of ["x", "", "LTE="]) {
    t.equal((await ask("audit/list", { page_cursor: wrong })).status, 400);
  }
  t.equal((await ask("audit/list", {}, { key })).status, 403);
});

t.test("a door is added with all its settings, changed, and taken away", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const made = await ask("doors/create", {
    id: "lab",
    name: "Labor – 実験室",
    controller: "one",
    readers: ["lab"],
    factors: "card_and_pin",
    unlock_ms: 5_000,
  });
  t.equal(made.status, 200);
  t.match(made.body.door, {
    id: "lab",
    name: "Labor – 実験室",
    unlock_ms: 5_000,
    held_open_ms: 30_000,
    strike_on_max_ms: 60_000,
    factors: "card_and_pin",
    origin: "api",
  });
  const { door } = made.body;
  const entrance = await rig.client.acs.entrances.get({ acs_entrance_id: door.acs_entrance_id });
  t.equal(entrance.display_name, "Labor – 実験室");
  const changed = await ask("doors/update", { id: "lab", unlock_ms: 7_000, rex: "report" });
  t.strictSame(changed.body.door, { ...door, unlock_ms: 7_000, rex: "report" });
  t.strictSame((await ask("doors/get", { id: "lab" })).body.door, changed.body.door);
  const { body } = await ask("doors/list");
  t.strictSame(body.doors.map(({ id }: { id: string }) => id).sort(), ["back", "front", "lab"]);
  const tables = await rig.engine.controllers();
  t.strictSame(
    tables.map(({ controller }) => String(controller)),
    ["one", "two"],
  );
  t.equal((await ask("doors/delete", { id: "lab" })).status, 200);
  t.equal((await ask("doors/get", { id: "lab" })).status, 404);
});

t.test("what a site file would be refused for, the API refuses with the field", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  await ask("schedules/create", {
    id: "day",
    intervals: [{ days: ["mon"], from: "08:00", to: "18:00" }],
  });
  const door = { id: "lab", name: "Lab", controller: "one" };
  const interval = { days: ["mon"], from: "08:00", to: "18:00" };
  const before = await rig.store.revision();
  for (const [path, body, fields] of [
    ["doors/create", { ...door, id: "a b" }, ["id"]],
    ["doors/create", { ...door, unlock_ms: 1 }, ["unlock_ms"]],
    ["doors/create", { ...door, unlock_ms: 3_000.5 }, ["unlock_ms"]],
    [
      "doors/create",
      { ...door, held_open_ms: 5, held_open_warning_ms: 6 },
      ["held_open_warning_ms"],
    ],
    ["doors/create", { ...door, inside: "nowhere" }, ["inside"]],
    ["doors/create", { ...door, interlock: ["front"] }, ["interlock"]],
    ["doors/create", { ...door, readers: ["front"] }, ["readers"]],
    ["doors/create", { ...door, exit_readers: ["x"] }, ["exit_readers"]],
    ["doors/create", { ...door, colour: "red" }, ["colour"]],
    ["doors/create", { ...door, id: "front" }, ["id"]],
    ["doors/update", { id: "front", strike_on_max_ms: 1_000 }, ["strike_on_max_ms"]],
    ["zones/create", { id: "z", doors: ["none"] }, ["doors"]],
    ["zones/create", { id: "z", parent: "z" }, ["parent"]],
    ["areas/create", { id: "a", passback: "timed" }, ["passback_ms", "id"]],
    ["schedules/create", { id: "s", intervals: [] }, ["intervals"]],
    ["schedules/create", { id: "s", intervals: [{ ...interval, to: "08:00" }] }, ["intervals"]],
    ["schedules/create", { id: "s", intervals: [{ ...interval, day_type: "x" }] }, ["intervals"]],
    ["schedules/create", { id: "s", intervals: [{ ...interval, form: "x" }] }, ["intervals"]],
    ["calendar_days/create", { date: "02-30", day_type: "holiday" }, ["date"]],
    ["card_formats/create", { name: "H10301", bit_count: 26, fields: [] }, ["fields"]],
    ["rules/create", { name: "R" }, ["doors"]],
    ["rules/create", { name: "R", doors: ["none"] }, ["doors"]],
    ["rules/create", { name: "R", doors: ["front"], schedule: "night" }, ["schedule"]],
    ["rules/create", { name: "R", doors: ["front"], kind: "auto_unlock" }, ["schedule"]],
    ["rules/create", { name: "R", doors: ["front"], kind: "first_person_in" }, ["schedule"]],
    ["rules/create", { name: "R", doors: ["front"], acs_user_ids: [uuid(1)] }, ["acs_user_ids"]],
    ["issuing_policy/update", { drawn_pin_digits: 3 }, ["drawn_pin_digits"]],
    ["issuing_policy/update", { usual_card_format: "none" }, ["usual_card_format"]],
    ["site/update", { zone: "Mars/Olympus" }, ["zone"]],
  ] as const) {
    const answer = await ask(path, body);
    t.ok([400, 409].includes(answer.status), `${path} ${JSON.stringify(body)}`);
    t.strictSame([...fieldsOf(answer)].sort(), [...fields].sort(), JSON.stringify(answer.body));
  }
  t.equal(await rig.store.revision(), before);
});

t.test("what something else needs is not taken away", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const interval = { days: ["mon", "sun"], day_type: "holiday", from: "22:00", to: "06:00" };
  for (const [path, body] of [
    ["calendar_days/create", { date: "12-25", day_type: "holiday" }],
    ["schedules/create", { id: "night", intervals: [interval] }],
    ["zones/create", { id: "house", doors: ["front"] }],
    ["rules/create", { id: "r", name: "R", zones: ["house"], schedule: "night" }],
    [
      "card_formats/create",
      {
        name: "OWN",
        bit_count: 24,
        fields: [{ name: "number", first_bit: 0, bit_count: 24, as: "number" }],
      },
    ],
  ] as const) {
    const answer = await ask(path, body);
    t.equal(answer.status, 200, JSON.stringify(answer.body));
  }
  const { body } = await ask("schedules/get", { id: "night" });
  t.strictSame(body.schedule.intervals, [interval]);
  const user = await addUser(rig);
  await ask("issuing_policy/update", { usual_card_format: "OWN", drawn_pin_digits: 9 });
  const card = { acs_user_id: user.acs_user_id, access_method: "card", code: "16777215" } as const;
  await rig.client.acs.credentials.create(card);
  const drawn = await rig.client.acs.credentials.create({
    ...card,
    access_method: "code",
    code: undefined,
  });
  t.match(drawn.code, /^[0-9]{9}$/);
  for (const [path, which] of [
    ["calendar_days/delete", { date: "12-25" }],
    ["schedules/delete", { id: "night" }],
    ["zones/delete", { id: "house" }],
    ["doors/delete", { id: "front" }],
    ["card_formats/delete", { name: "OWN" }],
  ] as const) {
    const answer = await ask(path, which);
    t.match(answer, { status: 409, body: { error: { type: "in_use" } } }, path);
  }
  for (const [path, which] of [
    ["rules/delete", { id: "r" }],
    ["zones/delete", { id: "house" }],
    ["schedules/delete", { id: "night" }],
    ["calendar_days/delete", { date: "12-25" }],
    ["doors/delete", { id: "back" }],
  ] as const) {
    t.equal((await ask(path, which)).status, 200, path);
  }
});

t.test("a rule of Postern's is an access group of Seam's", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const user = await addUser(rig);
  const { body } = await ask("rules/create", {
    name: "Staff",
    doors: ["front"],
    acs_user_ids: [user.acs_user_id],
  });
  const { id, acs_access_group_id } = body.rule;
  t.match(id, /^[a-z2-7]{10}$/);
  const group = await rig.client.acs.accessGroups.get({ acs_access_group_id });
  t.equal(group.name, "Staff");
  const open = await rig.client.acs.users.listAccessibleEntrances({
    acs_user_id: user.acs_user_id,
  });
  t.strictSame(
    open.map((entrance) => entrance.acs_entrance_id),
    [doorIds.front],
  );
  await ask("rules/update", { id, doors: ["back"], name: "Crew" });
  const moved = await rig.client.acs.users.listAccessibleEntrances({
    acs_user_id: user.acs_user_id,
  });
  t.strictSame(
    moved.map((entrance) => entrance.acs_entrance_id),
    [doorIds.back],
  );
  const member = { id, acs_user_id: user.acs_user_id };
  t.equal((await ask("rules/remove_user", member)).status, 200);
  t.equal((await ask("rules/add_user", member)).status, 200);
  t.equal((await ask("rules/list", { kind: "grant" })).body.rules.length, 1);
  t.equal((await ask("rules/list", { kind: "auto_unlock" })).body.rules.length, 0);
});

t.test("an access group is made and changed in Seam's words, and no others", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig, "acs");
  const acs_entrance_ids = [doorIds.front, doorIds.front];
  const made = await ask("access_groups/create", { name: "Staff", acs_entrance_ids });
  const group = acsAccessGroup.parse(made.body.acs_access_group);
  const { acs_access_group_id } = group;
  const entrances = async () => {
    const open = await rig.client.acs.accessGroups.listAccessibleEntrances({ acs_access_group_id });
    return open.map((entrance) => entrance.acs_entrance_id);
  };
  t.strictSame(await entrances(), [doorIds.front]);
  const renamed = await ask("access_groups/update", { acs_access_group_id, name: "Crew" });
  t.strictSame(renamed.body.acs_access_group.name, "Crew");
  t.strictSame(await entrances(), [doorIds.front]);
  await ask("access_groups/update", { acs_access_group_id, acs_entrance_ids: [doorIds.back] });
  t.strictSame(await entrances(), [doorIds.back]);
  for (const ids of [[], [uuid(1)], ["front"]]) {
    const answer = await ask("access_groups/create", { name: "None", acs_entrance_ids: ids });
    t.strictSame([answer.status, fieldsOf(answer)], [400, ["acs_entrance_ids"]]);
  }
});

t.test("a lockdown is said to every door, and who did not hear it is named", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  let isAnswered = false;
  const asked = ask("doors/override", { posture: "lockdown" }, { reason: "drill" });
  const answer = asked.finally(() => {
    isAnswered = true;
  });
  // Nobody answers for the controllers here: the site waits for them as long as it does.
  while (!isAnswered) {
    rig.clock.advance(1_000);
    await ask("issuing_policy/get");
  }
  t.match(await answer, {
    status: 200,
    body: {
      door_overrides: [
        { door: "back", outcome: "refused", reason: "controller_offline" },
        { door: "front", outcome: "refused", reason: "controller_offline" },
      ],
    },
  });
  const wrong = await ask("doors/override", { doors: ["front", "x"], posture: "none" });
  t.strictSame([wrong.status, fieldsOf(wrong)], [400, ["doors"]]);
  const { body } = await ask("audit/list", { action: "door.override" });
  t.match(body.audit_entries, [{ reason: "drill", subject_id: "front" }, { reason: "drill" }]);
});

t.test("traits and uses are set where Seam has no word for them", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const { acs_user_id } = await addUser(rig);
  const traits = await ask("users/update", { acs_user_id, traits: ["extra_time", "manager"] });
  t.strictSame(traits.body.user.traits, ["extra_time", "manager"]);
  const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
  const { acs_credential_id } = made;
  const pass = await ask("passes/update", {
    acs_credential_id,
    uses: 3,
    traits: ["pass_through", "toggle"],
    active: false,
  });
  t.match(pass.body.pass, {
    uses: 3,
    traits: ["pass_through", "toggle"],
    active: false,
    kind: "pin",
    display_name: made.display_name,
  });
  const duress = await ask("passes/create_duress_code", { acs_user_id });
  t.match(duress.body.pass, { code: /^[0-9]{6}$/, traits: ["duress"], kind: "pin" });
  t.equal((await ask("passes/create_duress_code", { acs_user_id })).status, 409);
  for (const [path, body, field] of [
    ["users/update", { acs_user_id, traits: ["manager", "manager"] }, "traits"],
    ["users/update", { acs_user_id, traits: ["needs_escort", "may_escort"] }, "traits"],
    ["users/update", { acs_user_id, traits: ["tall"] }, "traits"],
    ["passes/update", { acs_credential_id, uses: 0 }, "uses"],
    ["passes/update", { acs_credential_id, traits: ["duress"] }, "traits"],
    ["passes/create_duress_code", { acs_user_id: uuid(1) }, "acs_user_id"],
  ] as const) {
    const answer = await ask(path, body);
    t.strictSame([answer.status, fieldsOf(answer)], [400, [field]], JSON.stringify(body));
  }
});

t.test("a site file is applied, counted, and told of its faults by line", async (t) => {
  const rig = await startSiteApi(t);
  const apply = async (text: string, query = "?file=my.toml") => {
    const answer = await fetch(`${rig.url}/postern/site${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}` },
      body: text,
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const file =
    'site = "test"\nzone = "Europe/Vienna"\n[[doors]]\nid = "gate"\nname = "Gate"\ncontroller = "one"\n';
  const applied = await apply(file);
  t.match(applied, {
    status: 200,
    body: { ok: true, tables: [{ changed: true }, { changed: true }] },
  });
  const got = await fetch(`${rig.url}/postern/site`, {
    headers: { authorization: `Bearer ${rig.key}` },
  });
  t.match(JSON.parse(await got.text()), {
    site: "test",
    applied: { file: "my.toml", zone: "Europe/Vienna", counts: { doors: 3, controllers: 2 } },
  });
  const wrong = await apply(file.replace('"one"', "1"));
  t.match(wrong, {
    status: 400,
    body: { error: { type: "invalid_input", faults: [{ line: 6 }] } },
  });
  t.equal((await apply(file, "?files=x")).status, 400);
  t.equal((await apply(`# ${"x".repeat(4 * 1_024 * 1_024)}`)).status, 413);
});

t.test("controllers, explanations and events are told as ever", async (t) => {
  const rig = await startSiteApi(t);
  const ask = asking(rig);
  const { acs_user_id } = await addUser(rig);
  await rig.client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.front, acs_user_id });
  const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
  const { body } = await ask("passes/get", { acs_credential_id: made.acs_credential_id });
  const explained = await ask("explain", { door: "front", pass: body.pass.id });
  t.match(explained.body.explanation.decision, { kind: "granted" });
  t.strictSame(fieldsOf(await ask("explain", { door: "none", pass: "none" })), ["door", "pass"]);
  t.strictSame(fieldsOf(await ask("explain", { door: "front", pass: "x", at: "soon" })), ["at"]);
  const controllers = await ask("controllers");
  t.match(controllers.body.controllers, [{ controller: "one", sync: { state: "updating" } }, {}]);
  t.equal((await ask("controllers/update", { how: "whole" })).status, 200);
  const wrong = await ask("controllers/update", { controllers: ["one", "none"] });
  t.strictSame(fieldsOf(wrong), ["controllers"]);
  const serial = await ask("site/rotate-key");
  t.type(serial.body.serial, "number");
  const events = await fetch(`${rig.url}/postern/events?limit=10`, {
    headers: { authorization: `Bearer ${rig.key}` },
  });
  t.match(JSON.parse(await events.text()), { events: [], ok: true });
});
