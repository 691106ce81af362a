import type { Kysely } from "kysely";
import type { StoreRecord } from "./site-store.ts";
import type { NoticeRow, StoreSchema, WebhookDeliveryRow, WebhookRow } from "./store-schema.ts";

type Rows = Kysely<StoreSchema>;

/** The oldest first. */
export async function listWebhooks(rows: Rows): Promise<readonly WebhookRow[]> {
  return await rows.selectFrom("webhooks").selectAll().orderBy("createdAt").orderBy("id").execute();
}

export async function findWebhook(rows: Rows, id: string): Promise<WebhookRow | undefined> {
  return await rows.selectFrom("webhooks").selectAll().where("id", "=", id).executeTakeFirst();
}

/** What is due at one webhook, with all that is needed to send it. */
export interface DueDelivery {
  readonly webhookId: string;
  readonly position: number;
  readonly attempts: number;
  readonly url: string;
  readonly secret: string;
  readonly noticeId: string;
  readonly body: NoticeRow["body"];
}

export interface DueMoment {
  readonly now: number;
  /** Nothing is put off for longer: what is due later than that from now is due, its clock was wrong. */
  readonly putOffMsMax: number;
}

/** What has been due for longest of what this webhook waits for. */
export async function dueDelivery(
  rows: Rows,
  webhookId: string,
  { now, putOffMsMax }: DueMoment,
): Promise<DueDelivery | undefined> {
  const pending = rows
    .selectFrom("webhookDeliveries as d")
    .innerJoin("webhooks as w", "w.id", "d.webhookId")
    .innerJoin("notices as n", "n.position", "d.position")
    .select([
      "d.webhookId",
      "d.position",
      "d.attempts",
      "w.url",
      "w.secret",
      "n.id as noticeId",
      "n.body",
    ])
    .where("d.webhookId", "=", webhookId)
    .where("d.outcome", "=", "pending")
    .orderBy("d.nextAt")
    .orderBy("d.position")
    .limit(1);
  const due = await pending.where("d.nextAt", "<=", now).executeTakeFirst();
  return due ?? (await pending.where("d.nextAt", ">", now + putOffMsMax).executeTakeFirst());
}

/** When the next is due of what this webhook waits for. */
export async function nextDueAt(rows: Rows, webhookId: string): Promise<number | undefined> {
  const next = await rows
    .selectFrom("webhookDeliveries")
    .select("nextAt")
    .where("webhookId", "=", webhookId)
    .where("outcome", "=", "pending")
    .orderBy("nextAt")
    .limit(1)
    .executeTakeFirst();
  return next?.nextAt ?? undefined;
}

export type Attempted = Pick<WebhookDeliveryRow, "outcome" | "detail" | "nextAt">;

/** After an attempt. A webhook that is gone by now has none to write down. */
export async function writeAttempt(
  { rows, at }: StoreRecord,
  { webhookId, position, attempts }: Pick<DueDelivery, "webhookId" | "position" | "attempts">,
  attempted: Attempted,
): Promise<void> {
  await rows
    .updateTable("webhookDeliveries")
    .set({ ...attempted, attempts: attempts + 1, triedAt: at })
    .where("webhookId", "=", webhookId)
    .where("position", "=", position)
    .execute();
}

/** Gives the oldest up where more than `countMax` wait for one webhook; answers how many. */
export async function giveUpOldest(
  { rows }: Pick<StoreRecord, "rows">,
  webhookId: string,
  countMax: number,
): Promise<number> {
  const newestLeft = await rows
    .selectFrom("webhookDeliveries")
    .select("position")
    .where("webhookId", "=", webhookId)
    .where("outcome", "=", "pending")
    .orderBy("position", "desc")
    .offset(countMax)
    .limit(1)
    .executeTakeFirst();
  if (newestLeft === undefined) return 0;
  const { numUpdatedRows } = await rows
    .updateTable("webhookDeliveries")
    .set({ outcome: "failed", detail: "too_many_waiting", nextAt: null })
    .where("webhookId", "=", webhookId)
    .where("outcome", "=", "pending")
    .where("position", "<=", newestLeft.position)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

export interface DeliveryQuery {
  readonly webhookId: string;
  readonly outcome?: WebhookDeliveryRow["outcome"];
  /** Positions below this. */
  readonly before?: number;
  readonly limit: number;
}

export type FoundDelivery = Omit<WebhookDeliveryRow, "webhookId"> &
  Pick<NoticeRow, "id" | "type" | "at">;

/** The newest notice first. */
export async function listDeliveries(
  rows: Rows,
  { webhookId, outcome, before, limit }: DeliveryQuery,
): Promise<readonly FoundDelivery[]> {
  let query = rows
    .selectFrom("webhookDeliveries as d")
    .innerJoin("notices as n", "n.position", "d.position")
    .select([
      "d.position",
      "d.attempts",
      "d.nextAt",
      "d.outcome",
      "d.triedAt",
      "d.detail",
      "n.id",
      "n.type",
      "n.at",
    ])
    .where("d.webhookId", "=", webhookId);
  if (outcome !== undefined) query = query.where("d.outcome", "=", outcome);
  if (before !== undefined) query = query.where("d.position", "<", before);
  return await query.orderBy("d.position", "desc").limit(limit).execute();
}
