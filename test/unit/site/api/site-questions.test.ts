import t, { type Test } from "tap";
import { doorId, passId } from "../../../../src/domain/ids.ts";
import { sealEventBatch } from "../../../../src/protocols/sync/event-message.ts";
import { deriveKeys } from "../../../../src/protocols/sync/provision.ts";
import { encodeStatus } from "../../../../src/protocols/sync/status-message.ts";
import { sealTableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import { topicsFor } from "../../../../src/protocols/sync/topics.ts";
import { siteFileBytesMax } from "../../../../src/site/api/postern/site-routes.ts";
import { openSiteKeys } from "../../../../src/site/site-keys.ts";
import { openSiteFolder } from "../../../../src/site/state-folder.ts";
import { entries } from "../../protocols/sync/samples.ts";
import { one, site, siteFile } from "../site-rig.ts";
import { startEmptySite } from "./api-rig.ts";

/** The fields that are said to be wrong. */
function fieldsOf(body: { readonly error: { readonly validation_errors: object } }) {
  const names = Object.keys(body.error.validation_errors);
  return names.filter((name) => name !== "_errors").sort();
}

async function startApi(t: Test) {
  const rig = await startEmptySite(t);
  const topics = topicsFor(site, one);
  const { messageKey } = deriveKeys(rig.keys.provisionFor(one).controllerKey);
  const scope = { site, controller: one, messageKey };
  const request = async (path: string, init: RequestInit = {}, bearer: string | null = rig.key) => {
    const headers = new Headers(init.headers);
    if (bearer !== null) headers.set("Authorization", `Bearer ${bearer}`);
    const sent = new Request(`${rig.url}${path}`, { ...init, headers });
    const answer = await rig.app.answer(sent, "127.0.0.1");
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const apply = (text: string, path = "/postern/site?file=my.toml") =>
    request(path, { method: "POST", body: text });
  return { rig: { ...rig, topics, scope }, request, apply };
}

t.test("an event is served with who, where, when and why", async (t) => {
  const { rig, request, apply } = await startApi(t);
  await apply(siteFile());
  const [granted, denied, other] = entries({ count: 3 });
  if (!granted || !denied || !other) throw new Error("no entries");
  rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, [granted, denied, other]));
  const { status, body } = await request("/postern/events");
  t.equal(status, 200);
  t.equal(body.ok, true);
  t.match(body.events, [
    {
      position: 1,
      controller: "one",
      journal: "j1",
      number: 1,
      at: "1970-01-01T00:00:01.001Z",
      clock_quality: "trusted",
      kind: "access_granted",
      door: "front",
      reader: "front",
      user: "ada",
      pass: "card",
      result: "granted",
      reason: "granted",
      table_version: null,
      hash: granted.hash,
    },
    {
      number: 2,
      result: "denied",
      reason: "unknown_credential",
      user: null,
      pass: null,
      table_version: 7,
    },
    { number: 3, kind: other.event.kind, result: null, reason: null },
  ]);
});

t.test("events come newest last, by position and filter", async (t) => {
  const { rig, request, apply } = await startApi(t);
  await apply(siteFile());
  rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, entries({ count: 30 })));
  const positions = async (query: string): Promise<readonly number[]> =>
    (await request(`/postern/events${query}`)).body.events.map(
      (event: { readonly position: number }) => event.position,
    );
  t.equal((await positions("")).length, 30);
  t.same(await positions("?limit=2"), [29, 30]);
  t.same(await positions("?limit=2&after=0"), [1, 2]);
  t.same(await positions("?after=28"), [29, 30]);
  t.same(await positions("?result=granted&after=0&limit=1"), [1]);
  t.same(await positions("?door=nowhere"), []);
  t.equal((await positions("?controller=one&limit=10000")).length, 30);
});

