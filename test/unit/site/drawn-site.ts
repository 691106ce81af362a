import type { Seeded } from "../../../hal/sim/seeded.ts";
import { passTraits, type RuleRecord, ruleKinds, userTraits } from "../../../src/domain/access.ts";
import { pinDigest, rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import {
  controllerId,
  doorId,
  passId,
  ruleId,
  scheduleId,
  siteId,
  userId,
  zoneId,
} from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { SiteDoor, SiteModel, SitePass, SiteUser } from "../../../src/site/site-model.ts";

const controllers = ["one", "two", "three"] as const;
/** Never with a door, or no longer. */
export const everyController = [...controllers, "bare"].map(controllerId);

/**
 * A small site that holds together: so few of everything that each thing meets each other. With
 * `before`, most of it is as it was there.
 */
export function drawSite(random: Seeded, before?: SiteModel): SiteModel {
  const stay = before === undefined ? 0 : random.pick([0.99, 0.9, 0.5]);
  const draw = <Item extends { readonly id: string }>(
    most: number,
    was: readonly Item[] | undefined,
    make: (number: number) => Item,
  ): readonly Item[] =>
    Array.from({ length: most }, (_, number) => number).flatMap((number) => {
      const made = make(number);
      const known = was?.find(({ id }) => id === made.id);
      if (was !== undefined && random.chance(stay)) return known ?? [];
      return random.chance(0.75) ? [made] : [];
    });
  const doors = draw(6, before?.doors, (number) => drawDoor(random, number));
  const users = draw(6, before?.users, (number) => drawUser(random, number));
  const zones = draw(4, before?.zones, (number) => ({
    id: zoneId(`zone-${number}`),
    ...(number > 0 && random.chance(0.5) && { parent: zoneId(`zone-${number - 1}`) }),
    doors: subset(random, doors, 0.3).map(({ id }) => id),
  }));
  const here = { users, doors, zones };
  return mended({
    site: siteId("test"),
    zone: random.chance(0.95) ? "Europe/Vienna" : "UTC",
    calendar: [],
    areas: [],
    ...here,
    passes: draw(9, before?.passes, (number) => {
      const known = before?.passes.find(({ id }) => id === passId(`pass-${number}`));
      const isOneThing = known !== undefined && random.chance(0.5);
      return isOneThing ? oneThingElse(random, known) : drawPass(random, number);
    }),
    rules: inSomeOrder(
      random,
      draw(5, before?.rules, (number) => drawRule(random, number, here)),
    ),
    schedules: [{ id: scheduleId("day"), intervals: [] }],
  });
}

/** Without references to what is not there, and with each credential once. */
function mended(site: SiteModel): SiteModel {
  const known = new Set<string>([...site.users, ...site.doors, ...site.zones].map(({ id }) => id));
  const isKnown = (id: string) => known.has(id);
  const presented = new Set<string>();
  return {
    ...site,
    zones: site.zones.map(({ parent, ...zone }) => ({
      ...zone,
      ...(parent !== undefined && isKnown(parent) && { parent }),
      doors: zone.doors.filter(isKnown),
    })),
    passes: site.passes.filter((pass) => {
      const presents = pass.kind === "pin" ? pass.digest : pass.raw;
      if (!isKnown(pass.user) || presented.has(presents)) return false;
      presented.add(presents);
      return true;
    }),
    rules: site.rules.map((rule) => ({
      ...rule,
      users: rule.users.filter(isKnown),
      doors: rule.doors.filter(isKnown),
      zones: rule.zones.filter(isKnown),
    })),
  };
}

function subset<Item>(random: Seeded, items: readonly Item[], chance: number): readonly Item[] {
  return items.filter(() => random.chance(chance));
}

function drawDoor(random: Seeded, number: number): SiteDoor {
  return {
    ...doorDefaults,
    id: doorId(`door-${number}`),
    name: random.pick(["Front", "Back"]),
    controller: controllerId(random.pick(controllers)),
    readers: [],
    posture: random.chance(0.1) ? "free_access" : "locked",
  };
}

function drawUser(random: Seeded, number: number): SiteUser {
  return {
    id: userId(`user-${number}`),
    name: random.pick(["Ada", "Bob"]),
    suspended: random.chance(0.2),
    traits: subset(random, userTraits, 0.1),
  };
}

function drawPass(random: Seeded, number: number): SitePass {
  const common = {
    id: passId(`pass-${number}`),
    user: userId(`user-${random.between(0, 5)}`),
    active: random.chance(0.8),
    ...(random.chance(0.4) && { startsAt: epochMs(random.between(1, 3) * 1_000) }),
    ...(random.chance(0.4) && { endsAt: epochMs(random.between(4, 6) * 1_000) }),
    ...(random.chance(0.5) && { usesMax: random.between(1, 4) }),
  };
  if (random.chance(0.3)) {
    const traits = subset(random, passTraits, 0.2);
    return {
      ...common,
      kind: "pin",
      traits,
      digest: pinDigest(`${random.between(0, 9)}`.repeat(32)),
    };
  }
  const raw = rawFromBits(random.bits(4));
  const kind = random.pick(["csn_card", "mobile"]);
  return { ...common, kind, traits: [], card: { format: "plain", fields: {} }, raw };
}

function oneThingElse(random: Seeded, pass: SitePass): SitePass {
  const other = drawPass(random, 0);
  const { user, active, startsAt, endsAt, usesMax } = other;
  return random.pick([
    { ...pass, user },
    { ...pass, active },
    ...(startsAt === undefined ? [] : [{ ...pass, startsAt }]),
    ...(endsAt === undefined ? [] : [{ ...pass, endsAt }]),
    ...(usesMax === undefined ? [] : [{ ...pass, usesMax }]),
    { ...other, id: pass.id },
  ]);
}

function inSomeOrder<Item>(random: Seeded, items: readonly Item[]): readonly Item[] {
  return random.chance(0.1) ? items.toReversed() : items;
}

function drawRule(
  random: Seeded,
  number: number,
  { users, doors, zones }: Pick<SiteModel, "users" | "doors" | "zones">,
): RuleRecord {
  const kind = random.pick(ruleKinds);
  return {
    id: ruleId(`rule-${number}`),
    kind,
    users: kind === "auto_unlock" ? [] : subset(random, users, 0.4).map(({ id }) => id),
    doors: subset(random, doors, 0.2).map(({ id }) => id),
    zones: subset(random, zones, 0.3).map(({ id }) => id),
    ...(kind === "first_person_in" && { schedule: scheduleId("day") }),
  };
}
