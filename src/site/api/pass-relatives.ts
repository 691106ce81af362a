import { byIds } from "../store/by-ids.ts";
import type { PassRow, UserRow } from "../store/store-schema.ts";
import type { Rows } from "./acs/find-rows.ts";

/** Whose passes are, and of phones what they belong to: each by its id. */
export interface PassRelatives {
  readonly owners: ReadonlyMap<string, Pick<UserRow, "id" | "uuid" | "name" | "revision">>;
  readonly parents: ReadonlyMap<string, Pick<PassRow, "id" | "uuid" | "revision">>;
}

export async function relativesOf(rows: Rows, passes: readonly PassRow[]): Promise<PassRelatives> {
  const owners = await byIds(
    passes.flatMap(({ userId }) => userId ?? []),
    async (part) =>
      rows
        .selectFrom("users")
        .select(["id", "uuid", "name", "revision"])
        .where("id", "in", part)
        .execute(),
  );
  const parents = await byIds(
    passes.flatMap(({ parentId }) => parentId ?? []),
    async (part) =>
      rows
        .selectFrom("passes")
        .select(["id", "uuid", "revision"])
        .where("id", "in", part)
        .execute(),
  );
  return {
    owners: new Map(owners.map((owner) => [owner.id, owner])),
    parents: new Map(parents.map((parent) => [parent.id, parent])),
  };
}
