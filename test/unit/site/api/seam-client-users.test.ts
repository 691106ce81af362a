import {
  isSeamHttpApiError,
  isSeamHttpInvalidInputError,
  isSeamHttpUnauthorizedError,
  SeamHttp,
} from "@seamapi/http";
import t from "tap";
import type { UserRow } from "../../../../src/site/store/store-schema.ts";
import { acknowledge, addUser, clientOf, doorIds, now, startSiteApi, uuid } from "./api-rig.ts";
import { errorOf } from "./rejection.ts";
import { acsAccessGroup, acsEntrance, acsSystem, acsUser, pagination } from "./seam-shapes.ts";
import { addGroup, isMember } from "./store-parts.ts";

t.test("the official client creates, gets, lists, changes and deletes a user", async (t) => {
  const rig = await startSiteApi(t);
  const { client, apiSite } = rig;
  const { systemId } = apiSite.identity;
  const made = await client.acs.users.create({
    acs_system_id: systemId,
    full_name: "Ada Lovelace",
    email_address: "ada@example.com",
    phone_number: "+43 1 234",
    access_schedule: {
      starts_at: new Date(now),
      ends_at: new Date(now + 86_400_000).toISOString(),
    },
  });
  t.match(acsUser.parse(made), {
    acs_system_id: systemId,
    display_name: "Ada Lovelace",
    full_name: "Ada Lovelace",
    email_address: "ada@example.com",
    phone_number: "+43 1 234",
    is_suspended: false,
    access_schedule: {
      starts_at: "2027-01-15T08:00:00.000Z",
      ends_at: "2027-01-16T08:00:00.000Z",
    },
    created_at: "2027-01-15T08:00:00.000Z",
  });
  const which = { acs_user_id: made.acs_user_id };
  t.strictSame(await client.acs.users.get(which), made);
  await client.acs.users.update({ ...which, full_name: "Ada King", access_schedule: null });
  const changed = acsUser.parse(await client.acs.users.get(which));
  t.match(changed, { full_name: "Ada King", email_address: "ada@example.com" });
  t.notOk("access_schedule" in changed);
  const listed = await client.acs.users.list({ acs_system_id: systemId });
  t.strictSame(listed, [await client.acs.users.get(which)]);
  await client.acs.users.delete(which);
  t.strictSame(await client.acs.users.list(), []);
  const error = await errorOf(client.acs.users.get(which));
  t.ok(isSeamHttpApiError(error));
  t.match(error, { code: "acs_user_not_found", statusCode: 404, requestId: /^[0-9a-f-]{36}$/ });
});

t.test("a user is suspended and comes back, and others are not", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const isSuspended = async ({ acs_user_id }: { acs_user_id: string }) =>
    acsUser.parse(await client.acs.users.get({ acs_user_id })).is_suspended;
  await client.acs.users.suspend({ acs_user_id: ada.acs_user_id });
  t.strictSame([await isSuspended(ada), await isSuspended(bob)], [true, false]);
  await client.acs.users.unsuspend({ acs_user_id: ada.acs_user_id });
  t.equal(await isSuspended(ada), false);
});

t.test("users are listed by pages, newest first, each once", async (t) => {
  const rig = await startSiteApi(t);
  const { client, clock } = rig;
  for (let count = 0; count < 7; count += 1) {
    await addUser(rig, `User ${count}`);
    if (count % 3 === 0) clock.advance(1_000);
  }
  const pages = client.createPaginator(client.acs.users.list({ limit: 3 }));
  const [first, { hasNextPage, nextPageCursor, nextPageUrl }] = await pages.firstPage();
  t.equal(first.length, 3);
  t.ok(hasNextPage);
  t.ok(nextPageUrl?.startsWith(`${rig.url}/acs/users/list?`));
  const [second, last] = await pages.nextPage(nextPageCursor);
  t.equal(second.length, 3);
  t.ok(last.hasNextPage);
  const all = await pages.flattenToArray();
  const names = all.map((user) => acsUser.parse(user).display_name);
  t.strictSame(
    [...names].sort(),
    [0, 1, 2, 3, 4, 5, 6].map((count) => `User ${count}`),
  );
  t.same(
    all.map(({ created_at: at }) => at),
    all.map(({ created_at: at }) => at).sort((a, b) => b.localeCompare(a)),
  );
  const whole = await client.acs.users.list({ limit: 7 }).fetchResponse();
  t.match(pagination.parse((whole as { pagination?: unknown }).pagination), {
    has_next_page: false,
    next_page_cursor: null,
    next_page_url: null,
  });
  const next = await fetch(nextPageUrl ?? "", {
    headers: { authorization: `Bearer ${rig.key}` },
  });
  t.same(JSON.parse(await next.text()).acs_users, second);
});

