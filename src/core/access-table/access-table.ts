import type { DoorSettings, TableContent, TableVersion } from "../../domain/access.ts";
import type { DoorId, ScheduleId, UserId } from "../../domain/ids.ts";
import type { EpochMs } from "../../domain/time.ts";
import { type CompiledSchedule, compileSchedule } from "../schedule.ts";
import { AccessProfiles } from "./access-profiles.ts";
import type { HashKey } from "./keyed-hash.ts";
import { PassColumns } from "./pass-columns.ts";

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
  readonly version: TableVersion;
  readonly compiledAt: EpochMs;
  readonly zone: string;
  readonly doors: readonly DoorSettings[];
  readonly credentialCount: number;
  readonly passes: PassColumns;
  readonly rules: AccessProfiles;
  private readonly doorNumbers: ReadonlyMap<DoorId, number>;
  private readonly suspended: Uint8Array;
  private readonly schedules: readonly NamedSchedule[];

  constructor(content: TableContent, hashKey: HashKey) {
    this.version = content.table;
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
    const userCount = content.users.length;
    this.suspended = Uint8Array.from(content.users, (user) => (user.suspended ? 1 : 0));
    const userNumber = (id: UserId): number => numberOf("user", userNumbers, id);
    this.rules = new AccessProfiles(content.rules, {
      userCount,
      doorCount: content.doors.length,
      userNumber,
      doorNumber: (id) => numberOf("door", this.doorNumbers, id),
      scheduleNumber: (id) => numberOf("schedule", scheduleNumbers, id),
    });
    const users = { count: userCount, numberOf: userNumber };
    this.passes = new PassColumns(content.passes, users, hashKey);
    this.credentialCount = this.passes.count;
  }

  door(id: DoorId): DoorSettings | undefined {
    return this.doors[this.doorNumber(id)];
  }

  /** -1 where the table does not have the door. */
  doorNumber(id: DoorId): number {
    return this.doorNumbers.get(id) ?? -1;
  }

  isSuspended(user: number): boolean {
    return this.suspended[user] !== 0;
  }

  schedule(schedule: number): NamedSchedule {
    const found = this.schedules[schedule];
    if (found === undefined) throw new Error(`no schedule ${schedule}`);
    return found;
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
