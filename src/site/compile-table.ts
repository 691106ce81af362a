import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  TableVersion,
  ZoneRecord,
} from "../domain/access.ts";
import type { ControllerId, DoorId, UserId, ZoneId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";
import { digestPin } from "../protocols/sync/provision.ts";
import type { SiteDoor, SiteModel, SitePass } from "./site-model.ts";
import type { SpentUses } from "./spent-uses.ts";

export interface TableToCompile {
  readonly model: SiteModel;
  readonly controller: ControllerId;
  readonly table: TableVersion;
  readonly compiledAt: EpochMs;
  readonly pinKey: Uint8Array;
  readonly spent: SpentUses;
}

/**
 * What one controller needs: its own doors, the areas on their sides and the zones around them, the
 * rules that say something there and the schedules those rules name. Passes come whole, since one that
 * no rule admits is still a known one: its holder is told `no_access`, not `unknown_credential`
 * (behaviour 2). Names of people and PINs stay here.
 */
export function compileTable(to: TableToCompile): TableContent {
  const { model, controller, table, compiledAt, pinKey, spent } = to;
  const doors = model.doors.filter((door) => door.controller === controller);
  const here = new Set(doors.map((door) => door.id));
  // A controller that lost its last door gets an empty table, so that its old one opens nothing.
  const passes = doors.length === 0 ? [] : model.passes;
  // Whole, too: whoever lost his last card while he was inside is inside still.
  const users = doors.length === 0 ? [] : model.users;
  const holders = new Set(passes.map((pass) => pass.user));
  const zones = zonesAround(here, model.zones);
  const rules = rulesAt({ here, zones: new Set(zones.map(({ id }) => id)), holders }, model.rules);
  const named = new Set(rules.map((rule) => rule.schedule));
  const schedules = model.schedules.filter((schedule) => named.has(schedule.id));
  return {
    site: model.site,
    controller,
    table,
    compiledAt,
    zone: model.zone,
    // Whole, where there is a schedule to follow it: a date of any type closes ordinary intervals.
    calendar: schedules.length === 0 ? [] : model.calendar,
    zones,
    areas: areasBeside(doors, model.areas),
    doors: doors.map(settingsOf),
    users: users.map(({ id, suspended, traits }) => ({
      id,
      suspended,
      ...(traits.length > 0 && { traits }),
    })),
    passes: passes.map((pass) => recordOf(pass, pinKey, spentOn(pass, { spent, controller }))),
    rules,
    schedules,
  };
}

/** Each controller that has a door, in the order in which the model names them. */
export function controllersOf(model: SiteModel): readonly ControllerId[] {
  return [...new Set(model.doors.map((door) => door.controller))];
}

/** The zones that hold one of these doors, themselves or by a zone within: with each, its parents. */
function zonesAround(here: ReadonlySet<DoorId>, all: readonly ZoneRecord[]): readonly ZoneRecord[] {
  const byId = new Map(all.map((zone) => [zone.id, zone]));
  const around = new Set<ZoneId>();
  for (const zone of all) {
    if (!zone.doors.some((door) => here.has(door))) continue;
    let at: ZoneRecord | undefined = zone;
    while (at !== undefined && !around.has(at.id)) {
      around.add(at.id);
      at = at.parent === undefined ? undefined : byId.get(at.parent);
    }
  }
  return all
    .filter(({ id }) => around.has(id))
    .map((zone) => ({ ...zone, doors: zone.doors.filter((door) => here.has(door)) }));
}

function areasBeside(
  doors: readonly SiteDoor[],
  areas: readonly AreaRecord[],
): readonly AreaRecord[] {
  const beside = new Set(doors.flatMap(({ inside, outside }) => [inside, outside]));
  return areas.filter(({ id }) => beside.has(id));
}

function rulesAt(
  known: {
    readonly here: ReadonlySet<DoorId>;
    readonly zones: ReadonlySet<ZoneId>;
    readonly holders: ReadonlySet<UserId>;
  },
  rules: readonly RuleRecord[],
): readonly RuleRecord[] {
  return rules.flatMap((rule) => {
    const doors = rule.doors.filter((door) => known.here.has(door));
    const zones = rule.zones.filter((zone) => known.zones.has(zone));
    const users = rule.users.filter((user) => known.holders.has(user));
    if (doors.length === 0 && zones.length === 0) return [];
    // A first person in who has no pass must not become anybody, which is what no users mean there.
    if (rule.users.length > 0 && users.length === 0) return [];
    return [{ ...rule, doors, zones, users }];
  });
}

/** What a table says is spent of a pass: absent of one that has no use count. */
type SpentOnPass = Pick<PassRecord, "spentHere" | "spentElsewhere">;

function spentOn(
  { id, usesMax }: SitePass,
  { spent, controller }: { readonly spent: SpentUses; readonly controller: ControllerId },
): SpentOnPass {
  if (usesMax === undefined) return {};
  let spentHere = 0;
  let spentElsewhere = 0;
  for (const use of spent(id)) {
    if (use.controller === controller) spentHere += use.spent;
    else spentElsewhere += use.spent;
  }
  // What a controller says of itself has no bound; one that lies must not spoil the others' tables.
  const told = (count: number) => Math.min(count, usesMax);
  return {
    ...(spentHere > 0 && { spentHere: told(spentHere) }),
    ...(spentElsewhere > 0 && { spentElsewhere: told(spentElsewhere) }),
  };
}

function settingsOf(door: SiteDoor): DoorSettings {
  const { controller: _controller, readers: _readers, ...settings } = door;
  return settings;
}

function recordOf(pass: SitePass, pinKey: Uint8Array, spent: SpentOnPass): PassRecord {
  const { id, user, active, startsAt, endsAt, usesMax, traits } = pass;
  return {
    id,
    user,
    kind: pass.kind,
    active,
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
    ...(usesMax !== undefined && { usesMax }),
    ...spent,
    ...(traits.length > 0 && { traits }),
    presents:
      pass.kind === "pin"
        ? { as: "pin", digest: digestPin(pinKey, pass.pin) }
        : { as: "raw", raw: pass.raw },
  };
}
