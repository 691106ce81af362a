import { ruleId, userId } from "../domain/ids.ts";
import type { FileReconciliation } from "./file-reconciliation.ts";
import { siteDoorOf, siteRuleOf, siteZoneOf } from "./model-rows.ts";
import type { RuleRow, SurroundingRow } from "./store/store-schema.ts";

/**
 * What the API made is without the doors and zones that are there no longer. A schedule cannot just
 * be left out, for then a door would be open at all times; neither can an area: `checkTogether`.
 */
export async function reconcileReferences(
  reconciliation: FileReconciliation,
  gone: readonly SurroundingRow[],
): Promise<void> {
  if (gone.length === 0) return;
  const names = {
    door: idsOf(gone, "door"),
    zone: idsOf(gone, "zone"),
    schedule: idsOf(gone, "schedule"),
  };
  const { rows } = reconciliation.change;
  const rules = await rows.selectFrom("rules").selectAll().where("origin", "=", "api").execute();
  for (const row of rules) await reconcileRule(reconciliation, row, names);
  const others = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("origin", "=", "api")
    .execute();
  for (const row of others) await reconcileSurrounding(reconciliation, row, names);
}

type GoneNames = Readonly<Record<"door" | "zone" | "schedule", ReadonlySet<string>>>;

const idsOf = (gone: readonly SurroundingRow[], kind: SurroundingRow["kind"]) =>
  new Set(gone.flatMap((row) => (row.kind === kind ? row.id : [])));

async function reconcileRule(
  reconciliation: FileReconciliation,
  row: RuleRow,
  gone: GoneNames,
): Promise<void> {
  const { rows, touch } = reconciliation.change;
  if (row.grantedDoor !== null && gone.door.has(row.grantedDoor)) {
    const members = await rows
      .deleteFrom("ruleUsers")
      .where("ruleId", "=", row.id)
      .returning("userId")
      .execute();
    for (const member of members) touch.member(ruleId(row.id), userId(member.userId));
    await rows.deleteFrom("rules").where("id", "=", row.id).execute();
    touch.rule(ruleId(row.id));
    reconciliation.did("delete", "rule", row.id);
    return;
  }
  if (row.schedule !== null && gone.schedule.has(row.schedule)) {
    refuse(reconciliation, `schedule ${row.schedule}`, `rule ${row.id}`);
  }
  const { doors, zones } = siteRuleOf(row);
  const left = {
    doors: doors.filter((door) => !gone.door.has(door)),
    zones: zones.filter((zone) => !gone.zone.has(zone)),
  };
  if (left.doors.length === doors.length && left.zones.length === zones.length) return;
  await rows
    .updateTable("rules")
    .set({ doors: JSON.stringify(left.doors), zones: JSON.stringify(left.zones) })
    .where("id", "=", row.id)
    .execute();
  touch.rule(ruleId(row.id));
  reconciliation.did("update", "rule", row.id);
}

async function reconcileSurrounding(
  reconciliation: FileReconciliation,
  row: SurroundingRow,
  gone: GoneNames,
): Promise<void> {
  const { kind, id } = row;
  if (kind !== "zone" && kind !== "door") return;
  const body = kind === "zone" ? zoneBody(row, gone) : doorBody(row, gone);
  if (body === undefined) return;
  const { rows } = reconciliation.change;
  await rows
    .updateTable("surroundings")
    .set({ body })
    .where("kind", "=", kind)
    .where("id", "=", id)
    .execute();
  reconciliation.did("update", kind, id);
}

/** Undefined: it names nothing that is gone. */
function zoneBody(row: SurroundingRow, gone: GoneNames): string | undefined {
  const { parent, doors, ...zone } = siteZoneOf(row);
  const left = doors.filter((door) => !gone.door.has(door));
  const isOrphan = parent !== undefined && gone.zone.has(parent);
  if (left.length === doors.length && !isOrphan) return undefined;
  const above = parent !== undefined && !isOrphan ? { parent } : {};
  return JSON.stringify({ ...zone, ...above, doors: left });
}

function doorBody(row: SurroundingRow, gone: GoneNames): string | undefined {
  const door = siteDoorOf(row);
  const interlock = door.interlock.filter((other) => !gone.door.has(other));
  if (interlock.length === door.interlock.length) return undefined;
  return JSON.stringify({ ...door, interlock });
}

function refuse({ conflicts }: FileReconciliation, key: string, user: string): void {
  const found = `${user}, made apart from the file, which goes by it`;
  conflicts.push({ key, expected: "it to be in the file, or nothing to go by it", found });
}
