import type { Kysely } from "kysely";
import type { StoreRecord } from "./site-store.ts";
import type { NoticeRow, StoreSchema } from "./store-schema.ts";

/** One that is to be kept. */
export interface NewNotice extends Omit<NoticeRow, "position" | "at"> {
  /** UUIDs of what it is of. */
  readonly subjects: readonly string[];
}

/** How long notices are kept, delivered or not, and how many at most. */
export interface NoticeLimits {
  readonly keptMs: number;
  readonly countMax: number;
}

export const noticeLimits: NoticeLimits = {
  // Longer than the last attempt to deliver one is away, and than Seam shows them for.
  keptMs: 31 * 86_400_000,
  countMax: 1_000_000,
};

/** Rows of one statement. */
const rowsMax = 500;
/** Whoever adds takes away at least as many, until none is too old. */
const prunedMin = 100;

/**
 * Keeps those whose id is new, and puts each into the queues of the webhooks that want its type; old
 * ones go. Answers how many were new.
 */
export async function addNotices(
  record: StoreRecord,
  notices: readonly NewNotice[],
  limits: NoticeLimits = noticeLimits,
): Promise<number> {
  let count = 0;
  for (let from = 0; from < notices.length; from += rowsMax) {
    count += await addSome(record, notices.slice(from, from + rowsMax));
  }
  if (count > 0) await prune(record, Math.max(prunedMin, 2 * count), limits);
  return count;
}

async function addSome({ rows, at }: StoreRecord, notices: readonly NewNotice[]): Promise<number> {
  const added = await rows
    .insertInto("notices")
    .values(notices.map(({ id, type, body }) => ({ id, type, at, body })))
    .onConflict((isThere) => isThere.column("id").doNothing())
    .returning(["id", "position"])
    .execute();
  if (added.length === 0) return 0;
  const positions = new Map(added.map(({ id, position }) => [id, position]));
  const fresh = notices.flatMap(({ id, type, subjects }) => {
    const position = positions.get(id);
    // One that is twice in a batch was added once.
    positions.delete(id);
    return position === undefined ? [] : [{ position, type, subjects }];
  });
  const subjects = fresh.flatMap(({ position, type, subjects: of }) =>
    [...new Set(of)].map((subject) => ({ subject, type, at, position })),
  );
  for (let from = 0; from < subjects.length; from += rowsMax) {
    const part = subjects.slice(from, from + rowsMax);
    await rows.insertInto("noticeSubjects").values(part).execute();
  }
  await queue({ rows, at }, fresh);
  return fresh.length;
}

type FreshNotice = Pick<NoticeRow, "type"> & { readonly position: number };

async function queue(
  { rows, at }: Pick<StoreRecord, "rows" | "at">,
  fresh: readonly FreshNotice[],
): Promise<void> {
  const webhooks = await rows.selectFrom("webhooks").select(["id", "eventTypes"]).execute();
  for (const { id, eventTypes } of webhooks) {
    const types = eventTypes === null ? ["*"] : (JSON.parse(eventTypes) as readonly string[]);
    const wanted = fresh.filter(({ type }) => types.includes(type) || types.includes("*"));
    if (wanted.length === 0) continue;
    const deliveries = wanted.map(({ position }) => ({
      webhookId: id,
      position,
      attempts: 0,
      nextAt: at,
      outcome: "pending" as const,
      triedAt: null,
      detail: null,
    }));
    await rows.insertInto("webhookDeliveries").values(deliveries).execute();
  }
}

/** The oldest first, and so many at most: a long list of old ones must not hold a change up. */
async function prune(
  { rows, at }: StoreRecord,
  count: number,
  { keptMs, countMax }: NoticeLimits,
): Promise<void> {
  const newest = await rows
    .selectFrom("notices")
    .select("position")
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  const oldest = await rows
    .selectFrom("notices")
    .select(["position", "at"])
    .orderBy("position")
    .limit(count)
    .execute();
  const last = (newest?.position ?? 0) - countMax;
  const isOld = (notice: NoticePlace) => notice.position <= last || at - notice.at > keptMs;
  const old = oldest.filter(isOld).map(({ position }) => position);
  for (let from = 0; from < old.length; from += rowsMax) {
    const part = old.slice(from, from + rowsMax);
    await rows.deleteFrom("notices").where("position", "in", part).execute();
  }
}

export interface NoticeQuery {
  readonly types: readonly string[];
  /** UUIDs, of each of which it must be; the one with fewest notices first. */
  readonly subjects: readonly string[];
  readonly ids?: readonly string[];
  /** Made at or after this. */
  readonly since?: number;
  /** Made before this. */
  readonly until?: number;
  readonly limit: number;
  /** So many of the newest are left out. */
  readonly offset: number;
}

interface NoticePlace {
  readonly position: number;
  readonly at: number;
}

export type FoundNotice = NoticePlace & Pick<NoticeRow, "body">;

function newestFirst(one: NoticePlace, other: NoticePlace): number {
  return one.at === other.at ? other.position - one.position : other.at - one.at;
}

/**
 * The newest first. Each type is looked up by itself, in an index that has them in order: the
 * newest of several types, in any other order, would be sorted out of all that there are.
 */
export async function listNotices(
  rows: Kysely<StoreSchema>,
  query: NoticeQuery,
): Promise<readonly FoundNotice[]> {
  const found: NoticePlace[] = [];
  for (const type of query.types) found.push(...(await newestOfType(rows, type, query)));
  const page = found
    .toSorted(newestFirst)
    .slice(query.offset, query.offset + query.limit)
    .map(({ position }) => position);
  const notices: FoundNotice[] = [];
  for (let from = 0; from < page.length; from += rowsMax) {
    const part = page.slice(from, from + rowsMax);
    const some = rows.selectFrom("notices").select(["position", "at", "body"]);
    notices.push(...(await some.where("position", "in", part).execute()));
  }
  return notices.toSorted(newestFirst);
}

async function newestOfType(
  rows: Kysely<StoreSchema>,
  type: string,
  { subjects: [subject, ...others], ids, since, until, limit, offset }: NoticeQuery,
): Promise<readonly NoticePlace[]> {
  let query =
    subject === undefined
      ? rows.selectFrom("notices as n").where("n.type", "=", type)
      : rows
          .selectFrom("noticeSubjects as n")
          .where("n.subject", "=", subject)
          .where("n.type", "=", type);
  for (const other of others) {
    query = query.where((row) =>
      row.exists(
        row
          .selectFrom("noticeSubjects as other")
          .select("other.position")
          .where("other.subject", "=", other)
          .where("other.type", "=", type)
          .whereRef("other.at", "=", "n.at")
          .whereRef("other.position", "=", "n.position"),
      ),
    );
  }
  if (ids !== undefined) {
    query = query.where("n.position", "in", (row) =>
      row.selectFrom("notices").select("position").where("id", "in", ids),
    );
  }
  if (since !== undefined) query = query.where("n.at", ">=", since);
  if (until !== undefined) query = query.where("n.at", "<", until);
  return await query
    .select(["n.position", "n.at"])
    .orderBy("n.at", "desc")
    .orderBy("n.position", "desc")
    .limit(limit + offset)
    .execute();
}

export async function findNotice(
  rows: Kysely<StoreSchema>,
  id: string,
): Promise<Pick<NoticeRow, "body" | "type"> | undefined> {
  return await rows
    .selectFrom("notices")
    .select(["body", "type"])
    .where("id", "=", id)
    .executeTakeFirst();
}
