import type { CheckName } from "../core/checks.ts";
import type { Rung } from "../core/explain.ts";
import type { TableContent } from "../domain/access.ts";
import type { DoorId, PassId } from "../domain/ids.ts";
import type { ClockQuality, EpochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { TableSync } from "./table-publisher.ts";

/** What an explanation was made from. */
export interface ExplainGrounds {
  readonly content: TableContent;
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
  const { content, clock, sync } = grounds;
  const { controller, table } = content;
  const said = clock.saidAt === undefined ? "" : `, as it said at ${tellInstant(clock.saidAt)}`;
  return [
    "No operator has overridden the door, and no first person or toggle pass has unlocked it.",
    "There is no fire, and nobody tampers with the door's readers or its controller.",
    "It is not recorded who is where, and nobody else waits at the door.",
    "The other doors are shut.",
    `The clock of controller ${controller} is ${clock.quality}${said}.`,
    ...(isConfirmed(sync)
      ? []
      : [
          `Controller ${controller} has table ${table.epoch}.${table.version}, as it has not said.`,
        ]),
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
  const { content, door, clock, sync } = grounds;
  const settings = content.doors.find(({ id }) => id === door);
  const areas = content.areas.filter(
    ({ id }) => id === settings?.inside || id === settings?.outside,
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

const passOf = ({ content, pass }: ExplainGrounds) => content.passes.find(({ id }) => id === pass);

const hasUseCount = (grounds: ExplainGrounds): boolean => passOf(grounds)?.usesMax !== undefined;

function isVisitor(grounds: ExplainGrounds): boolean {
  const holder = passOf(grounds)?.user;
  const user = grounds.content.users.find(({ id }) => id === holder);
  return user?.traits?.includes("needs_escort") === true;
}

const tellInstant = (at: EpochMs): string => new Date(at).toISOString();
