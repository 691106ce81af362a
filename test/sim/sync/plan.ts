import { type RawCredential, rawFromBits } from "../../../src/domain/credential.ts";
import { encodeCard, standardFormats } from "../../../src/protocols/wiegand/format.ts";

/*
 * What the people who run the site want, as plain maps: the truth that every table is held to. A plan
 * is never changed; a move makes the next one.
 */

export interface PlannedDoor {
  readonly controller: string;
  readonly posture: "locked" | "free_access" | "disabled" | "lockdown";
  readonly name: string;
}

export interface PlannedUser {
  readonly isSuspended: boolean;
}

export interface PlannedPass {
  readonly user: string;
  /** Of the card. */
  readonly number: number;
  readonly isActive: boolean;
  /** Milliseconds since 1970, whole seconds. */
  readonly startsAt?: number;
  readonly endsAt?: number;
  readonly uses?: number;
}

export interface PlannedRule {
  readonly users: readonly string[];
  readonly doors: readonly string[];
  readonly schedule?: string;
}

/** Every day, within one day. */
export interface PlannedHours {
  readonly fromHour: number;
  readonly toHour: number;
}

export interface Plan {
  readonly doors: ReadonlyMap<string, PlannedDoor>;
  readonly users: ReadonlyMap<string, PlannedUser>;
  readonly passes: ReadonlyMap<string, PlannedPass>;
  readonly rules: ReadonlyMap<string, PlannedRule>;
  readonly schedules: ReadonlyMap<string, PlannedHours>;
  /** People who come all at once, more than one delta can carry, and whom no rule names. */
  readonly crowdCount: number;
}

export const siteName = "sim";
export const controllerNames = ["north", "south", "west"] as const;
/** The doors that there ever are, and where. */
export const doorPlaces: Readonly<Record<string, (typeof controllerNames)[number]>> = {
  "north-1": "north",
  "north-2": "north",
  "south-1": "south",
  "west-1": "west",
};
export const userNames = Array.from({ length: 6 }, (_, number) => `user-${number}`);
export const passNames = Array.from({ length: 10 }, (_, number) => `pass-${number}`);
export const ruleNames = Array.from({ length: 5 }, (_, number) => `rule-${number}`);
/** Cards that there are; the plan's passes have some of them. */
export const cardNumbers = Array.from({ length: 14 }, (_, number) => number + 1);

/** Numbers of their own, and ids as long as they may be: so that few fill a delta. */
export const firstCrowdCard = 1_000;
const crowdPad = "x".repeat(52);

export const firstPlan: Plan = {
  doors: new Map(
    Object.entries(doorPlaces).map(([id, controller]) => [
      id,
      { controller, posture: "locked", name: id },
    ]),
  ),
  users: new Map(userNames.slice(0, 4).map((id) => [id, { isSuspended: false }])),
  passes: new Map(
    passNames
      .slice(0, 5)
      .map((id, place) => [
        id,
        { user: `user-${place % 4}`, number: place + 1, isActive: true, ...usesOf(place) },
      ]),
  ),
  rules: new Map([
    ["rule-0", { users: ["user-0", "user-1"], doors: ["north-1", "south-1", "west-1"] }],
    ["rule-1", { users: ["user-2"], doors: ["north-2", "west-1"], schedule: "day" }],
  ]),
  schedules: new Map([["day", { fromHour: 8, toHour: 18 }]]),
  crowdCount: 0,
};

function usesOf(place: number): { readonly uses?: number } {
  return place % 2 === 0 ? {} : { uses: 3 };
}

/** The same plan as a site file. */
export function siteFileOf(plan: Plan): string {
  const crowd = Array.from({ length: plan.crowdCount }, (_, number) => number);
  return `site = "${siteName}"
zone = "UTC"
doors = ${listed(plan.doors, (id, { controller, posture, name }) => ({ id, name, controller, posture }))}
users = [${listed(plan.users, (id, user) => ({ id, name: id, suspended: user.isSuspended })).slice(1, -1)}${crowd
    .map((number) => `{ id = "u${number}-${crowdPad}", name = "Somebody" },\n`)
    .join("")}]
passes = [${passLines(plan)}${crowd.map((number) => `${crowdPass(number)},\n`).join("")}]
rules = ${listed(plan.rules, (id, { users, doors, schedule }) => ({
    id,
    users,
    doors,
    ...(schedule !== undefined && { schedule }),
  }))}
schedules = [${Array.from(plan.schedules, ([id, { fromHour, toHour }]) => hoursLine(id, fromHour, toHour)).join(", ")}]
`;
}

/** What a reader sends of this card. */
export function rawOf(number: number): RawCredential {
  const known = raws.get(number);
  if (known !== undefined) return known;
  const format = standardFormats.find(({ name }) => name === "H10301");
  const bits = format && encodeCard(format, { facility: facilityOf(number), number });
  if (bits?.ok !== true) throw new Error(`card ${number} cannot be made`);
  const raw = rawFromBits(bits.value);
  raws.set(number, raw);
  return raw;
}

const raws = new Map<number, RawCredential>();

function facilityOf(number: number): number {
  return number >= firstCrowdCard ? 7 : 12;
}

function passLines({ passes }: Plan): string {
  return Array.from(passes, ([id, { user, number, isActive, startsAt, endsAt, uses }]) => {
    const fields = [
      `id = "${id}", user = "${user}", kind = "csn_card", active = ${String(isActive)}`,
      cardOf(number),
      ...(startsAt === undefined ? [] : [`starts_at = ${localTime(startsAt)}`]),
      ...(endsAt === undefined ? [] : [`ends_at = ${localTime(endsAt)}`]),
      ...(uses === undefined ? [] : [`uses = ${uses}`]),
    ];
    return `{ ${fields.join(", ")} },\n`;
  }).join("");
}

function crowdPass(number: number): string {
  const id = `${number}-${crowdPad}`;
  const card = cardOf(firstCrowdCard + number);
  return `{ id = "p${id}", user = "u${id}", kind = "csn_card", ${card} }`;
}

function cardOf(number: number): string {
  return `card = { format = "H10301", facility = ${facilityOf(number)}, number = ${number} }`;
}

const allDays = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]';

function hoursLine(id: string, fromHour: number, toHour: number): string {
  const interval = `{ days = ${allDays}, from = "${clock(fromHour)}", to = "${clock(toHour)}" }`;
  return `{ id = "${id}", intervals = [${interval}] }`;
}

const clock = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;

const localTime = (at: number): string => new Date(at).toISOString().slice(0, 19);

type Field = string | boolean | readonly string[];

function listed<Item>(
  items: ReadonlyMap<string, Item>,
  fields: (id: string, item: Item) => Readonly<Record<string, Field>>,
): string {
  const lines = Array.from(items, ([id, item]) => {
    const parts = Object.entries(fields(id, item)).map(
      // Strings, truth values and lists of strings are written in TOML as they are in JSON.
      ([name, value]) => `${name} = ${JSON.stringify(value)}`,
    );
    return `{ ${parts.join(", ")} },\n`;
  });
  return `[${lines.join("")}]`;
}