t.test("a query that makes no sense is 400 with each parameter named", async (t) => {
  const { request } = await startApi(t);
  const cases = [
    ["limit=0", "limit"],
    ["limit=10001", "limit"],
    ["limit=ten", "limit"],
    ["limit=1e3", "limit"],
    ["limit=", "limit"],
    ["limit=1&limit=2", "limit"],
    ["after=-1", "after"],
    ["after=99999999999999999", "after"],
    ["result=maybe", "result"],
    ["door=a%2Fb", "door"],
    ["controller=%00", "controller"],
    ["__proto__=1", "__proto__"],
    ["since=1", "since"],
  ] as const;
  for (const [query, field] of cases) {
    const { status, body } = await request(`/postern/events?${query}`);
    t.equal(status, 400, query);
    t.match(body, { error: { type: "invalid_input", message: new RegExp(field) }, ok: false });
    t.same(fieldsOf(body), [field]);
    t.match(body.error.validation_errors[field], { _errors: [/expected/] });
  }
  const both = await request("/postern/events?limit=0&nonsense=1");
  t.same(fieldsOf(both.body), ["limit", "nonsense"]);
});

t.test("a site file is applied, and its faults are told by file and line", async (t) => {
  const { request, apply } = await startApi(t);
  t.match((await request("/postern/site")).body, {
    site: "test",
    applied: { file: null, counts: { doors: 0, users: 0 } },
    tables: [],
    ok: true,
  });
  const applied = await apply(siteFile());
  t.equal(applied.status, 200);
  t.match(applied.body, {
    tables: [{ controller: "one", version: 1, changed: true }, { controller: "two" }],
    ok: true,
  });
  const broken = await apply(siteFile().replace('"246810"', '"99x"'));
  t.equal(broken.status, 400);
  t.match(broken.body, {
    error: {
      type: "invalid_input",
      message: /^my\.toml:12: passes\[1\]\.pin: expected /,
      faults: [{ file: "my.toml", line: 12, key: "passes[1].pin", expected: String }],
    },
    ok: false,
  });
  t.notMatch(JSON.stringify(broken.body), /99x/);
  t.ok(broken.body.error.validation_errors["passes[1]"].pin._errors.length > 0);
  t.match((await request("/postern/site")).body, {
    applied: {
      file: "my.toml",
      counts: { controllers: 2, doors: 2, users: 2, passes: 3, rules: 1 },
    },
    tables: [
      { controller: "one", version: 1 },
      { controller: "two", version: 1 },
    ],
  });
  t.notMatch(JSON.stringify(await request("/postern/site")), /246810|34567/);
});

/** Mondays from eight to six, but not on the first of June, and Ada's card three times in all. */
const limited = siteFile('calendar = [{ date = "06-01", day_type = "holiday" }]')
  .replace('rules = [{ id = "staff"', 'rules = [{ id = "staff", schedule = "day"')
  .replace('{ id = "ada-card",', '{ id = "ada-card", uses = 3,');

