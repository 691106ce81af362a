import {
  type AcsCredentialsCreateParameters,
  isSeamHttpApiError,
  isSeamHttpInvalidInputError,
} from "@seamapi/http";
import t from "tap";
import {
  type ApiRig,
  acknowledge,
  addUser,
  clientOf,
  doorIds,
  now,
  startSiteApi,
  uuid,
} from "./api-rig.ts";
import { errorOf } from "./rejection.ts";
import { acsCredential } from "./seam-shapes.ts";

const hour = 3_600_000;

/** With what the official client sends on, though its types do not have it. */
async function create(
  { client }: Pick<ApiRig, "client">,
  request: AcsCredentialsCreateParameters & {
    readonly card_number?: string;
    readonly card_format?: string;
    readonly is_one_time_use?: boolean;
  },
) {
  return acsCredential.parse(await client.acs.credentials.create(request));
}

/** The fields that the official client says are wrong. */
async function wrongFields(promise: PromiseLike<unknown>): Promise<readonly string[]> {
  const error = await errorOf(promise);
  if (!isSeamHttpInvalidInputError(error)) throw error;
  return error.validationErrors.map(({ parameterName }) => parameterName);
}

t.test("a credential is got, listed, changed and deleted with the official client", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const { acs_user_id } = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const made = await create(rig, { acs_user_id, access_method: "code", code: "4711" });
  t.equal(made.display_name, "Code 47**");
  await create(rig, { acs_user_id: bob.acs_user_id, access_method: "card", code: "77" });
  const which = { acs_credential_id: made.acs_credential_id };
  const got = acsCredential.parse(await client.acs.credentials.get(which));
  t.strictSame(got, { ...made, code: null });
  t.strictSame(await client.acs.credentials.list({ acs_user_id }), [got]);
  t.equal((await client.acs.credentials.list()).length, 2);
  t.strictSame(await client.acs.credentials.list({ search: "code 47" }), [got]);
  t.strictSame(await client.acs.credentials.list({ search: "4711" }), []);
  t.strictSame(await client.acs.credentials.list({ acs_user_id: uuid(5) }), []);
  await client.acs.credentials.update({
    ...which,
    code: "987654321",
    ends_at: new Date(now + hour),
  });
  const changed = acsCredential.parse(await client.acs.credentials.get(which));
  t.match(changed, { display_name: "Code 98*******", ends_at: "2027-01-15T09:00:00.000Z" });
  t.equal(changed.code, null);
  await client.acs.credentials.delete(which);
  const error = await errorOf(client.acs.credentials.get(which));
  t.match(error, { code: "acs_credential_not_found", statusCode: 404 });
  t.notMatch(rig.log.text, /4711|987654321/);
});

t.test("credentials are listed by pages, and by what they are", async (t) => {
  const rig = await startSiteApi(t);
  const { client, clock } = rig;
  const { acs_user_id } = await addUser(rig);
  for (let number = 100; number < 105; number += 1) {
    await create(rig, { acs_user_id, access_method: "card", code: String(number) });
    clock.advance(1_000);
  }
  await create(rig, {
    acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
  });
  const pages = client.createPaginator(client.acs.credentials.list({ limit: 4 }));
  const [first, { hasNextPage }] = await pages.firstPage();
  t.strictSame([first.length, hasNextPage], [4, true]);
  const all = await pages.flattenToArray();
  t.equal(new Set(all.map(({ acs_credential_id: id }) => id)).size, 6);
  const phones = await client.acs.credentials.list({ is_multi_phone_sync_credential: true });
  t.strictSame(
    phones.map(({ display_name: name }) => name),
    ["Multi Phone Sync Credential"],
  );
  const early = await client.acs.credentials.list({ created_before: new Date(now + 1_500) });
  t.equal(early.length, 2);
  t.strictSame(await wrongFields(client.acs.credentials.list({ limit: 501 })), ["limit"]);
  for (const page_cursor of ["x", "bnVsbA==", "WzEsMl0=", Buffer.from("[]").toString("base64")]) {
    t.strictSame(await wrongFields(client.acs.credentials.list({ page_cursor })), ["page_cursor"]);
  }
});

t.test("a code that is not given is drawn, unlike any other", async (t) => {
  const rig = await startSiteApi(t);
  const codes = new Set<string>();
  for (let count = 0; count < 20; count += 1) {
    const { acs_user_id } = await addUser(rig, `User ${count}`);
    const { code } = await create(rig, { acs_user_id, access_method: "code" });
    t.match(code, /^[0-9]{6}$/);
    codes.add(code ?? "");
  }
  t.equal(codes.size, 20);
});

