import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { passId, ruleId, userId } from "../../../src/domain/ids.ts";
import { succeed } from "../../../src/domain/result.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { describeTomlFault } from "../../../src/protocols/toml/toml-fault.ts";
import { applySiteFile } from "../../../src/site/apply-site-file.ts";
import type { IssuingChange } from "../../../src/site/issuer.ts";
import { openIssuer } from "../../../src/site/open-issuer.ts";
import { parseSiteFile } from "../../../src/site/site-file.ts";
import { openSiteStore } from "../../../src/site/store/open-site-store.ts";
import type { PassRow } from "../../../src/site/store/store-schema.ts";
import { RecordingEngine } from "./recording-engine.ts";
import { LogText, temporaryFolder } from "./site-rig.ts";
import { author, userRow } from "./store/store-rig.ts";
import { changed, whole } from "./whole-site-file.ts";

const pinKey = new Uint8Array(32).fill(7);

async function openRig(t: Test) {
  const folder = temporaryFolder(t);
  const clock = new SimClock();
  const file = join(folder, "store.sqlite3");
  const store = await openSiteStore({ database: { kind: "sqlite", file }, clock });
  t.teardown(() => store.close());
  const engine = new RecordingEngine();
  const issuer = openIssuer({ store, engine: engine.engine, clock, log: new LogText() });
  const apply = async (text: string) => {
    const parsed = parseSiteFile({ file: "site.toml", text });
    if (!parsed.ok) return parsed.fault.map(describeTomlFault);
    const applied = await applySiteFile(issuer, {
      name: "site.toml",
      file: parsed.value,
      author: { name: "file" },
      digestPin: (digits) => digestPin(pinKey, digits),
    });
    return applied.ok ? "applied" : applied.fault.map(describeTomlFault);
  };
  const issue = async (make: (change: IssuingChange) => Promise<unknown>) => {
    await issuer.change(author, async (change) => succeed(await make(change)));
  };
  const pass = async (id: string) =>
    await store.rows.selectFrom("passes").selectAll().where("id", "=", id).executeTakeFirst();
  return { folder, store, engine, apply, issue, pass };
}

/** A card or a PIN that the API issued. */
function apiPass(part: Pick<PassRow, "id" | "userId" | "kind"> & Partial<PassRow>): PassRow {
  return {
    uuid: `uuid-${part.id}`,
    origin: "api",
    state: "issued",
    active: 1,
    startsAt: null,
    endsAt: null,
    usesMax: null,
    traits: "[]",
    raw: null,
    cardFormat: null,
    cardFields: null,
    pinDigest: null,
    displayName: "Card",
    parentId: null,
    isMultiPhone: 0,
    brandMetadata: null,
    warnings: "[]",
    issuedAt: null,
    revision: 1,
    createdAt: 1,
    ...part,
  };
}

const issuePass = (row: PassRow) => async (change: IssuingChange) => {
  await change.rows.insertInto("passes").values(row).execute();
  change.touch.pass(passId(row.id));
};

const withoutBob = whole
  .replace(/.*id = "bob", .*\n/, "")
  .replace(/.*id = "bob-card", .*\n/, "")
  .replace('users = ["ada", "bob"]', 'users = ["ada"]');

t.test("a user whom the file no longer names leaves what the API issued to nobody", async (t) => {
  const { engine, apply, issue, pass } = await openRig(t);
  t.equal(await apply(whole), "applied");
  await issue(issuePass(apiPass({ id: "api-card", userId: "bob", kind: "csn_card", raw: "9:1" })));
  t.ok(engine.told.passes.some(({ id }) => id === "api-card"));
  t.equal(await apply(withoutBob), "applied");
  t.match(await pass("api-card"), { userId: null, raw: "9:1", active: 1 });
  t.notOk(await pass("bob-card"));
  t.same(
    engine.told.passes.map(({ id }) => id),
    ["ada-card", "ada-duress", "ada-pin"],
  );
  t.equal(await apply(whole), "applied");
  t.match(await pass("api-card"), { userId: null }, "and nobody gets it back unasked");
});

t.test("two passes of the file exchange their cards", async (t) => {
  const { engine, apply, pass } = await openRig(t);
  await apply(whole);
  const before = [await pass("ada-card"), await pass("bob-card")].map((row) => row?.raw);
  const exchanged = whole
    .replace("number = 1 }", "number = 3 }")
    .replace("number = 2 }", "number = 1 }")
    .replace("number = 3 }", "number = 2 }");
  t.equal(await apply(exchanged), "applied");
  const after = [await pass("ada-card"), await pass("bob-card")].map((row) => row?.raw);
  t.same(after, before.toReversed());
  t.match(
    engine.told.passes.filter(({ id }) => id === "ada-card"),
    [{ raw: before[1] }],
  );
});

