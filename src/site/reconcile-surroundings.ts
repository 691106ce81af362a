import type { FileReconciliation } from "./file-reconciliation.ts";
import { zoneFact } from "./model-rows.ts";
import { nameUuid } from "./name-uuid.ts";
import type { FileSurroundingRow } from "./site-file-rows.ts";
import { putRows } from "./store/put-rows.ts";
import type { SurroundingRow } from "./store/store-schema.ts";

const keyOf = ({ kind, id }: Pick<SurroundingRow, "kind" | "id">): string => `${kind} ${id}`;

/**
 * Doors, zones, areas, schedules, the calendar and card formats as the file has them. Answers with
 * what is there no longer.
 */
export async function reconcileSurroundings(
  reconciliation: FileReconciliation,
): Promise<readonly SurroundingRow[]> {
  const { change, wanted } = reconciliation;
  const { rows } = change;
  const all = await rows.selectFrom("surroundings").selectAll().execute();
  const known = new Map(all.map((row) => [keyOf(row), row]));
  const named = new Set(wanted.surroundings.map(keyOf));
  const gone = all.filter((row) => row.origin === "file" && !named.has(keyOf(row)));
  for (const { kind, id, uuid } of gone) {
    await rows.deleteFrom("surroundings").where("kind", "=", kind).where("id", "=", id).execute();
    reconciliation.did("delete", kind, id);
    if (kind === "door") reconciliation.tell({ type: "acs_entrance.removed", entrance: uuid });
  }
  const made: SurroundingRow[] = [];
  for (const row of wanted.surroundings) {
    const before = known.get(keyOf(row));
    if (before === undefined) {
      const after = newRow(reconciliation, row);
      made.push(after);
      reconciliation.did("create", row.kind, row.id);
      if (row.kind === "door") {
        reconciliation.tell({ type: "acs_entrance.added", entrance: after.uuid });
      }
    } else if (!isSame(row, before)) {
      const { kind, id, ...said } = row;
      await rows
        .updateTable("surroundings")
        .set({ ...said, origin: "file" })
        .where("kind", "=", kind)
        .where("id", "=", id)
        .execute();
      reconciliation.did("update", kind, id);
    }
  }
  await putRows(rows, "surroundings", made);
  const zone = { key: zoneFact, value: wanted.zone };
  await rows
    .insertInto("facts")
    .values(zone)
    .onConflict((conflict) => conflict.column("key").doUpdateSet(zone))
    .execute();
  // Also where nothing is different, so that every controller's table is looked at.
  change.touch.surroundings();
  return gone;
}

function newRow({ site, change }: FileReconciliation, row: FileSurroundingRow): SurroundingRow {
  const uuid = nameUuid(site, row.kind, row.id);
  return { ...row, uuid, origin: "file", createdAt: change.at };
}

function isSame(row: FileSurroundingRow, before: SurroundingRow): boolean {
  const { name, body, position } = before;
  return (
    before.origin === "file" && name === row.name && body === row.body && position === row.position
  );
}
