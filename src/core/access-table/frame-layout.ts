import type { AreaRecord, ZoneRecord } from "../../domain/access.ts";
import type { AreaId, DoorId, ScheduleId, ZoneId } from "../../domain/ids.ts";
import type { FrameRule, TableFrame } from "../../domain/table-change.ts";
import type { PosturePlace, UnlockRule } from "../posture.ts";
import { type CompiledSchedule, compileSchedule } from "../schedule.ts";
import { wallClockOf } from "../wall-clock.ts";
import { type Crossings, crossingsOf } from "./crossing.ts";
import { RuleColumns } from "./rule-columns.ts";
import { TableFault } from "./table-fault.ts";
import { type NamesRule, unlockRuleOf } from "./unlock-rules.ts";
import { zoneDoors } from "./zone-doors.ts";

export interface NamedSchedule {
  readonly id: ScheduleId;
  readonly compiled: CompiledSchedule;
}

/** A frame, laid out for decisions. Doors, rules and schedules go by number. */
export class FrameLayout {
  readonly frame: TableFrame;
  readonly doorNumbers: ReadonlyMap<DoorId, number>;
  readonly places: readonly PosturePlace[];
  readonly crossings: readonly (Crossings | undefined)[];
  readonly areas: ReadonlyMap<AreaId, AreaRecord>;
  readonly rules: RuleColumns;
  private readonly schedules: readonly NamedSchedule[];

  /** Throws a TableFault for a frame that is not valid. `before`: whose rules keep their ordinals. */
  constructor(frame: TableFrame, namesRule: NamesRule, before?: FrameLayout) {
    const { doors, areas, zones, schedules } = frame;
    this.frame = frame;
    this.doorNumbers = numbered("door", doors);
    const scheduleNumbers = numbered("schedule", schedules);
    this.schedules = compiledSchedules(frame);
    const doorsOf = doorNumbersOfRules(zones, (id) => numberOf("door", this.doorNumbers, id));
    const scheduleNumber = (id: ScheduleId) => numberOf("schedule", scheduleNumbers, id);
    const numbering = { doorCount: doors.length, doorsOf, scheduleNumber };
    this.rules = new RuleColumns(frame, numbering, before?.rules);
    numbered("area", areas);
    this.areas = new Map(areas.map((area) => [area.id, area]));
    this.crossings = doors.map((door) => crossingsOf(door, this.areas));
    this.places = this.posturePlaces(doorsOf, scheduleNumber, namesRule);
  }

  schedule(number: number): NamedSchedule {
    const found = this.schedules[number];
    if (found === undefined) throw new Error(`no schedule ${number}`);
    return found;
  }

  private posturePlaces(
    doorsOf: (rule: FrameRule) => Iterable<number>,
    scheduleNumber: (id: ScheduleId) => number,
    namesRule: NamesRule,
  ): readonly PosturePlace[] {
    const { doors, rules } = this.frame;
    const places = doors.map((settings) => ({ settings, rules: [] as UnlockRule[] }));
    for (const rule of rules) {
      const unlocking = unlockRuleOf(rule, {
        ordinal: this.rules.ordinalOf(rule.id) ?? -1,
        namesRule,
        schedule: (id) => this.schedule(scheduleNumber(id)).compiled,
      });
      if (unlocking === undefined) continue;
      for (const door of doorsOf(rule)) places[door]?.rules.push(unlocking);
    }
    return places;
  }
}

function compiledSchedules({ schedules, zone, calendar }: TableFrame): readonly NamedSchedule[] {
  try {
    // A zone is told of even where no schedule asks.
    wallClockOf(zone);
    return schedules.map((record) => ({
      id: record.id,
      compiled: compileSchedule(record, zone, calendar),
    }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TableFault(`there is no zone ${zone}`, { cause: error });
  }
}

/** Of a rule: its own doors and those of its zones, each once. */
function doorNumbersOfRules(
  zones: readonly ZoneRecord[],
  doorNumber: (id: DoorId) => number,
): (rule: FrameRule) => ReadonlySet<number> {
  const doorsIn = zoneDoors(zones);
  for (const doors of doorsIn.values()) doors.forEach(doorNumber);
  const doorsOfZone = (id: ZoneId): readonly DoorId[] => {
    const doors = doorsIn.get(id);
    if (doors === undefined) throw new TableFault(`the table refers to zone ${id}, which it lacks`);
    return doors;
  };
  return (rule) => new Set([...rule.doors, ...rule.zones.flatMap(doorsOfZone)].map(doorNumber));
}

function numbered<Id extends string>(
  noun: string,
  records: readonly { readonly id: Id }[],
): ReadonlyMap<Id, number> {
  const numbers = new Map<Id, number>();
  for (const [number, { id }] of records.entries()) {
    if (numbers.has(id)) throw new TableFault(`the table has ${noun} ${id} twice`);
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
  if (number === undefined) {
    throw new TableFault(`the table refers to ${noun} ${id}, which it lacks`);
  }
  return number;
}