t.test("a code belongs to one credential, and a user has one code", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const first = await create(rig, {
    acs_user_id: ada.acs_user_id,
    access_method: "code",
    code: "824759",
  });
  const taken = await errorOf(
    create(rig, { acs_user_id: bob.acs_user_id, access_method: "code", code: "824759" }),
  );
  t.ok(isSeamHttpApiError(taken));
  t.match(taken, { code: "duplicate_code", statusCode: 409 });
  const second = await errorOf(
    create(rig, { acs_user_id: ada.acs_user_id, access_method: "code", code: "111111" }),
  );
  t.match(second, { code: "user_has_code", statusCode: 409 });
  // Its own code is no other's.
  await client.acs.credentials.update({
    acs_credential_id: first.acs_credential_id,
    code: "824759",
  });
  await client.acs.credentials.delete({ acs_credential_id: first.acs_credential_id });
  await create(rig, { acs_user_id: bob.acs_user_id, access_method: "code", code: "824759" });
});

t.test("a card is issued by its format and fields, and to one person", async (t) => {
  const rig = await startSiteApi(t);
  const { acs_user_id } = await addUser(rig);
  const card = { acs_user_id, access_method: "card" } as const;
  const facility = await create(rig, { ...card, card_format: "H10301", card_number: "12:34567" });
  t.match(facility, { display_name: "Card 34***", card_number: "12:34567" });
  const uid = await create(rig, { ...card, card_format: "CSN32", card_number: "04A1B2C3" });
  t.equal(uid.display_name, "Card 04a*****");
  const raws = await rig.store.rows.selectFrom("passes").select("raw").orderBy("raw").execute();
  t.strictSame(
    raws.map(({ raw }) => raw),
    ["26:2190e0f", "32:04a1b2c3"],
  );
  const again = await errorOf(
    create(rig, { ...card, card_format: "CSN32", card_number: "04a1b2c3" }),
  );
  t.match(again, { code: "duplicate_card", statusCode: 409 });
  for (const [card_format, card_number, field, expected] of [
    ["H10301", "256:1", "card_number", /facility: a whole number from 0 to 255/],
    ["H10301", "12:65536", "card_number", /number: a whole number from 0 to 65535/],
    ["H10301", "12", "card_number", /facility:number of format H10301/],
    ["H10301", "12:-1", "card_number", /number/],
    ["CSN32", "04a1b2", "card_number", /8 hexadecimal digits/],
    ["H10305", "1", "card_format", /one of H10301, .*CSN80/],
  ] as const) {
    const error = await errorOf(create(rig, { ...card, card_format, card_number }));
    t.ok(isSeamHttpInvalidInputError(error), card_number);
    if (!isSeamHttpInvalidInputError(error)) continue;
    t.match(error.getValidationErrorMessages(field)[0], expected);
  }
});

t.test("a card without a number waits to be written", async (t) => {
  const rig = await startSiteApi(t);
  const { acs_user_id } = await addUser(rig);
  const card = await create(rig, { acs_user_id, access_method: "card" });
  t.match(card, {
    display_name: "Card",
    is_issued: false,
    warnings: [{ warning_code: "waiting_to_be_issued" }],
  });
  t.equal(card.issued_at, null);
});

t.test("what cannot be issued is refused with the field", async (t) => {
  const rig = await startSiteApi(t);
  const { client, apiSite } = rig;
  const { acs_user_id } = await addUser(rig);
  const code = { acs_user_id, access_method: "code" } as const;
  const at = (ms: number) => new Date(now + ms).toISOString();
  const cases: [object, string][] = [
    [{ ...code, access_method: "key" }, "access_method"],
    [{ ...code, access_method: "cloud_key" }, "access_method"],
    [{ ...code, access_method: undefined }, "access_method"],
    [{ access_method: "code" }, "acs_user_id"],
    [{ ...code, acs_user_id: uuid(7) }, "acs_user_id"],
    [{ ...code, acs_system_id: uuid(7) }, "acs_system_id"],
    [{ ...code, user_identity_id: uuid(7) }, "user_identity_id"],
    [{ ...code, code: "82a759" }, "code"],
    [{ ...code, code: "824759\n" }, "code"],
    [{ ...code, code: "٤٧١١" }, "code"],
    [{ ...code, code: "123" }, "code"],
    [{ ...code, code: "1234567890" }, "code"],
    [{ ...code, code: 824_759 }, "code"],
    [{ ...code, ends_at: at(0) }, "ends_at"],
    [{ ...code, starts_at: at(2 * hour), ends_at: at(hour) }, "ends_at"],
    [{ ...code, starts_at: "tomorrow" }, "starts_at"],
    [{ ...code, starts_at: "2027-02-30T00:00:00Z" }, "starts_at"],
    [{ ...code, starts_at: "2027-02-20T00:00:00" }, "starts_at"],
    [{ ...code, card_format: "H10301" }, "card_format"],
    [{ ...code, is_multi_phone_sync_credential: true }, "is_multi_phone_sync_credential"],
    [{ ...code, access_method: "mobile_key" }, "is_multi_phone_sync_credential"],
    [{ ...code, allowed_acs_entrance_ids: [doorIds.front] }, "allowed_acs_entrance_ids"],
    [{ ...code, visionline_metadata: { auto_join: "yes" } }, "visionline_metadata"],
    [{ ...code, visionline_metadata: { more: "x".repeat(5_000) } }, "visionline_metadata"],
    [{ ...code, end_at: at(hour) }, "end_at"],
  ];
  for (const [request, field] of cases) {
    const { access_method: method = "code", ...rest } = request as { access_method?: "code" };
    const sent =
      "access_method" in request && request.access_method === undefined
        ? client.client.post("/acs/credentials/create", rest)
        : client.acs.credentials.create({ access_method: method, ...rest });
    t.strictSame(await wrongFields(sent), [field], JSON.stringify(request).slice(0, 200));
  }
  t.strictSame(await client.acs.credentials.list(), []);
  t.ok(apiSite);
});

