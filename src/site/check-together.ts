import { siteTables } from "./api/postern/surrounding-tables.ts";
import { faultsOfSite } from "./api/postern/surroundings-check.ts";
import type { FileReconciliation } from "./file-reconciliation.ts";

/**
 * What is in order by itself, in the file and over the API, may not be so together: an area with rules
 * at doors of two controllers, a door whose area the file no longer has. By the checks of a file.
 */
export async function checkTogether({
  change,
  wanted,
  conflicts,
}: FileReconciliation): Promise<void> {
  const { rows } = change;
  const surroundings = await rows
    .selectFrom("surroundings")
    .selectAll()
    .orderBy("kind")
    .orderBy("position")
    .orderBy("id")
    .execute();
  // A file alone was checked when it was read.
  if (surroundings.every(({ origin }) => origin === "file")) return;
  // Of people, the checks ask only whether there is a manager.
  const managers = await rows
    .selectFrom("users")
    .select(["id", "suspended", "traits"])
    .where("traits", "like", '%"manager"%')
    .where("suspended", "=", 0)
    .limit(1)
    .execute();
  for (const { key, expected } of faultsOfSite(siteTables(surroundings, wanted.zone, managers))) {
    conflicts.push({ key, expected, found: "another, together with what was made apart from it" });
  }
}
