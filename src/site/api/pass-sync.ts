import { passId } from "../../domain/ids.ts";
import type { PassSync } from "../site-engine.ts";
import { byIds } from "../store/by-ids.ts";
import type { PassRow } from "../store/store-schema.ts";
import type { Rows } from "./acs/find-rows.ts";
import type { ApiSite } from "./api-site.ts";
import type { PassRelatives } from "./pass-relatives.ts";

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
  relatives: PassRelatives,
): Promise<ReadonlyMap<string, SyncState>> {
  const { owners } = relatives;
  const forPhones = passes.filter(({ isMultiPhone }) => isMultiPhone === 1);
  const phones: readonly Judged[] = await byIds(
    forPhones.map(({ id }) => id),
    async (part) =>
      rows
        .selectFrom("passes")
        .select(["id", "userId", "parentId", "revision"])
        .where("parentId", "in", part)
        .execute(),
  );
  const parents = new Map<string, { readonly revision: number }>([
    ...relatives.parents,
    ...forPhones.map((pass) => [pass.id, pass] as const),
  ]);
  // A phone's owner is that of the pass that it belongs to: they are moved together.
  const synced = await issuer.engine.syncOf(
    [...passes, ...phones].map(({ id, userId, parentId, revision }) => ({
      pass: passId(id),
      revision: Math.max(
        revision,
        owners.get(userId ?? "")?.revision ?? 0,
        parents.get(parentId ?? "")?.revision ?? 0,
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
