import type { ZoneRecord } from "../domain/access.ts";
import { areaId, controllerId, doorId, readerId, zoneId } from "../domain/ids.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../protocols/toml/reference-checks.ts";
import { reportUnknownNames } from "./report-unknown-names.ts";
import { hasRules } from "./site-file-areas.ts";
import { type DoorTable, doorsMax, type SiteTables } from "./site-file-schema.ts";
import type { SiteDoor } from "./site-model.ts";

/** Before a held door is reported, and no longer than the door may be held. */
const heldOpenWarningMsUsual = 10_000;
const strikeOnMaxMsUsual = 60_000;

export function readDoors(tables: SiteTables, report: TomlReport): readonly SiteDoor[] {
  reportRepeats(report, "a reader of one door", readersOf(tables));
  checkSides(tables, report);
  checkCounts(tables, report);
  for (const [index, door] of tables.doors.entries()) {
    checkExitReaders(door, ["doors", index, "exit_readers"], report);
    checkInterlock(tables, index, report);
  }
  return tables.doors.map((door, index) => siteDoor(door, ["doors", index], report));
}

/** A reader's id counts within its controller. */
function readersOf(tables: SiteTables): readonly (readonly [KeyPath, string])[] {
  return tables.doors.flatMap(({ controller, readers }, door) =>
    readers.map((reader, index) => {
      const path: KeyPath = ["doors", door, "readers", index];
      return [path, `${controller} ${reader}`] as const;
    }),
  );
}

function checkSides({ doors, areas }: SiteTables, report: TomlReport): void {
  const known = new Map(areas.map((area) => [area.id, area]));
  const names = new Set(known.keys());
  const homes = new Map<string, { readonly controller: string; readonly path: KeyPath }>();
  for (const [index, door] of doors.entries()) {
    for (const side of ["inside", "outside"] as const) {
      const name = door[side];
      if (name === undefined) continue;
      const path: KeyPath = ["doors", index, side];
      reportUnknownName(report, { path, what: "area", name, known: names });
      const area = known.get(name);
      if (area === undefined || !hasRules(area)) continue;
      const home = homes.get(name);
      if (home === undefined) homes.set(name, { controller: door.controller, path });
      else if (home.controller !== door.controller) {
        const where = `controller "${home.controller}", as at ${report.place(home.path)}`;
        const found = `${report.describe(path)} at a door of controller "${door.controller}"`;
        report.fault(path, `an area with rules at doors of one controller, ${where}`, found);
      }
    }
    if (door.inside !== undefined && door.inside === door.outside) {
      report.fault(["doors", index, "outside"], "another area than inside");
    }
  }
}

/** Told once for each controller, at the first door that is one too many for its table. */
function checkCounts({ doors }: SiteTables, report: TomlReport): void {
  const counts = new Map<string, number>();
  for (const [index, { controller }] of doors.entries()) {
    const count = (counts.get(controller) ?? 0) + 1;
    counts.set(controller, count);
    if (count !== doorsMax + 1) continue;
    const path: KeyPath = ["doors", index, "controller"];
    report.fault(path, `a controller of at most ${doorsMax} doors`);
  }
}

function checkExitReaders(door: DoorTable, path: KeyPath, report: TomlReport): void {
  if (door.exit_readers.length > 0 && door.inside === undefined && door.outside === undefined) {
    report.fault(path, "no exit readers at a door that has neither inside nor outside");
  }
  const named = door.exit_readers.map((reader, index) => [[...path, index], reader] as const);
  reportRepeats(report, "each reader once", named);
  for (const [place, reader] of named) {
    if (door.readers.includes(reader)) continue;
    const readers =
      door.readers.length === 0 ? "which has none" : `one of ${door.readers.join(", ")}`;
    report.fault(place, `a reader of this door, ${readers}`);
  }
}

