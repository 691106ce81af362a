import type { Seeded } from "../../../hal/sim/seeded.ts";
import type { DoorSettings, PassRecord, TableContent } from "../../../src/domain/access.ts";
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
    // Who is inside of an area with a new door is anybody's guess.
    const mayBe = (door: DoorSettings) => !world.isOrderly || !isOther(door);
    return { doors: doors.map((door) => (door.id === place.id && mayBe(door) ? rebuilt : door)) };
  },
  rulesAreRewritten: (_content, _world, random) => ({ rules: drawRules(random) }),
  areasAreRewritten: (_content, world, random) =>
    world.isOrderly ? {} : { areas: drawAreas(random) },
};

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
