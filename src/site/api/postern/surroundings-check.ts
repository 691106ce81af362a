import { fail, type Result, succeed } from "../../../domain/result.ts";
import {
  calendarDaysMax,
  tableAreasMax,
  tableSchedulesMax,
  tableZonesMax,
} from "../../../protocols/sync/table-content-schema.ts";
import { readFormats } from "../../../protocols/toml/format-table.ts";
import { type KeyPath, valueAt } from "../../../protocols/toml/key-path.ts";
import type { TomlReport } from "../../../protocols/toml/located-toml.ts";
import { standardFormats } from "../../../protocols/wiegand/format.ts";
import { readAreas } from "../../site-file-areas.ts";
import { readCalendar, readSchedules } from "../../site-file-calendar.ts";
import { readDoors, readZones } from "../../site-file-doors.ts";
import type { SiteTables } from "../../site-file-schema.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";

/** Every card is looked up in each of them. */
const formatsMax = 100;

/** What a table would be refused for. Doors are counted for each controller. */
const listMax: { readonly [List in SurroundingList]?: number } = {
  zones: tableZonesMax,
  areas: tableAreasMax,
  schedules: tableSchedulesMax,
  calendar: calendarDaysMax,
  formats: formatsMax,
};

export type SurroundingList = "doors" | "zones" | "areas" | "schedules" | "calendar" | "formats";

interface PathFault {
  readonly path: KeyPath;
  readonly expected: string;
}

/** Collects what the site file's own checks find, which stand in no file here. */
class FaultReport implements TomlReport {
  readonly faults: PathFault[] = [];
  readonly #tables: SiteTables;

  constructor(tables: SiteTables) {
    this.#tables = tables;
  }

  fault(path: KeyPath, expected: string): void {
    this.faults.push({ path, expected: expected.replaceAll(" of this file", " of this site") });
  }

  place(path: KeyPath): string {
    return nameOf(this.#tables, path);
  }

  describe(path: KeyPath): string {
    return JSON.stringify(valueAt(this.#tables, path)) ?? "nothing";
  }
}

/** `door front`: what stands at the path, as people know it. */
function nameOf(tables: SiteTables, [list, index]: KeyPath): string {
  const table = valueAt(tables, [list ?? "", index ?? 0]);
  const named: Readonly<Record<string, unknown>> =
    typeof table === "object" && table !== null ? { ...table } : {};
  const name = Object.entries(named).find(([key]) => ["id", "date", "name"].includes(key))?.[1];
  const noun = String(list).replace(/s$/, "");
  return `${noun} ${String(name)}`;
}

function checkedLists(tables: SiteTables) {
  const report = new FaultReport(tables);
  const records = {
    formats: readFormats(tables.formats, report),
    calendar: readCalendar(tables, report),
    zones: readZones(tables, report),
    areas: readAreas(tables, report),
    doors: readDoors(tables, report),
    schedules: readSchedules(tables, report),
  };
  return { records, faults: report.faults };
}

/** What is not in order on a site as a whole, each with what it is of: `area lobby`. */
export function faultsOfSite(
  tables: SiteTables,
): readonly { readonly key: string; readonly expected: string }[] {
  return checkedLists(tables).faults.map(({ path, expected }) => {
    const field = path.slice(2).join(".");
    return { key: `${nameOf(tables, path)} ${field}`.trim(), expected };
  });
}

/**
 * The records of a list as tables are made from them, if all of the site is in order with it: by the
 * checks of a site file and no others. What is wrong with the table at `index` is told by field; what
 * would be wrong elsewhere because of it is a conflict. `index` undefined: one was taken away.
 */
export function checkedRecords(
  tables: SiteTables,
  list: SurroundingList,
  index: number | undefined,
): Result<readonly object[], ApiFault> {
  const { records, faults } = checkedLists(tables);
  const most = listMax[list];
  if (most !== undefined && tables[list].length > most) {
    return conflict("too_many", `A site has at most ${most} ${list}.`);
  }
  const own = new Map<string, string[]>();
  const others: string[] = [];
  for (const { path, expected } of faults) {
    if (path[0] === list && path[1] === index) {
      const field = path.slice(2).join(".");
      own.set(field, [...(own.get(field) ?? []), `expected ${expected}`]);
    } else {
      const field = path.slice(2).join(".");
      others.push(`${nameOf(tables, path)}: ${field}: expected ${expected}`);
    }
  }
  if (own.size > 0) return fail(inputFault(Object.fromEntries(own)));
  if (others.length > 0) {
    return conflict(
      "in_use",
      `Something else would be wrong by it: ${others.slice(0, 5).join("; ")}.`,
    );
  }
  return succeed(records[list].slice(list === "formats" ? standardFormats.length : 0));
}
