import type { Seeded } from "../../../hal/sim/seeded.ts";
import type { DoorSettings, PassRecord, TableContent } from "../../../src/domain/access.ts";
import type { DoorId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { doorPlaces, drawAreas, drawDoor, drawRules } from "./plan.ts";
import type { BuildingWorld } from "./world.ts";

type Change = (
  content: TableContent,
  world: BuildingWorld,
  random: Seeded,
) => Partial<TableContent>;

/** What a site changes from one table to the next. */
const changes: Readonly<Record<string, Change>> = {
  suspendOrNot: ({ users }, _world, random) => ({
    users: changeOne(users, random, (user) => ({ ...user, suspended: random.chance(0.3) })),
  }),
  revokeOrNot: ({ passes }, _world, random) => ({
    passes: changeOne(passes, random, (pass) => ({ ...pass, active: random.chance(0.6) })),
  }),
  cardIsLost: ({ passes }, _world, random) => {
    const lost = random.between(0, passes.length - 1);
    return passes.length < 8 ? {} : { passes: passes.filter((_, index) => index !== lost) };
  },
  togglerGoes: ({ passes, users }, { truth }, random) => {
    const toggling = doorPlaces.flatMap(({ id }) => truth.toggledBy(id) ?? []);
    const gone = passes.find(({ id }) => toggling.includes(id));
    if (gone === undefined) return {};
    const others = passes.filter(({ id }) => id !== gone.id);
    if (random.chance(0.3)) return { passes: others };
    if (random.chance(0.5)) return { passes: [...others, { ...gone, active: false }] };
    return {
      users: users.map((user) => (user.id === gone.user ? { ...user, suspended: true } : user)),
    };
  },
  passEndsSoon: ({ passes }, world, random) => ({
    passes: changeOne(passes, random, (pass) => ({
      ...pass,
      endsAt: epochMs(world.trueWallAt + random.between(-1, 20) * 600_000),
    })),
  }),
  usesAreCounted: ({ passes }, world, random) => ({
    passes: passes.map((pass) => counted(pass, world, random)),
  }),
  doorIsRebuilt: ({ doors }, world, random) => {
    const place = doorPlaces[random.between(0, doorPlaces.length - 1)];
    if (place === undefined) return {};
    const rebuilt = drawDoor(random, place);
    const isOther = (door: DoorSettings) =>
      door.inside !== rebuilt.inside || door.outside !== rebuilt.outside;
    const known = doors.map(({ id }) => id);
    const built = { ...rebuilt, interlock: rebuilt.interlock.filter((id) => known.includes(id)) };
    // Who is inside of an area with a new door is anybody's guess.
    const mayBe = (door: DoorSettings) => !world.isOrderly || !isOther(door);
    return { doors: doors.map((door) => (door.id === place.id && mayBe(door) ? built : door)) };
  },
  doorIsGivenUpOrBack: (content, world, random) => {
    const { doors } = content;
    const missing = doorPlaces.filter(({ id }) => doors.every((door) => door.id !== id));
    if (missing.length > 0) {
      return { doors: [...doors, ...missing.map((place) => drawDoor(random, place))] };
    }
    const gone = doors[random.between(0, doors.length - 1)]?.id;
    return world.isOrderly || gone === undefined ? {} : withoutDoor(content, gone);
  },
  rulesAreRewritten: (content, _world, random) => {
    const doors = new Set(content.doors.map(({ id }) => id));
    const rules = drawRules(random);
    return {
      rules: rules.map((rule) => ({ ...rule, doors: rule.doors.filter((id) => doors.has(id)) })),
    };
  },
  areasAreRewritten: (_content, world, random) =>
    world.isOrderly ? {} : { areas: drawAreas(random) },
};

/** Nothing in a table names a door that it lacks. */
function withoutDoor(content: TableContent, gone: DoorId): Partial<TableContent> {
  const isKept = (door: DoorId) => door !== gone;
  return {
    doors: content.doors
      .filter(({ id }) => isKept(id))
      .map((door) => ({ ...door, interlock: door.interlock.filter(isKept) })),
    rules: content.rules.map((rule) => ({ ...rule, doors: rule.doors.filter(isKept) })),
    zones: content.zones.map((zone) => ({ ...zone, doors: zone.doors.filter(isKept) })),
  };
}

/** The next table. */
export function revise(world: BuildingWorld, random: Seeded): TableContent {
  const { content } = world.truth;
  const names = Object.keys(changes);
  const change = changes[names[random.between(0, names.length - 1)] ?? ""];
  return {
    ...content,
    ...change?.(content, world, random),
    table: { epoch: 1, version: content.table.version + 1 },
    compiledAt: epochMs(world.trueWallAt),
  };
}

function changeOne<T>(all: readonly T[], random: Seeded, change: (one: T) => T): readonly T[] {
  const chosen = random.between(0, all.length - 1);
  return all.map((one, index) => (index === chosen ? change(one) : one));
}

/** The site has heard of the uses here, and now and then of one at another controller. */
function counted(pass: PassRecord, world: BuildingWorld, random: Seeded): PassRecord {
  if (pass.usesMax === undefined) return pass;
  const spentHere = world.truth.uses.counts.get(pass.id) ?? 0;
  const elsewhere = pass.spentElsewhere ?? 0;
  return { ...pass, spentHere, spentElsewhere: elsewhere + (random.chance(0.2) ? 1 : 0) };
}