t.test("a start in the past becomes now, and a warning says so", async (t) => {
  const rig = await startSiteApi(t);
  const { acs_user_id } = await addUser(rig);
  const made = await create(rig, {
    acs_user_id,
    access_method: "code",
    starts_at: new Date(now - hour),
    ends_at: new Date(now + hour),
  });
  t.match(made, {
    starts_at: "2027-01-15T08:00:00.000Z",
    ends_at: "2027-01-15T09:00:00.000Z",
    warnings: [{ warning_code: "schedule_modified", created_at: "2027-01-15T08:00:00.000Z" }],
  });
  const later = await create(rig, {
    acs_user_id,
    access_method: "card",
    code: "1",
    starts_at: new Date(now + hour).toISOString(),
    is_one_time_use: true,
  });
  t.match(later, { starts_at: "2027-01-15T09:00:00.000Z", is_one_time_use: true });
  t.strictSame(later.warnings, []);
});

t.test("a credential is unassigned and kept, and given to somebody else", async (t) => {
  const rig = await startSiteApi(t);
  const { client } = rig;
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const { acs_credential_id } = await create(rig, {
    acs_user_id: ada.acs_user_id,
    access_method: "code",
    code: "824759",
  });
  const toBob = { acs_credential_id, acs_user_id: bob.acs_user_id };
  t.match(await errorOf(client.acs.credentials.assign(toBob)), { code: "already_assigned" });
  const wrong = client.acs.credentials.unassign(toBob);
  t.strictSame(await wrongFields(wrong), ["acs_user_id"]);
  await client.acs.credentials.unassign({ acs_credential_id, acs_user_id: ada.acs_user_id });
  const kept = acsCredential.parse(await client.acs.credentials.get({ acs_credential_id }));
  t.notOk("acs_user_id" in kept);
  await client.acs.credentials.assign(toBob);
  const given = acsCredential.parse(await client.acs.credentials.get({ acs_credential_id }));
  t.equal(given.acs_user_id, bob.acs_user_id);
  await create(rig, { acs_user_id: ada.acs_user_id, access_method: "code" });
});

t.test(
  "a credential is synced once its controllers have acknowledged it, and not before",
  async (t) => {
    const rig = await startSiteApi(t);
    const { client } = rig;
    const { acs_user_id } = await addUser(rig);
    await client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.front, acs_user_id });
    const { acs_credential_id } = await create(rig, { acs_user_id, access_method: "code" });
    const isSynced = async () =>
      (await client.acs.credentials.get({ acs_credential_id }))
        .is_latest_desired_state_synced_with_provider;
    t.equal(await isSynced(), false);
    acknowledge(rig, "one");
    acknowledge(rig, "two");
    t.equal(await isSynced(), true);
    await client.acs.users.suspend({ acs_user_id });
    t.equal(await isSynced(), false);
    acknowledge(rig, "one");
    acknowledge(rig, "two");
    t.equal(await isSynced(), true);
  },
);

t.test("who may only read issues nothing", async (t) => {
  const rig = await startSiteApi(t);
  const { url } = rig;
  const { acs_user_id } = await addUser(rig);
  const reader = clientOf(url, await rig.addKey("read"));
  t.equal((await reader.acs.users.list()).length, 1);
  const error = await errorOf(
    reader.acs.credentials.create({ acs_user_id, access_method: "code" }),
  );
  t.ok(isSeamHttpApiError(error));
  t.match(error, { statusCode: 403, code: "forbidden" });
});