t.test("the site explains what a door would say, and when it next lets in", async (t) => {
  const { rig, request, apply } = await startApi(t);
  const ask = async (query: string) => (await request(`/postern/explain?${query}`)).body;
  t.equal((await request("/postern/explain?door=front&pass=ada-card")).status, 400);
  await apply(limited);
  // A Monday in May, by Vienna's clocks.
  const open = await ask("door=front&pass=ada-card&at=2026-05-25T09:00");
  t.match(open, {
    explanation: {
      door: "front",
      pass: "ada-card",
      at: "2026-05-25T07:00:00.000Z",
      clock_quality: "trusted",
      table: { epoch: 1_800_000_000, version: 1, compiled_at: "2027-01-15T08:00:00.000Z" },
      assumes: [
        /operator/,
        /fire/,
        /who is where/,
        /other doors/,
        /clock/,
        /has table/,
        /told yet/,
      ],
      decision: { kind: "granted", reason: null, pass: "ada-card", user: "ada" },
    },
    next_grant: { kind: "at", at: "2026-05-25T07:00:00.000Z" },
    ok: true,
  });
  t.ok(
    open.explanation.ladder.every(
      (rung: { verdict: string; remedy: unknown }) =>
        rung.verdict === "passed" && rung.remedy === null,
    ),
  );
  const evening = await ask("door=front&pass=ada-card&at=2026-05-25T20:00:00+02:00");
  t.match(evening, {
    explanation: {
      decision: { kind: "denied", reason: "outside_schedule", sentence: /not in force/ },
    },
    next_grant: { kind: "at", at: "2026-06-08T06:00:00.000Z", reason: null },
  });
  t.equal(evening.explanation.at, "2026-05-25T18:00:00.000Z", "also with a plus not escaped");
  for (const at of [
    "2026-05-25T20:00",
    "2026-05-25T20:00:00.0",
    "2026-05-25T18:00Z",
    "2026-05-25T13:00-05:00",
    "2026-05-25T20:00%2B02:00",
  ]) {
    const { explanation } = await ask(`door=front&pass=ada-card&at=${at}`);
    t.equal(explanation.at, "2026-05-25T18:00:00.000Z", at);
  }
  t.match(await ask("door=back&pass=bob-card&at=now"), {
    explanation: { at: new Date(rig.clock.wall().at).toISOString() },
    next_grant: { kind: "never", at: null, reason: "no_access" },
  });
  t.match(await ask("door=front&pass=ada-pin&at=2026-05-25T09:00"), {
    explanation: { decision: { kind: "denied", reason: "pin_alone_not_allowed" } },
  });
});

t.test("an explanation holds no PIN, no card's number and no digest", async (t) => {
  const { rig, request, apply } = await startApi(t);
  await apply(
    siteFile().replace('readers = ["front"]', 'readers = ["front"], factors = "card_or_pin"'),
  );
  const pins = await rig.engine.explain({
    door: doorId("front"),
    pass: passId("ada-pin"),
  });
  t.match(pins, { ok: true, value: { explanation: { decision: { kind: "granted" } } } });
  for (const pass of ["ada-card", "ada-pin", "bob-card"]) {
    for (const door of ["front", "back"]) {
      const { status, body } = await request(`/postern/explain?door=${door}&pass=${pass}`);
      t.equal(status, 200);
      t.notMatch(JSON.stringify(body), /246810|34567|1111|26:|[0-9a-f]{32}/);
    }
  }
});

