import type { CalendarDay, DoorSettings, PassRecord, ZoneRecord } from "../../domain/access.ts";
import { isPhoneCredential } from "../../domain/credential.ts";
import type { FrameRule, TableFrame } from "../../domain/table-change.ts";
import { isCalendarDate } from "./calendar-date.ts";

/** The lists of a frame whose items have ids. */
const namedLists = ["doors", "schedules", "rules", "zones", "areas"] as const;

/** The ids that references may be to. */
interface KnownIds {
  readonly doors: ReadonlySet<string>;
  readonly schedules: ReadonlySet<string>;
  readonly zones: ReadonlySet<string>;
  readonly areas: ReadonlySet<string>;
}

/**
 * The first thing that a frame says twice, of something that it lacks, or against itself: the field
 * and what was expected there. Undefined for a frame that means one thing.
 */
export function findBrokenReference(frame: TableFrame): string | undefined {
  const repeated = findRepeatedId(frame);
  if (repeated !== undefined) return repeated;
  const known: KnownIds = {
    doors: idsOf(frame.doors),
    schedules: idsOf(frame.schedules),
    zones: idsOf(frame.zones),
    areas: idsOf(frame.areas),
  };
  return (
    findRepeatedDate(frame.calendar) ??
    firstFault("zones", frame.zones, (zone) => faultOfZone(zone, known)) ??
    findZoneInItself(frame.zones) ??
    firstFault("doors", frame.doors, (door) => faultOfDoor(door, known)) ??
    firstFault("rules", frame.rules, (rule) => faultOfRule(rule, known))
  );
}

const idsOf = (items: readonly { readonly id: string }[]): ReadonlySet<string> =>
  new Set(items.map(({ id }) => id));

function findRepeatedId(frame: TableFrame): string | undefined {
  for (const list of namedLists) {
    const ids = new Set<string>();
    for (const [index, { id }] of frame[list].entries()) {
      if (ids.has(id)) return `${list}.${index}.id: expected an id used once`;
      ids.add(id);
    }
  }
  return undefined;
}

/** `faultOf` names the field within its item, and what was expected. */
function firstFault<Item>(
  list: string,
  items: readonly Item[],
  faultOf: (item: Item) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const fault = faultOf(item);
    if (fault !== undefined) return `${list}.${index}.${fault}`;
  }
  return undefined;
}

/** What is named leads to something, and stands there once. */
function areKnownOnce(named: readonly string[], known: ReadonlySet<string>): boolean {
  return named.every((name) => known.has(name)) && areDifferent(named);
}

const areDifferent = (named: readonly string[]): boolean => new Set(named).size === named.length;

function findRepeatedDate(calendar: readonly CalendarDay[]): string | undefined {
  const dates = new Set<string>();
  return firstFault("calendar", calendar, ({ year, month, day }) => {
    const isThere = isCalendarDate({ ...(year !== undefined && { year }), month, day });
    if (!isThere) return "day: expected a day that its month has";
    const date = `${year ?? "every"}-${month}-${day}`;
    if (dates.has(date)) return "day: expected each date once";
    dates.add(date);
    return undefined;
  });
}

function faultOfZone({ parent, doors }: ZoneRecord, known: KnownIds): string | undefined {
  if (parent !== undefined && !known.zones.has(parent)) return "parent: expected the id of a zone";
  return areKnownOnce(doors, known.doors) ? undefined : "doors: expected ids of doors, each once";
}

/** Whoever followed such a ring for a zone's doors would not come back. */
function findZoneInItself(zones: readonly ZoneRecord[]): string | undefined {
  const parents = new Map(zones.map(({ id, parent }) => [id, parent]));
  const settled = new Set<string>();
  return firstFault("zones", zones, ({ id }) => {
    const way = new Set<string>();
    let at: ZoneRecord["parent"] = id;
    while (at !== undefined && !settled.has(at)) {
      if (way.has(at)) return "parent: expected a zone that does not lie in this one";
      way.add(at);
      at = parents.get(at);
    }
    for (const passed of way) settled.add(passed);
    return undefined;
  });
}

function faultOfDoor(door: DoorSettings, known: KnownIds): string | undefined {
  const { id, inside, outside, exitReaders, interlock } = door;
  for (const side of ["inside", "outside"] as const) {
    const area = door[side];
    if (area !== undefined && !known.areas.has(area)) return `${side}: expected the id of an area`;
  }
  if (inside !== undefined && inside === outside) return "outside: expected another than inside";
  if (!areDifferent(exitReaders)) return "exitReaders: expected each reader once";
  if (!areKnownOnce(interlock, known.doors)) return "interlock: expected ids of doors, each once";
  return interlock.includes(id) ? "interlock: expected doors other than this one" : undefined;
}

/** What a pass says against itself, whatever table it is in. */
export function faultOfPass(pass: PassRecord): string | undefined {
  const { kind, presents, startsAt, endsAt, traits } = pass;
  if ((kind === "pin") !== (presents.as === "pin")) {
    return "presents.as: expected pin for a PIN pass, raw for any other";
  }
  if (kind !== "mobile" && presents.as === "raw" && isPhoneCredential(presents.raw)) {
    return "presents.raw: expected a card, of a pass that is not mobile";
  }
  if (startsAt !== undefined && endsAt !== undefined && endsAt < startsAt) {
    return "endsAt: expected no earlier than startsAt";
  }
  // A card says nothing by being this one: who is forced to present one presents the usual one.
  return kind !== "pin" && traits?.includes("duress") === true
    ? "traits: expected duress of a PIN pass alone"
    : undefined;
}

function faultOfRule(
  { kind, whom, doors, zones, schedule }: FrameRule,
  known: KnownIds,
): string | undefined {
  // It would be for everybody what was meant for some.
  if (whom === "anybody" && kind !== "first_person_in") return "whom: expected named_users";
  if (schedule !== undefined && !known.schedules.has(schedule)) {
    return "schedule: expected the id of a schedule";
  }
  if (!doors.every((door) => known.doors.has(door))) return "doors: expected ids of doors";
  if (!zones.every((zone) => known.zones.has(zone))) return "zones: expected ids of zones";
  return kind === "first_person_in" && schedule === undefined
    ? "schedule: expected one that ends what the first person begins"
    : undefined;
}
