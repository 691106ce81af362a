import type { ZoneRecord } from "../../domain/access.ts";
import type { DoorId, ZoneId } from "../../domain/ids.ts";
import { TableFault } from "./table-fault.ts";

/** For each zone its doors and those of the zones within it, however deep; a door may be there twice. */
export function zoneDoors(zones: readonly ZoneRecord[]): ReadonlyMap<ZoneId, readonly DoorId[]> {
  const records = new Map(zones.map((zone) => [zone.id, zone]));
  if (records.size < zones.length) throw new TableFault("the table has a zone twice");
  const doors = new Map(zones.map(({ id }): [ZoneId, DoorId[]] => [id, []]));
  for (const zone of zones) {
    let around: ZoneRecord | undefined = zone;
    // No way upwards is longer than there are zones, unless it leads round.
    for (let steps = 0; around !== undefined; steps += 1) {
      if (steps === zones.length) throw new TableFault(`zone ${zone.id} lies in itself`);
      doors.get(around.id)?.push(...zone.doors);
      const { parent }: ZoneRecord = around;
      around = parent === undefined ? undefined : records.get(parent);
      if (parent !== undefined && around === undefined) {
        throw new TableFault(`the table refers to zone ${parent}, which it lacks`);
      }
    }
  }
  return doors;
}