t.test(
  "users are found by name, mail address and number, whatever signs are in them",
  async (t) => {
    const rig = await startSiteApi(t);
    const { client, apiSite } = rig;
    const acs_system_id = apiSite.identity.systemId;
    for (const [full_name, email_address] of [
      ["Zoë Müller", "zoe@example.com"],
      ["100% Müll", "mull@example.com"],
      ["O_Brien", "ob@example.org"],
      ["李小龍", "lee@example.org"],
    ] as const) {
      await client.acs.users.create({ acs_system_id, full_name, email_address });
    }
    const found = async (search: string) =>
      (await client.acs.users.list({ search })).map((user) => user.display_name).sort();
    t.strictSame(await found("ZOË"), ["Zoë Müller"]);
    t.strictSame(await found("example.org"), ["O_Brien", "李小龍"]);
    t.strictSame(await found("小"), ["李小龍"]);
    t.strictSame(await found("%"), ["100% Müll"]);
    t.strictSame(await found("_"), ["O_Brien"]);
    t.strictSame(await found("\\"), []);
    t.strictSame(await found("'; drop table users; --"), []);
    t.strictSame(await client.acs.users.list({ user_identity_id: uuid(1) }), []);
    const before = await client.acs.users.list({ created_before: new Date(now) });
    t.strictSame(before, []);
  },
);

t.test("a search looks through all users, however many they are, page by page", async (t) => {
  const rig = await startSiteApi(t);
  await rig.changeRows(async (rows) => {
    for (let from = 0; from < 12_000; from += 500) {
      const users = Array.from({ length: 500 }, (_, index) => manyUser(from + index));
      await rows.insertInto("users").values(users).execute();
    }
  });
  // Three of each thousand, over all that is looked through at a time.
  const search = rig.client.acs.users.list({ search: "USER 77", limit: 10 });
  const pages = rig.client.createPaginator(search);
  const found = (await pages.flattenToArray()).map((user) => user.display_name);
  const expected = Array.from({ length: 12_000 }, (_, index) => `User ${index}`)
    .filter((name) => name.startsWith("User 77"))
    .reverse();
  t.strictSame(found, expected);
  t.strictSame(await rig.client.acs.users.list({ search: "nobody" }), []);
  t.equal((await rig.client.acs.users.list({ search: "user 5", limit: 500 })).length, 500);
});

/** Two of each millisecond. */
function manyUser(count: number): UserRow {
  const name = `User ${count}`;
  return {
    id: `u${String(count).padStart(5, "0")}`,
    uuid: uuid(count),
    origin: "api",
    name,
    email: null,
    phone: null,
    suspended: 0,
    traits: "[]",
    startsAt: null,
    endsAt: null,
    sought: name.toLowerCase(),
    revision: 1,
    createdAt: now + Math.floor(count / 2),
  };
}

t.test("an access group's users and entrances are those of its rule", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const ada = await addUser(rig);
  const group = await addGroup(rig, { id: "staff", name: "Staff", doors: ["front"] });
  const which = { acs_access_group_id: group };
  const got = acsAccessGroup.parse(await client.acs.accessGroups.get(which));
  t.match(got, { name: "Staff", display_name: "Staff" });
  t.strictSame(await client.acs.accessGroups.list(), [got]);
  t.strictSame(await client.acs.accessGroups.list({ search: "taf" }), [got]);
  t.strictSame(await client.acs.accessGroups.list({ search: "x" }), []);
  const entrances = await client.acs.accessGroups.listAccessibleEntrances(which);
  t.strictSame(
    entrances.map((entrance) => acsEntrance.parse(entrance).display_name),
    ["Front door"],
  );
  const users = async () =>
    (await client.acs.accessGroups.listUsers(which)).map((user) => acsUser.parse(user).acs_user_id);
  const member = { ...which, acs_user_id: ada.acs_user_id };
  for (const [add, remove] of [
    [
      () => client.acs.accessGroups.addUser(member),
      () => client.acs.accessGroups.removeUser(member),
    ],
    [
      () => client.acs.users.addToAccessGroup(member),
      () => client.acs.users.removeFromAccessGroup(member),
    ],
  ] as const) {
    await add();
    await add();
    t.strictSame(await users(), [ada.acs_user_id]);
    const { acs_user_id } = ada;
    t.strictSame(await client.acs.accessGroups.list({ acs_user_id }), [got]);
    const open = await client.acs.users.listAccessibleEntrances({ acs_user_id });
    t.strictSame(
      open.map(({ acs_entrance_id: id }) => id),
      [doorIds.front],
    );
    await remove();
    await remove();
    t.strictSame(await users(), []);
  }
  await client.acs.accessGroups.addUser(member);
  await client.acs.accessGroups.delete(which);
  t.strictSame(await client.acs.accessGroups.list(), []);
  t.equal((await client.acs.users.list()).length, 1);
  t.equal(await isMember(rig, "staff"), false);
});

