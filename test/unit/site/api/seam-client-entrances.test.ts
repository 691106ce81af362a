import t from "tap";
import { doorId, passId } from "../../../../src/domain/ids.ts";
import { type ApiRig, addUser, doorIds, now, startSiteApi, uuid } from "./api-rig.ts";
import { errorOf } from "./rejection.ts";
import { acsCredential, acsEntrance } from "./seam-shapes.ts";
import { addGroup } from "./store-parts.ts";

t.test("entrances are got, listed, found and paged with the official client", async (t) => {
  const { client, apiSite } = await startSiteApi(t);
  const all = await client.acs.entrances.list();
  t.strictSame(all.map((entrance) => acsEntrance.parse(entrance).display_name).sort(), [
    "Back door",
    "Front door",
  ]);
  const front = await client.acs.entrances.get({ acs_entrance_id: doorIds.front });
  t.match(acsEntrance.parse(front), {
    acs_system_id: apiSite.identity.systemId,
    can_unlock_with_code: true,
    can_unlock_with_card: true,
  });
  t.strictSame(await client.acs.entrances.list({ search: "FRONT" }), [front]);
  t.strictSame(await client.acs.entrances.list({ acs_entrance_ids: [doorIds.front] }), [front]);
  t.strictSame(await client.acs.entrances.list({ acs_entrance_ids: [] }), []);
  t.strictSame(await client.acs.entrances.list({ space_id: uuid(1) }), []);
  t.equal((await client.acs.entrances.list({ location_id: null })).length, 2);
  const pages = client.createPaginator(client.acs.entrances.list({ limit: 1 }));
  t.equal((await pages.flattenToArray()).length, 2);
  const error = await errorOf(client.acs.entrances.get({ acs_entrance_id: uuid(1) }));
  t.match(error, { code: "acs_entrance_not_found", statusCode: 404 });
});

/** What the doors' own code says of it: admitted now, or at some time. */
async function admits({ engine, store }: ApiRig, door: "front" | "back", credential: string) {
  const { id } = await store.rows
    .selectFrom("passes")
    .select("id")
    .where("uuid", "=", credential)
    .executeTakeFirstOrThrow();
  const answer = await engine.explain({ door: doorId(door), pass: passId(id) });
  return answer.ok && answer.value.nextGrant.kind !== "never";
}

t.test("who is granted a door, and who has access to it, is what the door decides", async (t) => {
  const rig = await startSiteApi(t);
  const { client, clock } = rig;
  const group = await addGroup(rig, { id: "staff", name: "Staff", doors: ["front", "back"] });
  const users = [];
  for (const name of ["granted", "grouped", "nobody", "suspended", "expiring", "later"]) {
    const { acs_user_id } = await addUser(rig, name);
    const made = await client.acs.credentials.create({
      acs_user_id,
      access_method: "code",
      ...(name === "expiring" && { ends_at: new Date(now + 1_000) }),
      ...(name === "later" && { starts_at: new Date(now + 86_400_000) }),
    });
    users.push({ name, acs_user_id, credential: made.acs_credential_id });
  }
  for (const { name, acs_user_id } of users) {
    if (name === "nobody") continue;
    if (name === "granted") {
      await client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.front, acs_user_id });
    } else {
      await client.acs.accessGroups.addUser({ acs_access_group_id: group, acs_user_id });
    }
    if (name === "suspended") await client.acs.users.suspend({ acs_user_id });
  }
  const unassigned = await client.acs.credentials.create({
    acs_user_id: users[0]?.acs_user_id ?? "",
    access_method: "card",
    code: "7",
  });
  await client.acs.credentials.unassign({ acs_credential_id: unassigned.acs_credential_id });
  clock.advance(5_000);
  for (const door of ["front", "back"] as const) {
    const acs_entrance_id = doorIds[door];
    const listed = await client.acs.entrances.listCredentialsWithAccess({ acs_entrance_id });
    const ids = listed.map((credential) => acsCredential.parse(credential).acs_credential_id);
    const expected = door === "front" ? ["granted", "grouped", "later"] : ["grouped", "later"];
    const named = users.filter(({ credential }) => ids.includes(credential));
    t.strictSame(named.map(({ name }) => name).sort(), expected, door);
    t.equal(ids.length, named.length);
    for (const { credential } of users) {
      t.equal(await admits(rig, door, credential), ids.includes(credential));
      const open = await client.acs.credentials.listAccessibleEntrances({
        acs_credential_id: credential,
      });
      const isOpen = open.some(({ acs_entrance_id: id }) => id === acs_entrance_id);
      t.equal(isOpen, ids.includes(credential));
      const filtered = await client.acs.entrances.list({ acs_credential_id: credential });
      t.equal(filtered.length, open.length);
    }
  }
});

t.test("a grant of one door is no access group, and twice is once", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const { acs_user_id } = await addUser(rig);
  const grant = { acs_entrance_id: doorIds.front, acs_user_id };
  await client.acs.entrances.grantAccess(grant);
  await client.acs.entrances.grantAccess(grant);
  t.strictSame(await client.acs.accessGroups.list(), []);
  const rules = await rig.store.rows.selectFrom("rules").selectAll().execute();
  t.equal(rules.length, 1);
  for (const [wrong, status] of [
    [{ ...grant, acs_entrance_id: uuid(1) }, 404],
    [{ ...grant, acs_user_id: uuid(1) }, 400],
    [{ acs_entrance_id: doorIds.front }, 400],
  ] as const) {
    t.match(await errorOf(client.acs.entrances.grantAccess(wrong)), { statusCode: status });
  }
});

t.test("the last user of a rule for the first person in cannot be deleted", async (t) => {
  const rig = await startSiteApi(t);
  const { client, store } = rig;
  const { acs_user_id } = await addUser(rig);
  await addGroup(rig, { id: "first", name: "First", doors: ["front"], kind: "grant" });
  const { id } = await store.rows
    .selectFrom("users")
    .select("id")
    .where("uuid", "=", acs_user_id)
    .executeTakeFirstOrThrow();
  await rig.changeRows(async (rows) => {
    await rows.updateTable("rules").set({ kind: "first_person_in" }).execute();
    await rows.insertInto("ruleUsers").values({ ruleId: "first", userId: id }).execute();
  });
  const before = await store.revision();
  const error = await errorOf(client.acs.users.delete({ acs_user_id }));
  t.match(error, { statusCode: 409, code: "last_user_of_rule" });
  t.equal(await store.revision(), before);
  t.equal((await client.acs.users.list()).length, 1);
});
