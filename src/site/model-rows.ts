import * as v from "valibot";
import { type PassTrait, passTraits, userTraits, type ZoneRecord } from "../domain/access.ts";
import { pinDigest, rawCredential } from "../domain/credential.ts";
import {
  controllerId,
  doorId,
  passId,
  readerId,
  ruleId,
  scheduleId,
  userId,
  zoneId,
} from "../domain/ids.ts";
import { epochMs } from "../domain/time.ts";
import { tableFrameSchema } from "../protocols/sync/table-content-schema.ts";
import type { SiteRule, Surroundings } from "./model-change.ts";
import type { SiteDoor, SitePass, SiteUser } from "./site-model.ts";
import { damagedRow } from "./store/store-error.ts";
import type { PassRow, RuleRow, SurroundingRow, UserRow } from "./store/store-schema.ts";
import { storedJson } from "./store/stored-json.ts";

// What tables are made from, as rows say it.

const texts = v.array(v.string());
const userTraitList = v.array(v.picklist(userTraits));
const passTraitList = v.array(v.picklist(passTraits));
const cardFields = v.record(v.string(), v.union([v.number(), v.string()]));

export function siteUserOf(row: UserRow): SiteUser {
  return {
    id: userId(row.id),
    name: row.name,
    suspended: row.suspended === 1,
    traits: storedJson(userTraitList, row.traits, { table: "users", id: row.id }),
  };
}

export type UserSpanRow = Pick<UserRow, "id" | "startsAt" | "endsAt">;

/** Undefined where there is no such user or pass. */
export interface PassOwners {
  user(id: string): UserSpanRow | undefined;
  pass(id: string): PassRow | undefined;
}

/**
 * A pass as tables have it; undefined: in none. It is good for as long as its user's schedule says
 * so too. A phone's pass is its parent's user's, good while the parent is, and has what traits it
 * has; the parent itself opens nothing.
 */
export function sitePassOf(row: PassRow, owners: PassOwners): SitePass | undefined {
  const parent = row.parentId === null ? undefined : owners.pass(row.parentId);
  if (row.parentId !== null && parent?.isMultiPhone !== 1) return undefined;
  const isWaiting = row.state === "waiting" || row.isMultiPhone === 1;
  const user = owners.user((parent ?? row).userId ?? "");
  if (isWaiting || user === undefined) return undefined;
  const presented = presentedBy(row);
  if (presented === undefined) return undefined;
  const startsAt = latest([row.startsAt, parent?.startsAt, user.startsAt]);
  const endsAt = earliest([row.endsAt, parent?.endsAt, user.endsAt]);
  // No table may say that it ends before it begins.
  const isNever = startsAt !== undefined && endsAt !== undefined && endsAt <= startsAt;
  const usesMax = row.usesMax ?? parent?.usesMax ?? undefined;
  return {
    id: passId(row.id),
    user: userId(user.id),
    active: row.active === 1 && parent?.active !== 0 && !isNever,
    ...(startsAt !== undefined && !isNever && { startsAt: epochMs(startsAt) }),
    ...(endsAt !== undefined && !isNever && { endsAt: epochMs(endsAt) }),
    ...(usesMax !== undefined && { usesMax }),
    traits: traitsOf(row, parent),
    ...presented,
  };
}

function presentedBy(row: PassRow) {
  const { kind } = row;
  if (kind === "pin") {
    return row.pinDigest === null ? undefined : { kind, digest: pinDigest(row.pinDigest) };
  }
  if (row.raw === null) return undefined;
  const place = { table: "passes", id: row.id };
  const fields = row.cardFields === null ? {} : storedJson(cardFields, row.cardFields, place);
  return { kind, card: { format: row.cardFormat ?? "", fields }, raw: rawCredential(row.raw) };
}

function traitsOf(row: PassRow, parent: PassRow | undefined): readonly PassTrait[] {
  const own = storedJson(passTraitList, row.traits, { table: "passes", id: row.id });
  if (parent === undefined) return own;
  const place = { table: "passes", id: parent.id };
  return [...new Set([...own, ...storedJson(passTraitList, parent.traits, place)])];
}

const given = (moments: readonly (number | null | undefined)[]): readonly number[] =>
  moments.filter((at) => at !== null && at !== undefined);

function latest(moments: readonly (number | null | undefined)[]): number | undefined {
  const at = Math.max(...given(moments));
  return at === -Infinity ? undefined : at;
}

function earliest(moments: readonly (number | null | undefined)[]): number | undefined {
  const at = Math.min(...given(moments));
  return at === Infinity ? undefined : at;
}

export function siteRuleOf(row: RuleRow): SiteRule {
  const place = { table: "rules", id: row.id };
  return {
    id: ruleId(row.id),
    kind: row.kind,
    doors: storedJson(texts, row.doors, place).map(doorId),
    zones: storedJson(texts, row.zones, place).map(zoneId),
    ...(row.schedule !== null && { schedule: scheduleId(row.schedule) }),
  };
}

/** The fact that says in which zone all wall times are read. */
export const zoneFact = "zone";
/** Of a site that nothing was said of yet. */
const usualZone = "UTC";

/** `rows`: in the order in which they are listed. */
export function surroundingsOf(
  rows: readonly SurroundingRow[],
  zone: string | undefined,
): Surroundings {
  const of = <Record>(kind: SurroundingRow["kind"], read: (row: SurroundingRow) => Record) =>
    rows.filter((row) => row.kind === kind).map(read);
  const { calendar, areas, schedules } = tableFrameSchema.entries;
  return {
    zone: zone ?? usualZone,
    calendar: of("calendar_day", (row) => recordOf(calendar, row)),
    zones: of("zone", siteZoneOf),
    areas: of("area", (row) => recordOf(areas, row)),
    doors: of("door", siteDoorOf),
    schedules: of("schedule", (row) => recordOf(schedules, row)),
  };
}

export function siteZoneOf(row: SurroundingRow): ZoneRecord {
  return recordOf(tableFrameSchema.entries.zones, row);
}

const doorPlace = v.looseObject({ controller: v.string(), readers: texts });

export function siteDoorOf(row: SurroundingRow): SiteDoor {
  const place = { table: "surroundings", id: `door ${row.id}` };
  const { controller, readers, ...settings } = storedJson(doorPlace, row.body, place);
  const body = JSON.stringify(settings);
  return {
    ...recordOf(tableFrameSchema.entries.doors, { ...row, body }),
    controller: controllerId(controller),
    readers: readers.map(readerId),
  };
}

/** By the rules that a controller reads its tables by, which know lists of them. */
function recordOf<const List extends v.GenericSchema<unknown, readonly unknown[]>>(
  list: List,
  { kind, id, body }: SurroundingRow,
): v.InferOutput<List>[number] {
  const place = { table: "surroundings", id: `${kind} ${id}` };
  const [record, ...others] = storedJson(list, `[${body}]`, place);
  if (record === undefined || others.length > 0) throw damagedRow(place.table, place.id, "JSON");
  return record;
}