t.test("a user is created into access groups, or not at all", async (t) => {
  const rig = await startSiteApi(t);
  const { client, apiSite } = rig;
  const group = await addGroup(rig, { id: "staff", name: "Staff", doors: ["front"] });
  const user = { acs_system_id: apiSite.identity.systemId, full_name: "Ada" };
  const wrong = client.acs.users.create({ ...user, acs_access_group_ids: [group, uuid(9)] });
  const error = await errorOf(wrong);
  t.ok(isSeamHttpInvalidInputError(error));
  t.match(error, { statusCode: 400 });
  t.strictSame(await client.acs.users.list(), []);
  t.equal(await isMember(rig, "staff"), false);
  await client.acs.users.create({ ...user, acs_access_group_ids: [group] });
  t.equal(await isMember(rig, "staff"), true);
});

t.test("revoking all access takes a user out of every rule that admits", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const { acs_user_id } = await addUser(rig);
  const group = await addGroup(rig, { id: "staff", name: "Staff", doors: ["front"] });
  await client.acs.accessGroups.addUser({ acs_access_group_id: group, acs_user_id });
  await client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.back, acs_user_id });
  const open = async () => (await client.acs.users.listAccessibleEntrances({ acs_user_id })).length;
  t.equal(await open(), 2);
  await client.acs.users.revokeAccessToAllEntrances({ acs_user_id });
  t.equal(await open(), 0);
});

t.test("the site is one access control system", async (t) => {
  const rig = await startSiteApi(t);
  const { client, apiSite } = rig;
  await addUser(rig);
  const [system, ...others] = await client.acs.systems.list();
  t.strictSame(others, []);
  const parsed = acsSystem.parse(system);
  t.match(parsed, { acs_system_id: apiSite.identity.systemId, name: "test", acs_user_count: 1 });
  const which = { acs_system_id: parsed.acs_system_id };
  t.strictSame(await client.acs.systems.get(which), system);
  t.strictSame(await client.acs.systems.listCompatibleCredentialManagerAcsSystems(which), []);
  const error = await errorOf(client.acs.systems.get({ acs_system_id: uuid(1) }));
  t.match(error, { code: "acs_system_not_found", statusCode: 404 });
});

t.test("the client's own error classes are raised", async (t) => {
  const rig = await startSiteApi(t);
  const { client, url } = rig;
  const odd = await errorOf(client.acs.users.get({ acs_user_id: "ada" }));
  t.ok(isSeamHttpInvalidInputError(odd));
  if (isSeamHttpInvalidInputError(odd)) {
    t.strictSame(odd.getValidationErrorMessages("acs_user_id"), ["expected a UUID"]);
    t.strictSame(odd.validationErrors, [
      { parameterName: "acs_user_id", errorMessages: ["expected a UUID"] },
    ]);
    t.match(odd.requestId, /^[0-9a-f-]{36}$/);
  }
  const stranger = clientOf(url, `seam_${"0".repeat(64)}`);
  const refused = await errorOf(stranger.acs.users.list());
  t.ok(isSeamHttpUnauthorizedError(refused));
  t.match(refused, { statusCode: 401, requestId: /^[0-9a-f-]{36}$/ });
  const none = await errorOf(
    new SeamHttp({ apiKey: rig.key, endpoint: `${url}/x` }).acs.users.list(),
  );
  t.ok(isSeamHttpApiError(none) && !isSeamHttpInvalidInputError(none));
  const identity = await errorOf(client.acs.users.get({ user_identity_id: uuid(1) }));
  t.ok(isSeamHttpInvalidInputError(identity));
});

t.test("a deleted user's credentials are gone, at the doors too", async (t) => {
  const rig = await startSiteApi(t);
  const { client, engine } = rig;
  const { acs_user_id } = await addUser(rig);
  await client.acs.credentials.create({ acs_user_id, access_method: "code", code: "4711" });
  await client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.front, acs_user_id });
  acknowledge(rig, "one");
  await client.acs.users.delete({ acs_user_id });
  t.strictSame(await client.acs.credentials.list(), []);
  const controllers = await engine.controllers();
  t.match(
    controllers.find(({ controller }) => controller === "one"),
    { sync: { state: "updating" } },
  );
});
