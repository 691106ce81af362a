import type { AreaRecord, DoorSettings, ZoneRecord } from "../domain/access.ts";
import type { ControllerId, DoorId, ZoneId } from "../domain/ids.ts";
import type { FrameRule, TableFrame } from "../domain/table-change.ts";
import type { SiteRule } from "./model-change.ts";
import type { SiteDoor } from "./site-model.ts";
import type { SiteState } from "./site-state.ts";

/**
 * What a controller's table is without people: its own doors, the areas on their sides and the
 * zones around them, the rules that say something there and the schedules those rules name.
 */
export function controllerFrame(state: SiteState, controller: ControllerId): TableFrame {
  const { surroundings } = state.places;
  const doors = state.places.doorsOf(controller);
  const here = new Set(doors.map(({ id }) => id));
  const zones = zonesAround(here, surroundings.zones);
  const around = new Set(zones.map(({ id }) => id));
  const rules = state.rulesAt(controller);
  const named = new Set(rules.map(({ schedule }) => schedule));
  const schedules = surroundings.schedules.filter(({ id }) => named.has(id));
  return {
    site: state.site,
    controller,
    zone: surroundings.zone,
    // Whole, where there is a schedule to follow it: a date of any type closes ordinary intervals.
    calendar: schedules.length === 0 ? [] : surroundings.calendar,
    zones,
    areas: areasBeside(doors, surroundings.areas),
    doors: doors.map(settingsOf),
    rules: rules.map(
      (rule): FrameRule => ({
        ...rule,
        doors: rule.doors.filter((door) => here.has(door)),
        zones: rule.zones.filter((zone) => around.has(zone)),
        // A rule for people none of whom is here must not become one for anybody.
        whom: isForAnybody(state, rule) ? "anybody" : "named_users",
      }),
    ),
    schedules,
  };
}

function isForAnybody(state: SiteState, { id, kind }: SiteRule): boolean {
  return kind === "first_person_in" && !state.hasMembers(id);
}

/**
 * The zones that hold one of these doors, themselves or by a zone within: with each, its parents.
 */
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

function settingsOf(door: SiteDoor): DoorSettings {
  const { controller: _controller, readers: _readers, ...settings } = door;
  return settings;
}
