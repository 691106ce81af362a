import { siteId, userId } from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import { digestPin } from "../protocols/sync/provision.ts";
import { isZoneName } from "../protocols/sync/zone-name.ts";
import { readFormats } from "../protocols/toml/format-table.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import { readToml, type TomlReport, type TomlSource } from "../protocols/toml/located-toml.ts";
import { reportRepeats } from "../protocols/toml/reference-checks.ts";
import type { TomlFault } from "../protocols/toml/toml-fault.ts";
import { standardFormats, type WiegandFormat } from "../protocols/wiegand/format.ts";
import { readAreas } from "./site-file-areas.ts";
import { readCalendar, readSchedules } from "./site-file-calendar.ts";
import { readDoors, readZones } from "./site-file-doors.ts";
import { type FilePass, readPasses } from "./site-file-passes.ts";
import { readRules } from "./site-file-rules.ts";
import { type SiteTables, siteFileSchema } from "./site-file-schema.ts";
import type { SiteModel, SiteUser } from "./site-model.ts";

/** A site as its file says it. */
export interface SiteFile extends Omit<SiteModel, "passes"> {
  readonly passes: readonly FilePass[];
  /** The site's own, beside the standard ones. */
  readonly formats: readonly WiegandFormat[];
}

/** What a file says, its PINs as the site keeps them. */
export function modelOfSiteFile({ formats: _, ...file }: SiteFile, pinKey: Uint8Array): SiteModel {
  const passes = file.passes.map((pass) => {
    if (pass.kind !== "pin") return pass;
    const { pin, ...others } = pass;
    return { ...others, digest: digestPin(pinKey, pin) };
  });
  return { ...file, passes };
}

/**
 * A whole site from a file; see config/README.md for its keys. What comes back is consistent: ids
 * and what is presented are unique, references resolve, every card fits its format.
 */
export function parseSiteFile(source: TomlSource): Result<SiteFile, readonly TomlFault[]> {
  return readToml({ ...source, schema: siteFileSchema, isSecret, build: siteFile });
}

/** PINs, and what is on a card but its format: whoever reads a log could make one. */
function isSecret(path: KeyPath): boolean {
  const [list, , key, field] = path;
  return list === "passes" && (key === "pin" || (key === "card" && field !== "format"));
}

const namedLists = ["doors", "zones", "areas", "users", "passes", "rules", "schedules"] as const;

function siteFile(tables: SiteTables, report: TomlReport): SiteFile {
  for (const list of namedLists) {
    const ids = tables[list].map(({ id }, index) => [[list, index, "id"], id] as const);
    reportRepeats(report, "an id used once", ids);
  }
  // A wrong zone is a fault of its own, and must not make others of every date.
  const zone = isZoneName(tables.zone) ? tables.zone : "UTC";
  const formats = readFormats(tables.formats, report);
  return {
    site: siteId(tables.site),
    zone,
    calendar: readCalendar(tables, report),
    zones: readZones(tables, report),
    areas: readAreas(tables, report),
    doors: readDoors(tables, report),
    users: readUsers(tables, report),
    passes: readPasses({ tables, zone, formats, report }),
    rules: readRules(tables, report),
    schedules: readSchedules(tables, report),
    formats: formats.slice(standardFormats.length),
  };
}

function readUsers({ users }: SiteTables, report: TomlReport): readonly SiteUser[] {
  checkEscorts(users, report);
  return users.map(({ id, name, suspended, traits }, index) => {
    const path: KeyPath = ["users", index, "traits"];
    const named = traits.map((trait, place) => [[...path, place], trait] as const);
    reportRepeats(report, "each trait once", named);
    // Two such visitors would let each other in.
    if (traits.includes("needs_escort") && traits.includes("may_escort")) {
      report.fault(path, 'not both "needs_escort" and "may_escort"', "both");
    }
    return { id: userId(id), name, suspended, traits };
  });
}

/** Told once, at the first visitor: who may escort is missing for all of them alike. */
function checkEscorts(users: SiteTables["users"], report: TomlReport): void {
  if (users.some(({ traits, suspended }) => traits.includes("may_escort") && !suspended)) return;
  const index = users.findIndex(({ traits }) => traits.includes("needs_escort"));
  const place = users[index]?.traits.indexOf("needs_escort");
  if (place === undefined) return;
  const expected =
    'no trait "needs_escort" where no user who is not suspended has "may_escort": ' +
    "nobody could let them in";
  report.fault(["users", index, "traits", place], expected);
}
