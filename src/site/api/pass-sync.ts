import { passId } from "../../domain/ids.ts";
import type { PassSync } from "../site-engine.ts";
import { byIds } from "../store/by-ids.ts";
import type { PassRow } from "../store/store-schema.ts";
import type { Rows } from "./acs/find-rows.ts";
import type { ApiSite } from "./api-site.ts";

type SyncState = PassSync["state"];

type Judged = Pick<PassRow, "id" | "userId" | "parentId" | "revision">;

/** The further down, the more there is to be said of it. */
const gravity: readonly SyncState[] = ["synced", "updating", "failed"];

/**
 * How far the doors are with each of these passes, by its id (behaviour 19). Whose it is, and what a phone
 * belongs to, say with it what the doors are to know. A pass for phones is in no table itself: it is as
 * far as the phone that is furthest behind.
 */
export async function syncOfPasses(
  { issuer }: ApiSite,
  rows: Rows,
  passes: readonly PassRow[],
): Promise<ReadonlyMap<string, SyncState>> {
  const ids = (of: readonly (string | null)[]) => of.flatMap((id) => id ?? []);
  const forPhones = passes.flatMap(({ id, isMultiPhone }) => (isMultiPhone === 1 ? id : []));
  const phones: readonly Judged[] = await byIds(forPhones, async (part) =>
    rows
      .selectFrom("passes")
      .select(["id", "userId", "parentId", "revision"])
      .where("parentId", "in", part)
      .execute(),
  );
  const judged: readonly Judged[] = [...passes, ...phones];
  const users = await byIds(ids(judged.map(({ userId }) => userId)), async (part) =>
    rows.selectFrom("users").select(["id", "revision"]).where("id", "in", part).execute(),
  );
  const parents = await byIds(ids(judged.map(({ parentId }) => parentId)), async (part) =>
    rows.selectFrom("passes").select(["id", "revision"]).where("id", "in", part).execute(),
  );
  const userRevisions = new Map(users.map(({ id, revision }) => [id, revision]));
  const parentRevisions = new Map(parents.map(({ id, revision }) => [id, revision]));
  const synced = await issuer.engine.syncOf(
    judged.map(({ id, userId, parentId, revision }) => ({
      pass: passId(id),
      revision: Math.max(
        revision,
        userRevisions.get(userId ?? "") ?? 0,
        parentRevisions.get(parentId ?? "") ?? 0,
      ),
    })),
  );
  const states = new Map<string, SyncState>(synced.map(({ pass, state }) => [pass, state]));
  for (const { id, parentId } of phones) {
    const phone = states.get(id) ?? "updating";
    const parent = states.get(parentId ?? "") ?? "synced";
    if (gravity.indexOf(phone) > gravity.indexOf(parent)) states.set(parentId ?? "", phone);
  }
  return states;
}
