import type { Seeded } from "../../../hal/sim/seeded.ts";
import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  PassTrait,
  RuleRecord,
  ScheduleRecord,
  TableContent,
  UserRecord,
  UserTrait,
} from "../../../src/domain/access.ts";
import { pinDigest, rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import {
  areaId,
  controllerId,
  type DoorId,
  dayTypeId,
  doorId,
  passId,
  type ReaderId,
  readerId,
  ruleId,
  scheduleId,
  siteId,
  type UserId,
  userId,
  zoneId,
} from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { buildingZone } from "./hours.ts";
import type { DoorWiring } from "./paper-board.ts";

/** Where somebody can stand. Whether the site calls it an area is another matter. */
export type Room = "street" | "hall" | "lab" | "vault" | "shed";

/** A door in a wall between two rooms; a reader is on the side from which one walks up to it. */
export interface DoorPlace {
  readonly id: DoorId;
  readonly outside: Room;
  readonly inside: Room;
  readonly entryReader: ReaderId;
  readonly exitReader?: ReaderId;
  readonly hasContact: boolean;
  readonly hasRex: boolean;
}

const place = (
  id: string,
  outside: Room,
  inside: Room,
  part: Partial<DoorPlace> = {},
): DoorPlace => ({
  id: doorId(id),
  outside,
  inside,
  entryReader: readerId(`${id}-in`),
  hasContact: true,
  hasRex: true,
  ...part,
});

/** The same house for every seed; what its rules are, each seed draws. */
export const doorPlaces: readonly DoorPlace[] = [
  place("front", "street", "hall", { exitReader: readerId("front-out") }),
  place("side", "street", "hall"),
  place("lab", "hall", "lab", { exitReader: readerId("lab-out") }),
  place("vault", "lab", "vault", { exitReader: readerId("vault-out") }),
  place("shed", "street", "shed", { hasContact: false, hasRex: false }),
];

export function placeOf(reader: ReaderId): DoorPlace {
  const place = doorPlaces.find((one) => one.entryReader === reader || one.exitReader === reader);
  if (place === undefined) throw new Error(`no door has the reader ${reader}`);
  return place;
}

export const wiring: readonly DoorWiring[] = doorPlaces.map((one) => ({
  id: one.id,
  hasContact: one.hasContact,
  hasRex: one.hasRex,
  readers: one.exitReader === undefined ? [one.entryReader] : [one.entryReader, one.exitReader],
}));

export const people: readonly UserId[] = (
  ["ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lea"] as const
).map(userId);

export const strangersCard = rawFromBits("1".repeat(26));

/** What a keypad makes of digits here: anybody could read it, and nobody else's PIN has it. */
export const digestOf = (digits: string) => pinDigest(digits.padStart(32, "0"));

export const pinOf = (user: UserId, kind: "usual" | "duress"): string =>
  `${kind === "usual" ? 4 : 9}${String(people.indexOf(user)).padStart(2, "0")}7`;

/** An ordinary week, the nights of both changes of clocks, and the days before holidays. */
export function drawOpening(random: Seeded): number {
  const day = random.pick([
    "2026-06-08",
    "2026-03-28",
    "2026-10-24",
    "2026-12-23",
    "2025-12-23",
    "2026-05-13",
  ]);
  return Date.parse(`${day}T00:00:00Z`) + random.between(0, 24 * 3_600) * 1_000;
}

/** What the site decided when the building was opened. */
export function drawContent(random: Seeded, openedAt: number): TableContent {
  return {
    site: siteId("paper"),
    controller: controllerId("building"),
    table: { epoch: 1, version: 1 },
    compiledAt: epochMs(openedAt),
    zone: buildingZone,
    calendar: [
      { month: 12, day: 25, dayType: dayTypeId("holiday") },
      { year: 2026, month: 5, day: 14, dayType: dayTypeId("holiday") },
      { year: 2026, month: 12, day: 25, dayType: dayTypeId("open-day") },
    ],
    zones: [
      { id: zoneId("site"), doors: [doorId("front")] },
      { id: zoneId("ground"), parent: zoneId("site"), doors: [doorId("side"), doorId("lab")] },
      { id: zoneId("inner"), parent: zoneId("ground"), doors: [doorId("vault")] },
    ],
    areas: drawAreas(random),
    doors: doorPlaces.map((one) => drawDoor(random, one)),
    users: people.map((id) => drawUser(random, id)),
    passes: people.flatMap((user) => drawPasses(random, user, openedAt)),
    rules: drawRules(random),
    schedules,
  };
}

const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;
const workdays = [1, 2, 3, 4, 5] as const;

const schedules: readonly ScheduleRecord[] = [
  {
    id: scheduleId("office"),
    intervals: [
      { days: workdays, fromMinute: 8 * 60, toMinute: 12 * 60 },
      { days: workdays, fromMinute: 12 * 60 + 30, toMinute: 18 * 60 },
      { days: everyDay, dayType: dayTypeId("open-day"), fromMinute: 10 * 60, toMinute: 16 * 60 },
    ],
  },
  {
    id: scheduleId("night"),
    intervals: [
      { days: everyDay, fromMinute: 21 * 60, toMinute: 5 * 60 + 30 },
      { days: everyDay, dayType: dayTypeId("holiday"), fromMinute: 20 * 60, toMinute: 7 * 60 },
    ],
  },
  {
    id: scheduleId("weekend"),
    intervals: [{ days: [6, 7], fromMinute: 0, toMinute: 1_440 }],
  },
];

export function drawAreas(random: Seeded): readonly AreaRecord[] {
  return (["hall", "lab", "vault"] as const).map((id) => {
    const passback = random.pick(["none", "soft", "hard", "hard", "timed"]);
    const passbackMs = random.pick([90_000, 600_000, 6 * 3_600_000]);
    return {
      id: areaId(id),
      passback,
      ...((passback === "timed" || random.chance(0.3)) && { passbackMs }),
      ...(random.chance(id === "hall" ? 0.3 : 0.5) && { occupancyMax: random.between(1, 4) }),
      managerIn: random.chance(0.25) ? "required" : "not_required",
    };
  });
}

export function drawDoor(random: Seeded, { id, exitReader }: DoorPlace): DoorSettings {
  const inside = id === "shed" || (id !== "vault" && random.chance(0.1)) ? undefined : insideOf(id);
  const outside = outsideOf(id);
  const partner = interlockPartners.get(id);
  return {
    ...doorDefaults,
    id,
    name: id,
    posture: random.chance(0.85) ? "locked" : random.pick(["unlocked", "free_access", "disabled"]),
    unlockMs: random.pick([3_000, 5_000]),
    extraTimeMs: random.pick([10_000, 30_000]),
    strikeOnMaxMs: 600_000,
    heldOpenWatch: random.pick(["always", "while_locked"]),
    relock: random.pick(["after_unlock_time", "on_open", "on_close"]),
    factors: random.pick(["card", "card", "card_or_pin", "card_or_pin", "card_and_pin"]),
    rex: random.chance(0.8) ? "admit" : "report",
    clockUnknown: random.pick(["deny", "allow"]),
    ...(inside !== undefined && { inside: areaId(inside) }),
    ...(outside !== undefined && inside !== undefined && { outside: areaId(outside) }),
    exitReaders: [
      ...(exitReader === undefined ? [] : [exitReader]),
      // That nobody wired.
      ...(random.chance(0.03) ? [readerId("attic-out")] : []),
    ],
    interlock: partner !== undefined && random.chance(0.4) ? [partner] : [],
    twoPerson: id === "vault" && random.chance(0.4) ? "required" : "not_required",
    tamper: random.pick(["deny", "go_on"]),
    fire: random.chance(0.4) ? "unlock" : "ignore",
    afterRestart: random.pick(["remember", "remember", "forget"]),
  };
}

const interlockPartners: ReadonlyMap<DoorId, DoorId> = new Map([
  [doorId("lab"), doorId("vault")],
  [doorId("vault"), doorId("lab")],
  [doorId("front"), doorId("side")],
]);

function insideOf(id: DoorId): string {
  return id === "front" || id === "side" ? "hall" : id;
}

function outsideOf(id: DoorId): string | undefined {
  if (id === "lab") return "hall";
  return id === "vault" ? "lab" : undefined;
}

function drawUser(random: Seeded, id: UserId): UserRecord {
  const draws: readonly (readonly [UserTrait, number])[] = [
    ["extra_time", 0.2],
    ["needs_escort", 0.15],
    ["may_escort", 0.3],
    ["manager", 0.25],
    ["passback_exempt", 0.1],
  ];
  const traits = draws.filter(([, chance]) => random.chance(chance)).map(([trait]) => trait);
  return { id, suspended: random.chance(0.05), ...(traits.length > 0 && { traits }) };
}

function drawPasses(random: Seeded, user: UserId, openedAt: number): readonly PassRecord[] {
  const number = people.indexOf(user);
  const passes: PassRecord[] = [
    {
      ...drawCard(random, openedAt),
      id: passId(`${user}-card`),
      user,
      kind: "csn_card",
      presents: { as: "raw", raw: cardRaw(number, 26) },
    },
  ];
  if (random.chance(0.3)) {
    passes.push({
      ...drawCard(random, openedAt),
      id: passId(`${user}-phone`),
      user,
      kind: "mobile",
      presents: { as: "raw", raw: cardRaw(number, 48) },
    });
  }
  if (random.chance(0.7)) {
    const usesMax = random.between(1, 3);
    passes.push(pinPass(user, "usual", random.chance(0.1) ? { usesMax } : {}));
    if (random.chance(0.4)) passes.push(pinPass(user, "duress", { traits: ["duress"] }));
  }
  return passes;
}

function pinPass(user: UserId, kind: "usual" | "duress", part: Partial<PassRecord>): PassRecord {
  const digest = digestOf(pinOf(user, kind));
  const id = passId(`${user}-${kind}-pin`);
  return { id, user, kind: "pin", active: true, presents: { as: "pin", digest }, ...part };
}

function cardRaw(number: number, bitCount: number) {
  return rawFromBits((number + 1).toString(2).padStart(bitCount, "0"));
}

function drawCard(
  random: Seeded,
  openedAt: number,
): Omit<PassRecord, "id" | "user" | "presents" | "kind"> {
  const traits: readonly PassTrait[] = [
    ...(random.chance(0.15) ? (["pass_through"] as const) : []),
    ...(random.chance(0.12) ? (["toggle"] as const) : []),
  ];
  const dayMs = 86_400_000;
  return {
    active: !random.chance(0.04),
    ...(random.chance(0.1) && { startsAt: epochMs(openedAt + random.between(-2, 3) * dayMs) }),
    ...(random.chance(0.15) && { endsAt: epochMs(openedAt + random.between(-1, 6) * dayMs) }),
    ...(random.chance(0.25) && { usesMax: random.between(1, 5) }),
    ...(traits.length > 0 && { traits }),
  };
}

export function drawRules(random: Seeded): readonly RuleRecord[] {
  const rules: RuleRecord[] = [];
  const everybody = random.chance(0.75);
  if (everybody) rules.push({ ...grantRule("everybody", people), zones: [zoneId("site")] });
  for (let count = random.between(2, 7); count > 0; count -= 1) {
    const users = people.filter(() => random.chance(0.5));
    const kind = random.pick(["grant", "grant", "grant_two_factors"]);
    rules.push({
      ...grantRule(`rule-${count}`, users),
      kind,
      ...drawWhere(random),
      ...drawWhen(random),
    });
  }
  if (random.chance(0.6)) {
    rules.push({
      ...grantRule("opens", []),
      kind: "auto_unlock",
      ...drawWhere(random),
      ...drawWhen(random, 0.05),
    });
  }
  if (random.chance(0.5)) {
    const users = random.chance(0.5) ? [] : people.filter(() => random.chance(0.4));
    rules.push({
      ...grantRule("first", users),
      kind: "first_person_in",
      ...drawWhere(random),
      ...drawWhen(random, 0),
    });
  }
  return rules;
}

function grantRule(id: string, users: readonly UserId[]): RuleRecord {
  return { id: ruleId(id), kind: "grant", users, doors: [], zones: [] };
}

function drawWhere(random: Seeded): Pick<RuleRecord, "doors" | "zones"> {
  if (random.chance(0.4)) {
    return { doors: [], zones: [zoneId(random.pick(["site", "ground", "inner"]))] };
  }
  return { doors: doorPlaces.map(({ id }) => id).filter(() => random.chance(0.4)), zones: [] };
}

function drawWhen(random: Seeded, always = 0.5): Pick<RuleRecord, "schedule"> {
  if (random.chance(always)) return {};
  return { schedule: scheduleId(random.pick(["office", "night", "weekend"])) };
}
