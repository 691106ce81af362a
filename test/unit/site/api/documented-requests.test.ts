import t from "tap";
import { addUser, now, startSiteApi } from "./api-rig.ts";
import { acsCredential } from "./seam-shapes.ts";

const day = 86_400_000;

/** As a client of another language would: the bytes that the documents print. */
async function post(
  { url, key }: { readonly url: string; readonly key: string },
  path: string,
  body: object,
) {
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

t.test("the documented code 824759 is issued as Code 82****, and shown once", async (t) => {
  const rig = await startSiteApi(t);
  const user = await addUser(rig);
  const request = { acs_user_id: user.acs_user_id, access_method: "code", code: "824759" };
  const { status, body } = await post(rig, "/acs/credentials/create", request);
  t.equal(status, 200);
  t.equal(body.ok, true);
  const credential = acsCredential.parse(body.acs_credential);
  t.match(credential, {
    acs_user_id: user.acs_user_id,
    acs_system_id: rig.apiSite.identity.systemId,
    display_name: "Code 82****",
    code: "824759",
    access_method: "code",
    is_issued: true,
    is_managed: true,
    is_multi_phone_sync_credential: false,
  });
  t.strictSame([credential.errors, credential.warnings], [[], []]);
  const which = { acs_credential_id: credential.acs_credential_id };
  for (const path of ["get", "list", "update"] as const) {
    const later = await post(rig, `/acs/credentials/${path}`, path === "list" ? {} : which);
    const [again] = later.body.acs_credentials ?? [later.body.acs_credential];
    t.equal(again.code, null, path);
    t.equal(again.display_name, "Code 82****");
    t.notMatch(JSON.stringify(later.body), /824759/);
  }
  t.notMatch(rig.log.text, /824759/);
});

t.test("the documented card 123456 is issued as Card 123***", async (t) => {
  const rig = await startSiteApi(t);
  const user = await addUser(rig);
  for (const [field, number, shown] of [
    ["code", "123456", "Card 123***"],
    ["card_number", "654321", "Card 654***"],
  ] as const) {
    const { status, body } = await post(rig, "/acs/credentials/create", {
      acs_user_id: user.acs_user_id,
      access_method: "card",
      [field]: number,
    });
    t.equal(status, 200);
    const credential = acsCredential.parse(body.acs_credential);
    t.match(credential, {
      display_name: shown,
      access_method: "card",
      card_number: number,
      code: field === "code" ? number : null,
      is_issued: true,
    });
    t.strictSame([credential.errors, credential.warnings], [[], []]);
  }
  const [row] = await rig.store.rows
    .selectFrom("passes")
    .select(["kind", "cardFormat", "cardFields", "raw"])
    .where("displayName", "=", "Card 123***")
    .execute();
  // 37 bits: even parity over the first half, 35 bits of 123456, odd parity over the second.
  t.strictSame(row, {
    kind: "csn_card",
    cardFormat: "H10302",
    cardFields: '{"number":123456}',
    raw: "37:000003c481",
  });
});

t.test("the documented multi-phone key keeps its dates and its brand's metadata", async (t) => {
  const rig = await startSiteApi(t);
  const user = await addUser(rig);
  const metadata = {
    cardFormat: "TLCode",
    card_format: "TLCode",
    card_function_type: "guest",
    joiner_acs_credential_ids: [],
    more: { nested: [1, "two", null] },
  };
  const { status, body } = await post(rig, "/acs/credentials/create", {
    acs_user_id: user.acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
    starts_at: new Date(now + day).toISOString(),
    ends_at: new Date(now + 3 * day).toISOString(),
    visionline_metadata: metadata,
  });
  t.equal(status, 200);
  const credential = acsCredential.parse(body.acs_credential);
  t.match(credential, {
    display_name: "Multi Phone Sync Credential",
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
    starts_at: "2027-01-16T08:00:00.000Z",
    ends_at: "2027-01-18T08:00:00.000Z",
  });
  t.equal(credential.code, null);
  t.strictSame([credential.errors, credential.warnings], [[], []]);
  t.strictSame(body.acs_credential.visionline_metadata, metadata);
  const which = { acs_credential_id: credential.acs_credential_id };
  const again = await post(rig, "/acs/credentials/get", which);
  t.strictSame(again.body.acs_credential.visionline_metadata, metadata);
});
