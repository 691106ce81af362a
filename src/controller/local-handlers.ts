import type { Clock } from "../../hal/clock.ts";
import type { Decision } from "../core/authorize.ts";
import type { Presented } from "../core/presented.ts";
import type { PinDigest } from "../domain/credential.ts";
import type { ControllerId, DoorId, SiteId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EpochMs, WallTime } from "../domain/time.ts";
import type { ExplainArgs, LocalFault, OverrideArgs } from "../protocols/local/local-message.ts";
import type {
  LocalExplanation,
  LocalOverridden,
  LocalStatus,
} from "../protocols/local/local-reports.ts";
import { presentedCard } from "../protocols/local/presented-card.ts";
import type { WiegandFormat } from "../protocols/wiegand/format.ts";
import { type BenchOptions, benchHandlers } from "./bench-handlers.ts";
import type { DoorController } from "./door-controller.ts";
import type { Journal } from "./journal.ts";
import { badArgument } from "./local-argument.ts";
import type { LocalHandlers } from "./local-server.ts";
import type { OnlineStatus } from "./status-publisher.ts";
import type { Troubles } from "./troubles.ts";

export interface StatusSources {
  readonly software: string;
  readonly clock: Clock;
  readonly doors: DoorController;
  readonly troubles: Troubles;
}

export interface LocalHandlersOptions extends StatusSources, BenchOptions {
  readonly controller: ControllerId;
  readonly site: SiteId;
  readonly startedAt: EpochMs;
  readonly formats: readonly WiegandFormat[];
  readonly journal: Journal;
  readonly linkState: () => "up" | "down";
  readonly digestPin: (digits: string) => PinDigest;
}

/** What a technician may ask of a running controller, and have it do. */
export function localHandlers(options: LocalHandlersOptions): LocalHandlers {
  return {
    status: () => statusOf(options),
    explain: (args) => explainTo(options, args),
    override: (args) => overrideFor(options, args),
    forgive: ({ user }) => ({ recorded: options.doors.forgive(user) }),
    journal: options.journal,
    ...benchHandlers(options),
  };
}

function statusOf(options: LocalHandlersOptions): LocalStatus {
  const { controller, site, software, startedAt, clock, doors, journal, troubles } = options;
  const wall = clock.wall();
  const table = doors.table();
  return {
    controller,
    site,
    software,
    startedAt,
    clock: wall,
    link: options.linkState(),
    table:
      table === undefined
        ? null
        : {
            ...table.version,
            compiledAt: table.compiledAt,
            ageMs: wall.at - table.compiledAt,
            credentialCount: table.credentialCount,
          },
    journal: { newest: journal.highest(), acknowledged: journal.acknowledged() },
    doors: doors.doors(),
    readers: doors.readers(),
    alarms: doors.alarms(),
    troubles: allTroubles({ doors, troubles }),
  };
}

function allTroubles(from: Pick<StatusSources, "doors" | "troubles">): readonly string[] {
  return [...from.troubles.active(), ...from.doors.inputTroubles()];
}

/** The short form of `status`, for the site and its dashboards. */
export function onlineStatus(sources: StatusSources): OnlineStatus {
  const { software, clock, doors } = sources;
  const wall = clock.wall();
  const table = doors.table();
  return {
    online: true,
    software,
    clock: wall.quality,
    troubles: allTroubles(sources),
    ...(table !== undefined && { table: table.version, tableAgeMs: wall.at - table.compiledAt }),
  };
}

function explainTo(
  { doors, clock, formats, digestPin }: LocalHandlersOptions,
  args: ExplainArgs,
): Result<LocalExplanation, LocalFault> {
  const door = doorOf(doors, args.door);
  if (!door.ok) return door;
  const presented = presentedBy(formats, args, digestPin);
  if (!presented.ok) return presented;
  const now = clock.wall();
  const wall: WallTime = args.at === undefined ? now : { at: args.at, quality: now.quality };
  const { decision, ladder, next } = doors.explain(args.door, presented.value, wall);
  return succeed({ door: args.door, wall, decision: decisionTold(decision), ladder, next });
}

/** What is decided and of whom; what a grant would then do is for the door. */
function decisionTold(decision: Decision): LocalExplanation["decision"] {
  if (decision.kind !== "denied") {
    const { kind, pass, user } = decision;
    return { kind, pass, user };
  }
  const { kind, reason, pass, user } = decision;
  return { kind, reason, ...(pass && { pass }), ...(user && { user }) };
}

async function overrideFor(
  { doors }: LocalHandlersOptions,
  { door, posture, until }: OverrideArgs,
): Promise<Result<LocalOverridden, LocalFault>> {
  const known = doorOf(doors, door);
  if (!known.ok) return known;
  const set = doors.override(door, posture === "clear" ? "clear" : { posture, until });
  if (!set.ok) return fail(badArgument(set.fault.field, set.fault.expected));
  const { isKept, ...inForce } = set.value;
  return succeed({ ...inForce, kept: await isKept });
}

function doorOf(doors: DoorController, door: DoorId): Result<DoorId, LocalFault> {
  if (doors.hasDoor(door)) return succeed(door);
  const names = doors.doors().map(({ id }) => id);
  return fail(badArgument("door", `one of ${names.join(", ")}`));
}

function presentedBy(
  formats: readonly WiegandFormat[],
  { card, pass, pin }: ExplainArgs,
  digestPin: (digits: string) => PinDigest,
): Result<Presented, LocalFault> {
  const digest = pin === undefined ? undefined : digestPin(pin);
  if (card !== undefined) {
    const raw = presentedCard(formats, card);
    if (!raw.ok) return raw;
    return succeed({ card: raw.value, ...(digest !== undefined && { pin: digest }) });
  }
  if (pass !== undefined) return succeed({ pass, ...(digest !== undefined && { pin: digest }) });
  // The message's schema asks for one of the three.
  if (digest === undefined) throw new Error("explain was asked about nothing");
  return succeed({ pin: digest });
}
