import type {
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  TableVersion,
} from "../domain/access.ts";
import type { ControllerId, UserId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";
import { digestPin } from "../protocols/sync/provision.ts";
import type { SiteDoor, SiteModel, SitePass } from "./site-model.ts";

export interface TableToCompile {
  readonly model: SiteModel;
  readonly controller: ControllerId;
  readonly table: TableVersion;
  readonly compiledAt: EpochMs;
  readonly pinKey: Uint8Array;
}

/**
 * What one controller needs: its own doors, the rules that let somebody through them and the
 * schedules those rules name. Passes come whole, since one that no rule admits is still a known
 * one: its holder is told `no_access`, not `unknown_credential` (behaviour 2). Names of people and
 * PINs stay here.
 */
export function compileTable(to: TableToCompile): TableContent {
  const { model, controller, table, compiledAt, pinKey } = to;
  const doors = model.doors.filter((door) => door.controller === controller);
  // A controller that lost its last door gets an empty table, so that its old one opens nothing.
  const passes = doors.length === 0 ? [] : model.passes;
  const holders = new Set(passes.map((pass) => pass.user));
  const rules = rulesAt(doors, model, holders);
  const schedules = new Set(rules.map((rule) => rule.schedule));
  return {
    site: model.site,
    controller,
    table,
    compiledAt,
    zone: model.zone,
    calendar: [],
    zones: [],
    areas: [],
    doors: doors.map(settingsOf),
    users: model.users
      .filter((user) => holders.has(user.id))
      .map(({ id, suspended }) => ({ id, suspended })),
    passes: passes.map((pass) => recordOf(pass, pinKey)),
    rules,
    schedules: model.schedules.filter((schedule) => schedules.has(schedule.id)),
  };
}

/** Each controller that has a door, in the order in which the model names them. */
export function controllersOf(model: SiteModel): readonly ControllerId[] {
  return [...new Set(model.doors.map((door) => door.controller))];
}

function rulesAt(
  doors: readonly SiteDoor[],
  model: SiteModel,
  holders: ReadonlySet<UserId>,
): readonly RuleRecord[] {
  const here = new Set(doors.map((door) => door.id));
  return model.rules
    .map((rule) => ({
      ...rule,
      doors: rule.doors.filter((door) => here.has(door)),
      users: rule.users.filter((user) => holders.has(user)),
    }))
    .filter((rule) => rule.doors.length > 0 && rule.users.length > 0);
}

function settingsOf(door: SiteDoor): DoorSettings {
  const { controller: _controller, readers: _readers, ...settings } = door;
  return settings;
}

function recordOf(pass: SitePass, pinKey: Uint8Array): PassRecord {
  const { id, user, active, startsAt, endsAt } = pass;
  return {
    id,
    user,
    kind: pass.kind,
    active,
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
    presents:
      pass.kind === "pin"
        ? { as: "pin", digest: digestPin(pinKey, pass.pin) }
        : { as: "raw", raw: pass.raw },
  };
}
