import type { AccessTable } from "../core/access-table/access-table.ts";
import type { TableDelta } from "../domain/table-change.ts";
import { describeMark } from "../protocols/sync/table-order.ts";

/** One after the other. The fault of the first that does not apply; those before it were. */
export function applyDeltas(table: AccessTable, deltas: readonly TableDelta[]): string | undefined {
  for (const delta of deltas) {
    const applied = table.apply(delta);
    if (!applied.ok) return `${describeMark(delta.to)} does not apply: ${applied.fault}`;
  }
  return undefined;
}
