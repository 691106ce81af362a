import { schemas } from "@seamapi/types/connect";
import t, { type Test } from "tap";
import { listenHttp } from "../../../../src/compose/http-listener.ts";
import { isPublicAddress } from "../../../../src/compose/public-address.ts";
import { createApiApp } from "../../../../src/site/api/api-app.ts";
import { apiKeyCheck } from "../../../../src/site/api/api-key-check.ts";
import { noticeRoutes } from "../../../../src/site/api/notice-routes.ts";
import { openApiKey } from "../../../../src/site/api-key.ts";
import { EventStream } from "../../../../src/site/event-stream.ts";
import type { Notice } from "../../../../src/site/notice.ts";
import { Notices } from "../../../../src/site/notices.ts";
import { openStateFolder } from "../../../../src/site/state-folder.ts";
import { clientOf, startSiteApi, uuid } from "./api-rig.ts";
import { errorOf } from "./rejection.ts";

/** The routes of what the site tells, and somebody who tells it things. */
async function startTelling(t: Test) {
  const rig = await startSiteApi(t);
  const { apiSite, clock, log, store, folder } = rig;
  const stream = new EventStream({ engine: rig.engine, clock, log });
  const keys = apiKeyCheck(openApiKey(openStateFolder(folder)), store.rows);
  const routes = noticeRoutes(apiSite, {
    reach: { allowPrivate: false, isPublicAddress },
    stream,
    isAllowed: async () => true,
  });
  const app = createApiApp({ routes, open: {}, keys, clock, log });
  const listener = await listenHttp({ answer: app.answer, port: 0, variable: "TEST_PORT" });
  t.teardown(async () => {
    stream.close();
    await listener.close();
  });
  const notices = new Notices({ identity: apiSite.identity, made: () => undefined });
  const tell = async (...told: readonly Notice[]): Promise<void> => {
    clock.advance(1_000);
    await store.record((record) =>
      notices.add(
        record,
        told.map((notice) => ({ notice })),
      ),
    );
  };
  return { ...rig, tell, url: listener.url, client: clientOf(listener.url, rig.key) };
}

const first = { type: "acs_user.created", user: uuid(1) } as const;
const second = { type: "acs_credential.issued", credential: uuid(2) } as const;
const third = {
  type: "lock.access_denied",
  entrance: uuid(3),
  user: uuid(1),
  reason: "expired",
} as const;

t.test("the official client lists and gets events as its package describes them", async (t) => {
  const { client, tell, apiSite, clock } = await startTelling(t);
  const from = new Date(clock.wall().at).toISOString();
  await tell(first, second);
  await tell(third);
  const all = await client.events.list({ since: from });
  const types = (events: readonly { readonly event_type: string }[]) =>
    events.map(({ event_type: type }) => type);
  t.same(types(all), [third.type, second.type, first.type], "the newest first");
  for (const event of all) t.ok(schemas.seam_event.safeParse(event).success, event.event_type);
  t.same(types(await client.events.list({ acs_user_id: uuid(1) })), [third.type, first.type]);
  t.same(types(await client.events.list({ acs_entrance_id: uuid(3), acs_user_id: uuid(1) })), [
    third.type,
  ]);
  t.same(types(await client.events.list({ acs_entrance_id: uuid(3), acs_user_id: uuid(9) })), []);
  t.same(types(await client.events.list({ event_type: "acs_user.created" })), [first.type]);
  const two = ["acs_credential.issued", "lock.unlocked"] as const;
  t.same(types(await client.events.list({ event_types: [...two] })), [second.type]);
  const [newest] = all;
  const last = newest?.created_at ?? "";
  t.same(types(await client.events.list({ since: last })), [third.type]);
  t.same(types(await client.events.list({ between: [from, last] })), [second.type, first.type]);
  t.same(types(await client.events.list({ since: from, limit: 1, unstable_offset: 1 })), [
    second.type,
  ]);
  t.same(types(await client.events.list({ event_ids: [newest?.event_id ?? ""] })), [third.type]);
  t.same(await client.events.list({ acs_system_id: uuid(7) }), []);
  t.equal((await client.events.list({ acs_system_id: apiSite.identity.systemId })).length, 3);
  t.same(await client.events.list({ device_id: uuid(7) }), []);
  t.same(await client.events.get({ event_id: newest?.event_id ?? "" }), newest);
  t.match(await client.events.get({ event_type: "acs_user.created" }), { acs_user_id: uuid(1) });
  t.match(await errorOf(client.events.get({ event_id: uuid(8) })), { statusCode: 404 });
  t.match(await errorOf(client.events.list({ since: "yesterday" })), { statusCode: 400 });
});

t.test("the official client makes, shows, changes and deletes webhooks", async (t) => {
  const { client, tell, store, log, url, key, addKey } = await startTelling(t);
  const made = await client.webhooks.create({ url: "https://hook.example/a" });
  t.ok(schemas.webhook.strict().safeParse(made).success);
  const { secret = "", ...shown } = made;
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  t.same(await client.webhooks.get({ webhook_id: made.webhook_id }), shown, "the secret, once");
  t.same(await client.webhooks.list(), [shown]);
  await client.webhooks.update({ webhook_id: made.webhook_id, event_types: [first.type] });
  t.match(await client.webhooks.list(), [{ ...shown, event_types: [first.type] }]);
  await tell(first, second);
  const deliveries = `${url}/postern/webhooks/deliveries?webhook_id=${made.webhook_id}`;
  const headers = { authorization: `Bearer ${key}` };
  t.match(await (await fetch(deliveries, { headers })).json(), {
    deliveries: [{ event_type: first.type, outcome: "pending", attempt_count: 0 }],
  });
  await client.webhooks.delete({ webhook_id: made.webhook_id });
  t.same(await client.webhooks.list(), []);
  t.match(await errorOf(client.webhooks.get({ webhook_id: made.webhook_id })), {
    statusCode: 404,
  });
  for (const inside of ["http://hook.example", "https://127.0.0.1/", "https://[::1]", "no"]) {
    t.match(await errorOf(client.webhooks.create({ url: inside })), { statusCode: 400 }, inside);
  }
  const reader = clientOf(url, await addKey("read"));
  t.match(await errorOf(reader.webhooks.list()), { statusCode: 403 });
  const audit = await store.rows.selectFrom("audit").select(["action", "detail"]).execute();
  t.match(audit.map(({ action }) => action).slice(-3), [
    "webhook.create",
    "webhook.update",
    "webhook.delete",
  ]);
  t.notMatch(JSON.stringify(audit) + log.text, secret.slice(6));
});

t.test("a browser that comes back goes on behind the event that it had last", async (t) => {
  const { url, key } = await startTelling(t);
  const headers = { authorization: `Bearer ${key}` };
  const at = `${url}/postern/events/stream`;
  const stop = new AbortController();
  const answer = await fetch(`${at}?after=9`, {
    headers: { ...headers, "last-event-id": "0" },
    signal: stop.signal,
  });
  t.equal(answer.headers.get("content-type"), "text/event-stream");
  stop.abort();
  t.equal((await fetch(`${at}?after=9`, { headers })).status, 409);
  t.equal((await fetch(`${at}?door=a&door=b`, { headers })).status, 400);
  t.equal((await fetch(`${at}?after=x`, { headers })).status, 400);
  t.equal((await fetch(at)).status, 401);
});