t.test(
  "the ids by which the API knows a file's things are the same on every machine",
  async (t) => {
    const uuidsOf = async () => {
      const { store, apply } = await openRig(t);
      await apply(whole);
      return Promise.all([
        store.rows.selectFrom("users").select(["id", "uuid"]).orderBy("id").execute(),
        store.rows.selectFrom("passes").select(["id", "uuid"]).orderBy("id").execute(),
        store.rows.selectFrom("surroundings").select(["id", "uuid"]).orderBy("uuid").execute(),
      ]);
    };
    const here = await uuidsOf();
    t.same(await uuidsOf(), here);
    const [users] = here;
    t.match(
      users[0]?.uuid,
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  },
);

t.test("what the API has issued stands in the way of the same in a file", async (t) => {
  const { store, engine, apply, issue } = await openRig(t);
  await apply(withoutBob);
  const pinDigest = digestPin(pinKey, "4711");
  await issue(async (change) => {
    await change.rows.insertInto("users").values(userRow("api-user")).execute();
    change.touch.user(userId("api-user"));
    const raw = "26:2020004";
    await issuePass(apiPass({ id: "card", userId: "api-user", kind: "csn_card", raw }))(change);
    await issuePass(apiPass({ id: "pin", userId: "api-user", kind: "pin", pinDigest }))(change);
  });
  const before = { told: engine.told, revision: await store.revision() };
  const apart = "found one that was issued apart from the file";
  t.same(await apply(whole), [
    `site.toml:1: pass bob-card: expected a card that no other pass has, ${apart}`,
  ]);
  t.same(await apply(withoutBob.replace('pin = "1234"', 'pin = "4711"')), [
    `site.toml:1: pass ada-pin: expected a PIN that no other pass has, ${apart}`,
  ]);
  t.same({ told: engine.told, revision: await store.revision() }, before);
});

t.test("a PIN of the API's is its user's only one, until it goes", async (t) => {
  const { apply, issue } = await openRig(t);
  await apply(whole.replace(/.*id = "ada-pin", .*\n/, ""));
  const pinDigest = digestPin(pinKey, "4711");
  await issue(issuePass(apiPass({ id: "pin", userId: "ada", kind: "pin", pinDigest })));
  t.same(await apply(whole), [
    "site.toml:1: pass ada-pin: expected a user who has no other PIN, " +
      "found one that was issued apart from the file",
  ]);
  await issue(async ({ rows, touch }) => {
    await rows.deleteFrom("passes").where("id", "=", "pin").execute();
    touch.pass(passId("pin"));
  });
  t.equal(await apply(whole), "applied");
});

t.test("a schedule by which a rule of the API's goes stays in the file", async (t) => {
  const { engine, apply, issue } = await openRig(t);
  await apply(whole);
  await issue(async ({ rows, touch }) => {
    const row = {
      id: "night",
      uuid: "night",
      origin: "api",
      kind: "grant",
      name: "Night",
      doors: '["outer","yard"]',
      zones: '["garden"]',
      schedule: "day",
      grantedDoor: null,
      createdAt: 1,
    } as const;
    await rows.insertInto("rules").values(row).execute();
    touch.rule(ruleId("night"));
  });
  const told = engine.told;
  const other = whole.replaceAll('"day"', '"other"');
  t.same(await apply(other), [
    "site.toml:1: schedule day: expected it to be in the file, or nothing to go by it, " +
      "found rule night, made apart from the file, which goes by it",
  ]);
  t.same(engine.told, told);
  const withoutYard = whole
    .replace(/.*id = "yard", .*\n/, "")
    .replace(/.*id = "garden", .*\n/, "")
    .replace(', zones = ["garden"]', "");
  t.equal(await apply(withoutYard), "applied", "without a door it has one door fewer");
  t.match(
    engine.told.rules.filter(({ id }) => id === "night"),
    [{ doors: ["outer"], zones: [], schedule: "day" }],
  );
});

t.test("a rule of the API's does not lose its last first person to a file", async (t) => {
  const { apply, issue } = await openRig(t);
  await apply(whole);
  await issue(async ({ rows, touch }) => {
    const row = {
      id: "early",
      uuid: "early",
      origin: "api",
      kind: "first_person_in",
      name: "Early",
      doors: '["yard"]',
      zones: "[]",
      schedule: "day",
      grantedDoor: null,
      createdAt: 1,
    } as const;
    await rows.insertInto("rules").values(row).execute();
    await rows.insertInto("ruleUsers").values({ ruleId: "early", userId: "bob" }).execute();
    touch.rule(ruleId("early"));
    touch.member(ruleId("early"), userId("bob"));
  });
  t.match(await apply(withoutBob), [/rule early: .* found none: anybody would unlock its doors/]);
});

const addSurrounding =
  (kind: "door" | "zone", body: { readonly id: string }) =>
  async ({ rows, touch }: IssuingChange) => {
    const { id } = body;
    const names = { id, uuid: `uuid-${id}`, name: id, origin: "api", position: 99 } as const;
    const row = { ...names, kind, body: JSON.stringify(body), createdAt: 1 };
    await rows.insertInto("surroundings").values(row).execute();
    touch.surroundings();
  };

const apiDoor = (id: string, part: object) => ({
  ...doorDefaults,
  id,
  name: id,
  controller: "two",
  readers: [],
  ...part,
});

t.test("zones and mantraps of the API's are without the doors that a file took away", async (t) => {
  const { engine, apply, issue } = await openRig(t);
  await apply(whole);
  const zone = { id: "api-zone", parent: "garden", doors: ["yard", "outer"] };
  await issue(addSurrounding("zone", zone));
  await issue(addSurrounding("door", apiDoor("gate", { interlock: ["yard"] })));
  const withoutYard = whole
    .replace(/.*id = "yard", .*\n/, "")
    .replace(/.*id = "garden", .*\n/, "")
    .replace(', zones = ["garden"]', "");
  t.equal(await apply(withoutYard), "applied");
  const { zones, doors } = engine.told.surroundings;
  t.match(
    zones.filter(({ id }) => id === "api-zone"),
    [{ doors: ["outer"], parent: undefined }],
  );
  t.match(
    doors.filter(({ id }) => id === "gate"),
    [{ interlock: [] }],
  );
});

t.test("a file and what stands beside it are in order together, or nothing is done", async (t) => {
  const { store, engine, apply, issue } = await openRig(t);
  await apply(whole);
  await issue(addSurrounding("door", apiDoor("gate", { inside: "lock" })));
  const before = { told: engine.told, revision: await store.revision() };
  t.match(await apply(changed('{ id = "lock" }', '{ id = "lock", passback = "soft" }')), [
    /door (inner outside|gate inside): expected an area with rules at doors of one controller/,
  ]);
  t.match(await apply(whole.replaceAll('"lock"', '"lobby"')), [
    /door gate inside: expected an area of this site/,
  ]);
  t.same({ told: engine.told, revision: await store.revision() }, before);
  t.equal(await apply(whole), "applied");
});

t.test("what a file says of its own stays as the API made it elsewhere", async (t) => {
  const { store, apply, issue } = await openRig(t);
  await apply(whole);
  await issue(async ({ rows, touch }) => {
    const part = { email: "ada@example.org", suspended: 1, endsAt: 9 };
    await rows.updateTable("users").set(part).where("id", "=", "ada").execute();
    touch.user(userId("ada"));
  });
  t.equal(await apply(whole), "applied");
  const ada = store.rows.selectFrom("users").selectAll().where("id", "=", "ada");
  t.match(await ada.executeTakeFirst(), {
    suspended: 0,
    email: "ada@example.org",
    endsAt: 9,
    sought: "ada\nada@example.org",
  });
});

t.test("a table that no controller takes is told, and leaves nothing behind", async (t) => {
  const { store, engine, apply } = await openRig(t);
  await apply(whole);
  const revision = await store.revision();
  engine.next = "refuse";
  t.same(await apply(changed('name = "Yard"', 'name = "Court"')), [
    "site.toml:1: expected a table that controller one takes, found one with a fault at refused",
  ]);
  t.equal(await store.revision(), revision);
  t.same(engine.told.surroundings.doors.map(({ name }) => name).sort(), ["Inner", "Outer", "Yard"]);
});

t.test("the audit log says what a file changed; no PIN stands in the store", async (t) => {
  const { folder, store, apply } = await openRig(t);
  await apply(changed('pin = "1234"', 'pin = "730518264"'));
  await apply(withoutBob.replace('pin = "1234"', 'pin = "730518264"'));
  const entries = await store.rows.selectFrom("audit").selectAll().orderBy("position").execute();
  t.same(
    entries.slice(-3).map(({ actor, action, subjectId }) => [actor, action, subjectId]),
    [
      ["file", "pass.delete", "bob-card"],
      ["file", "user.delete", "bob"],
      ["file", "site_file.apply", "test"],
    ],
  );
  await store.close();
  for (const name of readdirSync(folder)) {
    t.notMatch(readFileSync(join(folder, name), "latin1"), /730518264/, name);
  }
});
