import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  TableVersion,
  UserTrait,
  ZoneRecord,
} from "../../domain/access.ts";
import type { AreaId, DoorId, ScheduleId, UserId, ZoneId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import type { TableDelta, TableFrame, TableMark, TableUser } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { PosturePlace, UnlockRule } from "../posture.ts";
import { type CompiledSchedule, compileSchedule } from "../schedule.ts";
import { AccessProfiles, type Numbering } from "./access-profiles.ts";
import { type Crossings, crossingsOf } from "./crossing.ts";
import type { HashKey } from "./keyed-hash.ts";
import { PassColumns } from "./pass-columns.ts";
import { partsOfContent } from "./table-parts.ts";
import { unlockRuleOf } from "./unlock-rules.ts";
import { UserFlags } from "./user-flags.ts";
import { zoneDoors } from "./zone-doors.ts";

/** How what rules name becomes numbers of this table. */
type RuleNumbering = Pick<Numbering, "userNumber" | "doorsOf" | "scheduleNumber">;

interface NamedSchedule {
  readonly id: ScheduleId;
  readonly compiled: CompiledSchedule;
}

/**
 * What one controller decides from: the site's table, laid out so that a decision touches a few
 * numbers and the garbage collector nothing that grows with the number of passes. Passes, users,
 * rules, doors and schedules go by number in here; the numbers mean nothing in another table.
 */
export class AccessTable {
  readonly mark: TableMark;
  readonly frame: TableFrame;
  readonly compiledAt: EpochMs;
  readonly zone: string;
  readonly doors: readonly DoorSettings[];
  readonly credentialCount: number;
  readonly passes: PassColumns;
  /** Users whom no pass makes known at a door, and who are users all the same. */
  readonly idleUsers: ReadonlySet<UserId>;
  /** Of the kinds that admit people; the others are in `unlockRules`. */
  readonly rules: AccessProfiles;
  private readonly doorNumbers: ReadonlyMap<DoorId, number>;
  private readonly places: readonly PosturePlace[];
  private readonly doorCrossings: readonly (Crossings | undefined)[];
  private readonly areas: ReadonlyMap<AreaId, AreaRecord>;
  private readonly flags: UserFlags;
  private readonly schedules: readonly NamedSchedule[];
  private readonly tableUsers: ReadonlyMap<UserId, TableUser>;

  constructor(content: TableContent, hashKey: HashKey) {
    this.mark = { ...content.table, tag: 0 };
    const parts = partsOfContent(content);
    this.frame = parts.frame;
    this.tableUsers = new Map(parts.users.map((user) => [user.id, user]));
    this.compiledAt = content.compiledAt;
    this.zone = content.zone;
    this.doors = content.doors;
    this.doorNumbers = numbered("door", content.doors);
    const scheduleNumbers = numbered("schedule", content.schedules);
    this.schedules = content.schedules.map((record) => ({
      id: record.id,
      compiled: compileSchedule(record, content.zone, content.calendar),
    }));

    const userNumbers = numbered("user", content.users);
    this.flags = new UserFlags(content.users);
    const numbering: RuleNumbering = {
      userNumber: (id) => numberOf("user", userNumbers, id),
      doorsOf: doorNumbersOfRules(content.zones, (id) => numberOf("door", this.doorNumbers, id)),
      scheduleNumber: (id) => numberOf("schedule", scheduleNumbers, id),
    };
    this.rules = new AccessProfiles(content.rules.filter(admitsPeople), {
      userCount: content.users.length,
      doorCount: content.doors.length,
      ...numbering,
    });
    this.places = this.posturePlaces(content, numbering);
    numbered("area", content.areas);
    this.areas = new Map(content.areas.map((area) => [area.id, area]));
    this.doorCrossings = content.doors.map((door) => crossingsOf(door, this.areas));
    const users = { count: content.users.length, numberOf: numbering.userNumber };
    this.passes = new PassColumns(content.passes, users, hashKey);
    this.credentialCount = this.passes.count;
    this.idleUsers = usersWithoutPass(content);
  }

  get version(): TableVersion {
    return this.mark;
  }

  /** How many users and passes differ from the image, and the frame: for when to fold. */
  get changeCount(): number {
    return 0;
  }

  /**
   * All of the delta or, where it is not for this table or makes none that is valid, nothing of it: the
   * fault says why, for people. What is asked for from here on is decided by the table that it makes;
   * numbers of passes, doors and schedules that were asked for before mean nothing any more.
   */
  apply(delta: TableDelta): Result<void, string> {
    throw new Error(`to come: ${delta.to.version}`);
  }

  hasUser(id: UserId): boolean {
    return this.tableUsers.has(id);
  }

  /** By id. */
  users(): Iterable<TableUser> {
    return this.tableUsers.values();
  }

  passRecords(): Iterable<PassRecord> {
    throw new Error("to come");
  }

  door(id: DoorId): DoorSettings | undefined {
    return this.doors[this.doorNumber(id)];
  }

  /** -1 where the table does not have the door. */
  doorNumber(id: DoorId): number {
    return this.doorNumbers.get(id) ?? -1;
  }

  area(id: AreaId): AreaRecord | undefined {
    return this.areas.get(id);
  }

  /** Undefined where it does not matter to this door's areas who is where. */
  crossings(door: number): Crossings | undefined {
    return this.doorCrossings[door];
  }

  /** What the site says about the door's posture; undefined for a door that is not there. */
  posturePlace(door: number): PosturePlace | undefined {
    return this.places[door];
  }

  /** The rules that hold this door unlocked. */
  unlockRules(door: number): readonly UnlockRule[] {
    return this.places[door]?.rules ?? [];
  }

  isSuspended(user: number): boolean {
    return this.flags.isSuspended(user);
  }

  hasTrait(user: number, trait: UserTrait): boolean {
    return this.flags.hasTrait(user, trait);
  }

  schedule(schedule: number): NamedSchedule {
    const found = this.schedules[schedule];
    if (found === undefined) throw new Error(`no schedule ${schedule}`);
    return found;
  }

  private posturePlaces(
    { doors, rules }: TableContent,
    numbering: RuleNumbering,
  ): readonly PosturePlace[] {
    const places = doors.map((settings) => ({ settings, rules: [] as UnlockRule[] }));
    for (const rule of rules) {
      const unlocking = unlockRuleOf(rule, {
        userNumber: numbering.userNumber,
        schedule: (id) => this.schedule(numbering.scheduleNumber(id)).compiled,
      });
      if (unlocking === undefined) continue;
      for (const door of numbering.doorsOf(rule)) places[door]?.rules.push(unlocking);
    }
    return places;
  }
}

/**
 * `content` was validated where it came in: its references resolve, its ids and credentials are
 * unique and its zone is one. Where that does not hold we are wrong, and this throws. `hashKey` is to
 * be drawn at random for each table.
 */
export function buildAccessTable(content: TableContent, hashKey: HashKey): AccessTable {
  return new AccessTable(content, hashKey);
}

function admitsPeople({ kind }: RuleRecord): boolean {
  return kind === "grant" || kind === "grant_two_factors";
}

/** Of a rule: its own doors and those of its zones, each once. */
function doorNumbersOfRules(
  zones: readonly ZoneRecord[],
  doorNumber: (id: DoorId) => number,
): (rule: RuleRecord) => ReadonlySet<number> {
  const doorsIn = zoneDoors(zones);
  const doorsOfZone = (id: ZoneId): readonly DoorId[] => {
    const doors = doorsIn.get(id);
    if (doors === undefined) throw new Error(`the table refers to zone ${id}, which it lacks`);
    return doors;
  };
  return (rule) => new Set([...rule.doors, ...rule.zones.flatMap(doorsOfZone)].map(doorNumber));
}

function usersWithoutPass({ users, passes }: TableContent): ReadonlySet<UserId> {
  const idle = new Set(users.map(({ id }) => id));
  for (const { user } of passes) idle.delete(user);
  return idle;
}

function numbered<Id extends string>(
  noun: string,
  records: readonly { readonly id: Id }[],
): ReadonlyMap<Id, number> {
  const numbers = new Map<Id, number>();
  for (const [number, { id }] of records.entries()) {
    if (numbers.has(id)) throw new Error(`the table has ${noun} ${id} twice`);
    numbers.set(id, number);
  }
  return numbers;
}

function numberOf<Id extends string>(
  noun: string,
  numbers: ReadonlyMap<Id, number>,
  id: Id,
): number {
  const number = numbers.get(id);
  if (number === undefined) throw new Error(`the table refers to ${noun} ${id}, which it lacks`);
  return number;
}
