import type { AreaRecord, DoorSettings } from "../../domain/access.ts";
import type { AreaId } from "../../domain/ids.ts";
import { TableFault } from "./table-fault.ts";

/** One way through a door with an area on either side. Absent: that side is outside of every area. */
export interface Crossing {
  readonly from?: AreaRecord;
  readonly to?: AreaRecord;
}

/** Both ways through one door. */
export interface Crossings {
  readonly entering: Crossing;
  readonly leaving: Crossing;
}

/**
 * Undefined where no area of this door has a rule that depends on who is where, so that the doors of
 * most sites ask nobody's whereabouts and record none.
 */
export function crossingsOf(
  { inside, outside }: Pick<DoorSettings, "inside" | "outside">,
  areas: ReadonlyMap<AreaId, AreaRecord>,
): Crossings | undefined {
  const within = inside && areaOf(inside, areas);
  const without = outside && areaOf(outside, areas);
  if (!hasRules(within) && !hasRules(without)) return undefined;
  return { entering: crossing(without, within), leaving: crossing(within, without) };
}

function areaOf(id: AreaId, areas: ReadonlyMap<AreaId, AreaRecord>): AreaRecord {
  const area = areas.get(id);
  if (area === undefined) throw new TableFault(`the table refers to area ${id}, which it lacks`);
  return area;
}

function hasRules(area: AreaRecord | undefined): boolean {
  if (area === undefined) return false;
  const { passback, occupancyMax, managerIn } = area;
  return passback !== "none" || occupancyMax !== undefined || managerIn === "required";
}

function crossing(from: AreaRecord | undefined, to: AreaRecord | undefined): Crossing {
  return { ...(from && { from }), ...(to && { to }) };
}
