import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { fail, succeed } from "../../domain/result.ts";
import type { WebhookRow } from "../store/store-schema.ts";
import { findWebhook, listDeliveries, listWebhooks } from "../store/webhooks.ts";
import { drawWebhookSecret } from "../webhook-signature.ts";
import { parseWebhookUrl, type WebhookReach } from "../webhook-url.ts";
import { conflict, inputFault, notFound } from "./api-fault.ts";
import type { ApiSite } from "./api-site.ts";
import { issue } from "./issue.ts";
import { pageLimit } from "./page.ts";
import { jsonRoute, type Route } from "./route.ts";
import { countUpTo, textOf, uuidText } from "./schema-parts.ts";

/** Each is told of everything, one after another. */
const webhooksMax = 50;

/** Where events are posted to. An administrator's: they lead everything out of the house. */
export function webhookRoutes(site: ApiSite, reach: WebhookReach): readonly Route[] {
  return [
    createRoute(site, reach),
    getRoute(site),
    listRoute(site),
    updateRoute(site),
    deleteRoute(site),
    deliveriesRoute(site),
  ];
}

const whichWebhook = { webhook_id: uuidText };

/** As Seam takes them: any name, also of events that this site never has; `*` for all. */
const eventTypes = v.pipe(
  v.array(textOf(100), "a list of types"),
  v.maxLength(200, "at most 200 types"),
);

function webhookJson({ id, url, eventTypes: types }: WebhookRow) {
  return {
    webhook_id: id,
    url,
    ...(types !== null && { event_types: JSON.parse(types) as readonly string[] }),
  };
}

const answer = { key: "webhook", is: "object", of: "webhook" } as const;

function createRoute(site: ApiSite, reach: WebhookReach): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/webhooks/create",
    role: "admin",
    summary: "Creates a webhook. Its secret is in this answer and in no later one.",
    input: v.strictObject({ url: textOf(2_000), event_types: v.exactOptional(eventTypes) }),
    answer,
    handle: async ({ url, event_types: types }, call) => {
      const parsed = parseWebhookUrl(url, reach);
      if (!parsed.ok) return fail(inputFault({ url: [`expected ${parsed.fault}`] }));
      return await issue(site, call, async ({ rows, at, note }) => {
        const all = await listWebhooks(rows);
        if (all.length >= webhooksMax) {
          return conflict("too_many_webhooks", `A site may have ${webhooksMax} webhooks.`);
        }
        const row: WebhookRow = {
          id: randomUUID(),
          url: parsed.value.href,
          secret: drawWebhookSecret(),
          eventTypes: types === undefined ? null : JSON.stringify(types),
          createdAt: at,
        };
        await rows.insertInto("webhooks").values(row).execute();
        note({ action: "webhook.create", subject: { kind: "webhook", id: row.id } });
        return succeed({ webhook: { ...webhookJson(row), secret: row.secret } });
      });
    },
  });
}

function getRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/webhooks/get",
    role: "admin",
    summary: "Gets a webhook, without its secret.",
    input: v.strictObject(whichWebhook),
    answer,
    handle: async ({ webhook_id: id }) => {
      const row = await findWebhook(issuer.store.rows, id);
      return row === undefined ? notFound("webhook") : succeed({ webhook: webhookJson(row) });
    },
  });
}

function listRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/webhooks/list",
    role: "admin",
    summary: "Lists webhooks, without their secrets.",
    input: v.strictObject({}),
    answer: { key: "webhooks", is: "list", of: "webhook" },
    handle: async () => {
      const webhooks = await listWebhooks(issuer.store.rows);
      return succeed({ webhooks: webhooks.map(webhookJson) });
    },
  });
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PUT", "POST"],
    path: "/webhooks/update",
    role: "admin",
    summary: "Changes of which events a webhook is told, from now on.",
    input: v.strictObject({ ...whichWebhook, event_types: eventTypes }),
    handle: async ({ webhook_id: id, event_types: types }, call) =>
      await issue(site, call, async ({ rows, note }) => {
        const { numUpdatedRows } = await rows
          .updateTable("webhooks")
          .set({ eventTypes: JSON.stringify(types) })
          .where("id", "=", id)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return notFound("webhook");
        note({ action: "webhook.update", subject: { kind: "webhook", id } });
        return succeed({});
      }),
  });
}

function deleteRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: "/webhooks/delete",
    role: "admin",
    summary: "Deletes a webhook, and what it was still to be told.",
    input: v.strictObject(whichWebhook),
    handle: async ({ webhook_id: id }, call) =>
      await issue(site, call, async ({ rows, note }) => {
        const { numDeletedRows } = await rows
          .deleteFrom("webhooks")
          .where("id", "=", id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return notFound("webhook");
        note({ action: "webhook.delete", subject: { kind: "webhook", id } });
        return succeed({});
      }),
  });
}

const isoOf = (at: number | null) => (at === null ? null : new Date(at).toISOString());

function deliveriesRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/webhooks/deliveries",
    role: "admin",
    summary: "What became of the events that a webhook was to be told, the newest first.",
    input: v.strictObject({
      ...whichWebhook,
      outcome: v.exactOptional(
        v.picklist(["pending", "delivered", "failed"], "pending, delivered or failed"),
      ),
      before: v.exactOptional(countUpTo(Number.MAX_SAFE_INTEGER)),
      limit: v.exactOptional(countUpTo(pageLimit), pageLimit),
    }),
    answer: { key: "deliveries", is: "list", of: "webhook_delivery" },
    handle: async ({ webhook_id: webhookId, ...query }) => {
      const { rows } = issuer.store;
      if ((await findWebhook(rows, webhookId)) === undefined) return notFound("webhook");
      const deliveries = await listDeliveries(rows, { webhookId, ...query });
      return succeed({
        deliveries: deliveries.map((one) => ({
          /** What a next page begins `before`. */
          position: one.position,
          event_id: one.id,
          event_type: one.type,
          created_at: isoOf(one.at),
          outcome: one.outcome,
          attempt_count: one.attempts,
          last_attempt_at: isoOf(one.triedAt),
          next_attempt_at: isoOf(one.nextAt),
          detail: one.detail,
        })),
      });
    },
  });
}