t.test("a question that makes no sense is 400 with each parameter named", async (t) => {
  const { request, apply } = await startApi(t);
  await apply(siteFile());
  const cases = [
    ["", ["door", "pass"]],
    ["door=front", ["pass"]],
    ["door=front&door=back&pass=ada-card", ["door"]],
    ["door=side&pass=ada-card", ["door"]],
    ["door=side&pass=eve-card", ["door", "pass"]],
    ["door=a%2Fb&pass=ada-card&at=later", ["door"]],
    ["door=front&pass=ada-card&at=", ["at"]],
    ["door=front&pass=ada-card&at=2026-02-30T10:00", ["at"]],
    ["door=front&pass=ada-card&at=1969-12-31T00:00Z", ["at"]],
    ["door=front&pass=ada-card&at=1800000000", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00-05:00[America/New_York]", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00[America/New_York]", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00[u-ca=japanese]", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00Z[UTC]", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31", ["at"]],
    ["door=front&pass=ada-card&at=20261231T1800", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31+18:00", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T24:00", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00:60", ["at"]],
    ["door=front&pass=ada-card&at=2026-12-31T18:00%2B25:00", ["at"]],
    ["door=front&pass=ada-card&at=%2B002026-12-31T18:00", ["at"]],
    [`door=front&pass=ada-card&at=2026-01-01T10:00${"0".repeat(99)}`, ["at"]],
    ["door=front&pass=ada-card&pin=246810", ["pin"]],
  ] as const;
  for (const [query, fields] of cases) {
    const { status, body } = await request(`/postern/explain?${query}`);
    t.equal(status, 400, query);
    t.same(fieldsOf(body), fields, query);
    for (const field of fields) {
      t.match(body.error.validation_errors[field], { _errors: [/expected/] });
    }
    t.notMatch(JSON.stringify(body), /246810/);
  }
});

t.test("a body too long, not in UTF-8 or no TOML changes nothing", async (t) => {
  const { rig, request, apply } = await startApi(t);
  const long = await apply("#".repeat(siteFileBytesMax + 1));
  t.equal(long.status, 413);
  t.match(long.body, { error: { type: "payload_too_large" }, ok: false });
  const latin = await request("/postern/site", { method: "POST", body: Uint8Array.of(0x23, 0xff) });
  t.match(latin, { status: 400, body: { error: { validation_errors: { _errors: [/UTF-8/] } } } });
  for (const text of ["", "{", "a = ", "\u0000", "[[[[", "x = 1\n".repeat(3)]) {
    t.equal((await apply(text)).status, 400, JSON.stringify(text));
  }
  for (const path of ["/postern/site?name=x", "/postern/site?file=", "/postern/site?file=a%0Ab"]) {
    t.equal((await apply(siteFile(), path)).status, 400, path);
  }
  t.equal(await rig.store.revision(), 0);
});

t.test("a controller's sync, claim and troubles are told", async (t) => {
  const { rig, request, apply } = await startApi(t);
  await apply(siteFile());
  const said = { online: true, software: "x", clock: "holdover", troubles: ["rex"] } as const;
  rig.broker.deliver(rig.topics.status, encodeStatus(said));
  const gap = entries({ count: 3 }).slice(1);
  rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, gap));
  const sync = { state: "updating", percent: null, in_force: null, reason: null, detail: null };
  t.match((await request("/postern/controllers")).body.controllers, [{ sync }, { sync }]);
  const [wanted] = (await rig.engine.controllers()).map((report) => report.sync?.wanted);
  if (wanted === undefined) throw new Error("no table");
  const { epoch, version } = wanted;
  const progress = { outcome: "progress", wanted: { epoch, version }, percent: 40 } as const;
  rig.broker.deliver(rig.topics.tableAck, sealTableAck(rig.scope, progress));
  const { body } = await request("/postern/controllers");
  t.match(body, {
    controllers: [
      {
        controller: "one",
        sync: { ...sync, percent: 40, wanted: { epoch, version } },
        online: true,
        status: { software: "x", clock_quality: "holdover", troubles: ["rex"] },
        journal: null,
        troubles: [{ kind: "events_missing", count: 1 }],
        refused_message_count: 0,
      },
      { controller: "two", online: null, status: null },
    ],
    ok: true,
  });
  t.notMatch(JSON.stringify(body), /34567|246810|seam_/);
});

t.test("the site's key is changed by whoever has the API key, and by nobody else", async (t) => {
  const { rig, request } = await startApi(t);
  const keyOf = () => openSiteKeys(openSiteFolder(rig.folder), site).publicKeyPem;
  const before = keyOf();
  const post = { method: "POST" };
  t.equal((await request("/postern/site/rotate-key", post, null)).status, 401);
  t.equal((await request("/postern/site/rotate-key")).status, 405, "nor by looking at it");
  t.equal(keyOf(), before);
  t.same((await request("/postern/site/rotate-key", post)).body, { serial: 1, ok: true });
  t.not(keyOf(), before);
});

t.test("a fault of ours is a 500 that tells nothing of its inside", async (t) => {
  const { rig, request } = await startApi(t);
  await rig.engine.close();
  const { status, body } = await request("/postern/events");
  t.equal(status, 500);
  t.match(body.error, {
    type: "internal_error",
    message: "The site could not answer; its log says why.",
  });
});
