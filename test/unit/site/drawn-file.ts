import type { Seeded } from "../../../hal/sim/seeded.ts";
import { type RuleRecord, ruleKinds, userTraits } from "../../../src/domain/access.ts";
import { rawCredential } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import {
  controllerId,
  doorId,
  passId,
  readerId,
  ruleId,
  scheduleId,
  siteId,
  userId,
  zoneId,
} from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { SiteFile } from "../../../src/site/site-file.ts";
import type { FilePass } from "../../../src/site/site-file-passes.ts";

/** So few that what the file issues and what the API does meet each other often. */
export const rawCount = 14;
export const rawOf = (number: number) => rawCredential(`4:${number.toString(16)}`);
export const digitsOf = (number: number) => `100${number}`;

const some = <Item>(
  random: Seeded,
  count: number,
  make: (number: number) => Item,
): readonly Item[] =>
  Array.from({ length: count }, (_, number) => number)
    .filter(() => random.chance(0.7))
    .map(make);

const subset = <Item>(random: Seeded, items: readonly Item[], chance = 0.4): readonly Item[] =>
  items.filter(() => random.chance(chance));

/** A file that holds together, as the parser gives it. */
export function drawFile(random: Seeded): SiteFile {
  const schedules = some(random, 2, (number) => ({
    id: scheduleId(`schedule-${number}`),
    intervals: [{ days: [1 as const], fromMinute: random.between(0, 9), toMinute: 1_000 }],
  }));
  const doors = some(random, 4, (number) => ({
    ...doorDefaults,
    id: doorId(`door-${number}`),
    name: random.pick(["Front", "Back"]),
    controller: controllerId(random.pick(["one", "two"])),
    readers: [readerId(`reader-${number}`)],
  }));
  const doorIds = doors.map(({ id }) => id);
  const zones = some(random, 3, (number) => ({
    id: zoneId(`zone-${number}`),
    doors: subset(random, doorIds),
  }));
  const users = some(random, 6, (number) => ({
    id: userId(`user-${number}`),
    name: random.pick(["Ada", "Bob"]),
    suspended: random.chance(0.2),
    traits: subset(random, userTraits, 0.1),
  }));
  const userIds = users.map(({ id }) => id);
  const rules = some(random, 4, (number): RuleRecord => {
    const kind = random.pick(ruleKinds);
    const schedule = random.chance(0.4) ? schedules[0]?.id : undefined;
    return {
      id: ruleId(`rule-${number}`),
      kind,
      users: kind === "auto_unlock" ? [] : subset(random, userIds),
      doors: subset(random, doorIds),
      zones: subset(
        random,
        zones.map(({ id }) => id),
      ),
      ...(schedule !== undefined && { schedule }),
    };
  });
  return {
    site: siteId("test"),
    zone: random.pick(["UTC", "Europe/Vienna"]),
    calendar: some(random, 2, (number) => ({ month: 12, day: 24 + number, dayType: "x" as never })),
    zones,
    areas: [],
    doors,
    users,
    passes: drawPasses(random, userIds),
    rules,
    schedules,
    formats: [],
  };
}

function drawPasses(
  random: Seeded,
  users: SiteFile["rules"][number]["users"],
): readonly FilePass[] {
  const taken = new Set<string>();
  const isFree = (what: string) => !taken.has(what) && taken.add(what) !== undefined;
  const [first, ...others] = users;
  if (first === undefined) return [];
  return some(random, 8, (number): readonly FilePass[] => {
    const user = random.pick([first, ...others]);
    const common = {
      id: passId(`pass-${number}`),
      user,
      active: random.chance(0.8),
      traits: [],
      ...(random.chance(0.3) && { endsAt: epochMs(random.between(5_000, 9_000)) }),
      ...(random.chance(0.3) && { usesMax: random.between(1, 3) }),
    };
    if (random.chance(0.4)) {
      const isDuress = random.chance(0.3);
      const pin = digitsOf(random.between(0, 9));
      if (!isFree(pin) || !isFree(`${user} ${isDuress}`)) return [];
      return [{ ...common, kind: "pin", pin, traits: isDuress ? ["duress"] : [] }];
    }
    const card = random.between(0, rawCount - 1);
    if (!isFree(rawOf(card))) return [];
    const fields = { number: card };
    return [{ ...common, kind: "csn_card", card: { format: "plain", fields }, raw: rawOf(card) }];
  }).flat();
}
