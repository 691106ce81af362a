import type { AccessTable } from "../core/access-table/access-table.ts";
import type { CheckName } from "../core/checks.ts";
import type { Rung } from "../core/explain.ts";
import type { ControllerId, DoorId, PassId } from "../domain/ids.ts";
import type { ClockQuality, EpochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { TableSync } from "./table-sync.ts";

/** What an explanation was made from. */
export interface ExplainGrounds {
  readonly controller: ControllerId;
  readonly table: AccessTable;
  readonly door: DoorId;
  readonly pass: PassId;
  /** What became of that table, as far as its controller has told. */
  readonly sync: TableSync | undefined;
  readonly clock: SupposedClock;
}

export interface SupposedClock {
  readonly quality: ClockQuality;
  /** When the controller said so; undefined where it said nothing that still holds. */
  readonly saidAt: EpochMs | undefined;
}

/** What the site cannot know of a door, and supposes: short sentences for people. */
export function assumptionsOf(grounds: ExplainGrounds): readonly string[] {
  const { controller, clock, sync } = grounds;
  const { epoch, version } = grounds.table.version;
  const said = clock.saidAt === undefined ? "" : `, as it said at ${tellInstant(clock.saidAt)}`;
  return [
    "No operator has overridden the door, and no first person or toggle pass has unlocked it.",
    "There is no fire, and nobody tampers with the door's readers or its controller.",
    "It is not recorded who is where, and nobody else waits at the door.",
    "The other doors are shut.",
    `The clock of controller ${controller} is ${clock.quality}${said}.`,
    ...(isConfirmed(sync)
      ? []
      : [`Controller ${controller} has table ${epoch}.${version}, as it has not said.`]),
    ...(hasUseCount(grounds) ? ["No controller has granted uses that it has not told yet."] : []),
  ];
}

const supposed = "Supposed, because the site cannot know it";

/** The rung as far as the site can vouch for it: what it saw of the door was never observed. */
export function asSupposed(rung: Rung, grounds: ExplainGrounds): Rung {
  const proviso = rung.verdict === "not_reached" ? undefined : provisoOf(rung.check, grounds);
  if (proviso === undefined) return rung;
  const saw = `${rung.saw.charAt(0).toLowerCase()}${rung.saw.slice(1)}`;
  return { ...rung, saw: `${proviso}: ${saw}` };
}

function provisoOf(check: CheckName, grounds: ExplainGrounds): string | undefined {
  const { table, door, clock, sync } = grounds;
  const settings = table.door(door);
  const areas = [settings?.inside, settings?.outside].flatMap(
    (id) => (id === undefined ? undefined : table.area(id)) ?? [],
  );
  switch (check) {
    case "table":
      return isConfirmed(sync) ? undefined : "Supposed, because its controller has not said so yet";
    case "posture":
    case "tamper":
      return supposed;
    case "clock":
      return clock.saidAt === undefined ? supposed : "By what the controller said of its clock";
    case "uses":
      return hasUseCount(grounds) ? "By what the controllers have told so far" : undefined;
    case "passback":
      return areas.some(({ passback }) => passback !== "none") ? supposed : undefined;
    case "interlock":
      return (settings?.interlock ?? []).length > 0 ? supposed : undefined;
    case "two_person":
      return settings?.twoPerson === "required" ? supposed : undefined;
    case "escort":
      return isVisitor(grounds) ? supposed : undefined;
    case "occupancy":
      return areas.some(({ occupancyMax }) => occupancyMax !== undefined) ? supposed : undefined;
    case "manager":
      return areas.some(({ managerIn }) => managerIn === "required") ? supposed : undefined;
    case "door":
    case "credential":
    case "pass_active":
    case "user_active":
    case "start":
    case "end":
    case "access":
    case "schedule":
    case "factors":
      // Said by the table alone.
      return undefined;
    default:
      return unreachable(check);
  }
}

const isConfirmed = (sync: TableSync | undefined): boolean => sync?.state === "complete";

/** -1 for one that this controller does not know. */
const passOf = ({ table, pass }: ExplainGrounds): number => table.passes.numberOf(pass);

function hasUseCount(grounds: ExplainGrounds): boolean {
  const pass = passOf(grounds);
  return pass >= 0 && grounds.table.passes.useCount(pass) !== undefined;
}

function isVisitor(grounds: ExplainGrounds): boolean {
  const { table } = grounds;
  const pass = passOf(grounds);
  return pass >= 0 && table.hasTrait(table.passes.user(pass), "needs_escort");
}

const tellInstant = (at: EpochMs): string => new Date(at).toISOString();
