import type { AreaRecord } from "../domain/access.ts";
import { areaId } from "../domain/ids.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import type { AreaTable, DoorTable, SiteTables } from "./site-file-schema.ts";

/** Counting, or remembering who is inside: what one controller alone cannot do for two. */
export const hasRules = ({
  passback,
  occupancy_max: occupancyMax,
  manager_in: managerIn,
}: AreaTable): boolean =>
  passback !== "none" || occupancyMax !== undefined || managerIn === "required";

export function readAreas(
  { areas, users, doors }: SiteTables,
  report: TomlReport,
): readonly AreaRecord[] {
  const hasManager = users.some(
    ({ traits, suspended }) => traits.includes("manager") && !suspended,
  );
  return areas.map((area, index) => {
    const { id, passback, passback_ms: passbackMs, occupancy_max: occupancyMax } = area;
    const path = ["areas", index];
    if (passback === "timed" && passbackMs === undefined) {
      report.fault([...path, "passback_ms"], 'a time, as passback is "timed"');
    }
    if (passback === "none" && passbackMs !== undefined) {
      report.fault([...path, "passback_ms"], 'no time, as passback is "none"');
    }
    if (area.manager_in === "required" && !hasManager) {
      const expected =
        '"required" only where a user who is not suspended has the trait "manager": ' +
        "nobody could enter";
      report.fault([...path, "manager_in"], expected);
    }
    if (hasRules(area)) checkDoors(area, path, { doors, report });
    return {
      id: areaId(id),
      passback,
      ...(passbackMs !== undefined && { passbackMs }),
      ...(occupancyMax !== undefined && { occupancyMax }),
      managerIn: area.manager_in,
    };
  });
}

/** Whoever came in must be able to be recorded as gone, or sooner or later nobody comes in. */
function checkDoors(
  area: AreaTable,
  path: KeyPath,
  { doors, report }: { readonly doors: readonly DoorTable[]; readonly report: TomlReport },
): void {
  const { id, passback, passback_ms: passbackMs, occupancy_max: occupancyMax } = area;
  if (!doors.some(({ inside, outside }) => inside === id || outside === id)) {
    const expected = "an area that a door has as its inside or outside, as this one has rules";
    report.fault([...path, "id"], expected);
    return;
  }
  if (doors.some((door) => leadsOut(door, id))) return;
  const into = doors.filter(({ inside }) => inside === id).map((door) => door.id);
  const exits = into.length === 0 ? "" : `exit_readers at ${into.join(" or ")}, or `;
  const way = `a way out that is recorded: ${exits}a door that has it as outside`;
  if (passback === "hard" && passbackMs === undefined) {
    report.fault([...path, "passback"], `"hard" only with passback_ms, or with ${way}`);
  }
  if (occupancyMax !== undefined) {
    report.fault([...path, "occupancy_max"], `no limit without ${way}`);
  }
}

function leadsOut(door: DoorTable, area: string): boolean {
  if (door.inside === area) return door.exit_readers.length > 0;
  // Its readers may be named by its controller's board alone.
  const hasEntry =
    door.readers.length === 0 || door.readers.some((id) => !door.exit_readers.includes(id));
  return door.outside === area && hasEntry;
}