function checkInterlock({ doors }: SiteTables, index: number, report: TomlReport): void {
  const door = doors[index];
  if (door === undefined || door.interlock.length === 0) return;
  const named = door.interlock.map(
    (name, position) => [["doors", index, "interlock", position], name] as const,
  );
  const known = new Set(doors.map(({ id }) => id));
  reportUnknownNames(report, { named, what: "door", known });
  for (const [path, name] of named) {
    if (name === door.id) report.fault(path, "a door other than this one");
    const otherIndex = doors.findIndex(({ id }) => id === name);
    const other = doors[otherIndex];
    // A controller knows of its own doors alone whether they are shut.
    if (other !== undefined && other.controller !== door.controller) {
      const found = `${report.describe(path)}, a door of controller "${other.controller}"`;
      report.fault(path, `a door of this door's controller, "${door.controller}"`, found);
    } else if (other !== undefined && other !== door && !other.interlock.includes(door.id)) {
      // The two would stand open together whenever the other was opened second.
      const place = report.place(["doors", otherIndex, "interlock"]);
      const found = `${report.describe(path)}, whose own at ${place} does not`;
      report.fault(path, `a door whose interlock names "${door.id}" too`, found);
    }
  }
}

function siteDoor(door: DoorTable, path: KeyPath, report: TomlReport): SiteDoor {
  const { unlock_ms: unlockMs, held_open_ms: heldOpenMs, extra_time_ms: extraTimeMs } = door;
  const heldOpenWarningMs =
    door.held_open_warning_ms ?? Math.min(heldOpenWarningMsUsual, heldOpenMs);
  // Less than both would take from a person the very time that the site gives.
  const strikeOnMaxMs =
    door.strike_on_max_ms ?? Math.max(strikeOnMaxMsUsual, unlockMs + extraTimeMs);
  if (heldOpenWarningMs > heldOpenMs) {
    report.fault([...path, "held_open_warning_ms"], `at most held_open_ms, which is ${heldOpenMs}`);
  }
  if (strikeOnMaxMs < unlockMs) {
    report.fault([...path, "strike_on_max_ms"], `at least unlock_ms, which is ${unlockMs}`);
  }
  return {
    id: doorId(door.id),
    name: door.name,
    controller: controllerId(door.controller),
    readers: door.readers.map(readerId),
    posture: door.posture,
    unlockMs,
    extraTimeMs,
    heldOpenMs,
    heldOpenWarningMs,
    heldOpenWatch: door.held_open_watch,
    strikeOnMaxMs,
    relock: door.relock,
    factors: door.factors,
    secondFactorMs: door.second_factor_ms,
    rex: door.rex,
    clockUnknown: door.clock_unknown,
    ...(door.inside !== undefined && { inside: areaId(door.inside) }),
    ...(door.outside !== undefined && { outside: areaId(door.outside) }),
    exitReaders: door.exit_readers.map(readerId),
    interlock: door.interlock.map(doorId),
    twoPerson: door.two_person,
    companyMs: door.company_ms,
    tamper: door.tamper,
    fire: door.fire,
    afterRestart: door.after_restart,
  };
}

export function readZones({ zones, doors }: SiteTables, report: TomlReport): readonly ZoneRecord[] {
  const zoneNames = new Set(zones.map(({ id }) => id));
  const doorNames = new Set(doors.map(({ id }) => id));
  for (const [index, zone] of zones.entries()) {
    const named = zone.doors.map(
      (name, position) => [["zones", index, "doors", position], name] as const,
    );
    reportUnknownNames(report, { named, what: "door", known: doorNames });
    if (zone.parent === undefined) continue;
    const path = ["zones", index, "parent"];
    reportUnknownName(report, { path, what: "zone", name: zone.parent, known: zoneNames });
  }
  reportCycles(zones, report);
  return zones.map(({ id, parent, doors: inside }) => ({
    id: zoneId(id),
    ...(parent !== undefined && { parent: zoneId(parent) }),
    doors: inside.map(doorId),
  }));
}

/** Once for each ring of zones, at the first of them in the file. */
function reportCycles(zones: SiteTables["zones"], report: TomlReport): void {
  const parents = new Map(zones.map(({ id, parent }) => [id, parent]));
  const settled = new Set<string>();
  for (const { id } of zones) {
    const way = new Set<string>();
    let at: string | undefined = id;
    while (at !== undefined && !settled.has(at) && !way.has(at)) {
      way.add(at);
      at = parents.get(at);
    }
    if (at !== undefined && !settled.has(at)) {
      const ring = new Set([...way].slice([...way].indexOf(at)));
      const index = zones.findIndex((zone) => ring.has(zone.id));
      const names = [...ring, at].map((name) => `"${name}"`).join(" in ");
      report.fault(["zones", index, "parent"], "a zone that does not lie in this one", names);
    }
    for (const name of way) settled.add(name);
  }
}
