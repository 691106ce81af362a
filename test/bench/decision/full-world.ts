import { Seeded } from "../../../hal/sim/seeded.ts";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { PremisesMemory } from "../../../src/core/premises-memory.ts";
import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  UserRecord,
  ZoneRecord,
} from "../../../src/domain/access.ts";
import { areaId, dayTypeId, readerId, ruleId, zoneId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import {
  doorCount,
  doorName,
  now,
  officeHours,
  passName,
  requestSource,
  userName,
} from "./world.ts";

/**
 * The site of world.ts with every rule there is: zones, areas with anti-passback, limits and managers,
 * use counts, traits, rules that unlock doors or ask for two factors, a calendar, interlocks. No peer
 * is asked about it, because none has them.
 */
const areaCount = 4;
const zoneSize = 4;
/** Whom the premises know to be somewhere. */
const recordedCount = 1_000;

const exitReader = (door: number): DoorSettings["exitReaders"][number] => readerId(`out-${door}`);
const areaName = (door: number): AreaRecord["id"] => areaId(`area-${door % areaCount}`);
const zoneOf = (door: number): ZoneRecord["id"] => zoneId(`zone-${Math.floor(door / zoneSize)}`);

const areas: readonly AreaRecord[] = [
  { passback: "hard", passbackMs: 3_600_000, occupancyMax: 10_000, managerIn: "not_required" },
  { passback: "hard", managerIn: "not_required" },
  { passback: "soft", managerIn: "required" },
  { passback: "none", occupancyMax: 10_000, managerIn: "not_required" },
].map((area, number) => ({ ...area, id: areaName(number) }) as AreaRecord);

export function withEveryRule(content: TableContent): TableContent {
  return {
    ...content,
    calendar: Array.from({ length: 20 }, (_, day) => ({
      ...(day % 2 === 0 && { year: 2026 }),
      month: 1 + (day % 12),
      day: 1 + day,
      dayType: dayTypeId("holiday"),
    })),
    zones: [
      { id: zoneId("house"), doors: [] },
      ...Array.from({ length: doorCount / zoneSize }, (_, zone) => ({
        id: zoneOf(zone * zoneSize),
        parent: zoneId("house"),
        doors: Array.from({ length: zoneSize }, (_, door) => doorName(zone * zoneSize + door)),
      })),
    ],
    areas,
    doors: content.doors.map(doorWithRules),
    users: content.users.map(userWithTraits),
    passes: content.passes.map(passWithUses),
    rules: [...content.rules.map(ruleOfAnyKind), ...unlockingRules(content)],
  };
}

function doorWithRules(settings: DoorSettings, door: number): DoorSettings {
  return {
    ...settings,
    inside: areaName(door),
    exitReaders: [exitReader(door)],
    interlock: door % 4 === 0 ? [doorName((door + 1) % doorCount)] : [],
    tamper: "deny",
    twoPerson: door === 15 ? "required" : "not_required",
  };
}

function userWithTraits(user: UserRecord, number: number): UserRecord {
  if (number % 20 === 0) return { ...user, traits: ["extra_time"] };
  if (number % 50 === 1) return { ...user, traits: ["manager", "may_escort"] };
  if (number % 100 === 2) return { ...user, traits: ["needs_escort"] };
  return number % 100 === 4 ? { ...user, traits: ["passback_exempt"] } : user;
}

function passWithUses(pass: PassRecord, number: number): PassRecord {
  if (number % 10 === 0) return { ...pass, usesMax: 1_000, spentHere: 1, spentElsewhere: 2 };
  if (number % 100 === 1) return { ...pass, traits: ["pass_through"] };
  return number % 100 === 2 ? { ...pass, traits: ["toggle"] } : pass;
}

function ruleOfAnyKind(rule: RuleRecord, number: number): RuleRecord {
  if (number % 5 === 0) return { ...rule, kind: "grant_two_factors" };
  return number % 5 === 1 ? { ...rule, zones: [zoneOf(number % doorCount)] } : rule;
}

function unlockingRules({ users }: TableContent): readonly RuleRecord[] {
  return Array.from({ length: 8 }, (_, number) => ({
    id: ruleId(`unlock-${number}`),
    kind: number % 2 === 0 ? "auto_unlock" : "first_person_in",
    users: number % 2 === 0 ? [] : users.slice(0, 100).map(({ id }) => id),
    doors: [],
    zones: [zoneOf(number * 2)],
    schedule: officeHours.id,
  }));
}

/** The requests of world.ts, at either reader of the door, with people inside and some at each limit. */
export function fullRequestSource(passCount: number, seed: number): () => AccessRequest {
  const next = requestSource(passCount, seed);
  const random = new Seeded(seed);
  const premises = new PremisesMemory();
  for (let person = 0; person < recordedCount; person += 1) {
    const user = random.between(0, passCount - 1);
    const passage = { user: userName(user), to: areaName(person), isManager: person % 50 === 2 };
    premises.apply({
      kind: "moved",
      passage,
      door: doorName(person % doorCount),
      at: monotonicMs(person),
      afterRestart: "remember",
    });
    premises.apply({ kind: "spent", pass: passName(user), spent: 3 });
  }
  // Made once, as a board's are, and not at each presentation.
  const readers = new Map(
    Array.from({ length: doorCount }, (_, door) => [
      doorName(door),
      [exitReader(door), readerId(`in-${door}`)],
    ]),
  );
  return () => {
    const { door, presented } = next();
    const reader = readers.get(door)?.[random.between(0, 1)] ?? exitReader(0);
    return {
      door,
      reader,
      presented,
      premises,
      now: monotonicMs(1_000_000),
      wall: { at: now, quality: "trusted" },
    };
  };
}
