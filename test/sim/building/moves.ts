import type { Seeded } from "../../../hal/sim/seeded.ts";
import { doorPostures, type PassRecord } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import type { ReaderId, UserId } from "../../../src/domain/ids.ts";
import { isOpen } from "./hours.ts";
import { type DoorPlace, doorPlaces, people, pinOf, placeOf, strangersCard } from "./plan.ts";
import { revise } from "./revise.ts";
import type { BuildingWorld } from "./world.ts";

export type Move = (world: BuildingWorld, random: Seeded) => Promise<void>;

const hourMs = 3_600_000;
const { companyMs } = doorDefaults;

/** What orderly people do, and what the site, its operators and the weather do to them. */
export const orderlyMoves: Readonly<Record<string, Move>> = {
  momentPasses: (world, random) => world.pass(random.between(0, 900)),
  secondsPass: (world, random) => world.pass(random.between(900, 20_000)),
  minutesPass: (world, random) => world.pass(random.between(20_000, 900_000)),
  hoursPass: (world, random) => world.pass(random.between(900_000, 9 * hourMs)),
  dayPasses: (world, random) => world.pass(random.between(9, 40) * hourMs),
  scheduleComesNear: toNextSchedule,

  someoneGoes: (world, random) => goSomewhere(world, random, drawPerson(random)),
  severalGo: async (world, random) => {
    for (let count = random.between(2, 5); count > 0; count -= 1) {
      await goSomewhere(world, random, drawPerson(random));
    }
  },

  strangerTries: (world, random) =>
    world.present(
      drawReader(random),
      random.chance(0.5) ? { card: strangersCard } : { digits: "0000" },
    ),
  wrongPinAgainAndAgain: async (world, random) => {
    const reader = drawReader(random);
    for (let count = random.between(2, 7); count > 0; count -= 1) {
      await world.present(reader, { digits: random.pick(["0000", "1111"]) });
      await world.pass(random.between(500, 20_000));
    }
  },

  tableArrives: (world, random) => world.setTable(revise(world, random)),

  operatorSets: (world, random) =>
    world.override(drawDoor(random).id, {
      posture: random.pick(doorPostures),
      until: random.pick(["cleared", "next_change"]),
    }),
  lockdownEverywhere: async (world) => {
    for (const { id } of doorPlaces) {
      await world.override(id, { posture: "lockdown", until: "cleared" });
    }
  },
  operatorClears: (world, random) => world.clearOverride(drawDoor(random).id),
  allClear: async (world) => {
    for (const { id } of doorPlaces) await world.clearOverride(id);
  },

  fireStartsOrEnds: (world) =>
    world.inputs.setFire(world.house.fire === "raised" ? "idle" : "raised"),
  someoneTampers: (world, random) => {
    const reader = random.chance(0.3) ? undefined : drawReader(random);
    return world.inputs.setTamper(
      reader,
      world.house.tampers.get(reader) === "raised" ? "idle" : "raised",
    );
  },
  technicianTriesStrikes: async (world, random) => {
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      await world.pulse(drawDoor(random).id, random.pick([50, 500, 3_000, 10_000]));
      if (random.chance(0.6)) await world.pass(random.between(0, 12_000));
    }
  },
  strikeFailsOnce: (world, random) => {
    world.failStrike(drawDoor(random).id);
    return Promise.resolve();
  },
  /** Somebody sets it, and is believed. */
  clockIsSetWrong: (world, random) =>
    world.setClock("trusted", random.pick([0, 5 * hourMs, -3 * hourMs])),
  clockIsLostOrFound: (world, random) =>
    world.quality === "unknown"
      ? world.setClock(random.pick(["trusted", "holdover"]), 0)
      : world.setClock("unknown", random.pick([0, -20 * 365 * 24 * hourMs, 5 * hourMs])),
};

/** What spoils the records: people who do as people do, and wires and mains that fail. */
export const disorderlyMoves: Readonly<Record<string, Move>> = {
  someoneShowsACard: (world, random) =>
    showAndType(world, random, drawPerson(random), drawReader(random)),

  cardIsShownTwice: async (world, random) => {
    const [user, reader] = [drawPerson(random), drawReader(random)];
    await showAndType(world, random, user, reader);
    await world.pass(random.between(0, 4_000));
    await showAndType(world, random, user, reader);
  },

  twoGoTogether: async (world, random) => {
    const reader = drawReader(random);
    for (let count = random.between(2, 3); count > 0; count -= 1) {
      await showAndType(world, random, drawPerson(random), reader);
      await world.pass(random.between(0, 8_000));
    }
    await world.walk(drawPerson(random), placeOf(reader));
    await world.moveLeaf(placeOf(reader).id, "closed");
  },

  someoneTailgates: async (world, random) => {
    const place = drawDoor(random);
    const near = people.filter((user) => isAt(world, user, place));
    for (const user of near.filter(() => random.chance(0.4))) await world.walk(user, place);
    if (random.chance(0.8)) await world.moveLeaf(place.id, "closed");
  },

  leafStaysOpen: async (world, random) => {
    const place = drawDoor(random);
    if (world.canOpen(place.id)) await world.moveLeaf(place.id, "open");
  },
  leafShuts: (world, random) => world.moveLeaf(drawDoor(random).id, "closed"),
  crowbar: async (world, random) => {
    const place = drawDoor(random);
    await world.calmContact(place.id);
    await world.moveLeaf(place.id, "open");
  },

  someoneLeavesByTheButton: async (world, random) => {
    const place = drawDoor(random);
    await world.inputs.pressRex(place.id);
    const [user] = people.filter((one) => world.house.rooms.get(one) === place.inside);
    if (user !== undefined && random.chance(0.7)) await world.walk(user, place);
    await world.moveLeaf(place.id, "closed");
    if (random.chance(0.8)) await world.inputs.letGoOfRex(place.id);
  },
  buttonIsLetGo: (world, random) => world.inputs.letGoOfRex(drawDoor(random).id),

  wireFails: (world, random) =>
    world.inputs.setWire(drawWire(random), random.pick(["cut", "shorted"])),
  wiresAreMended: async (world) => {
    for (const input of wires) await world.inputs.setWire(input, "sound");
  },

  someoneIsForgiven: (world, random) => world.forgive(drawPerson(random)),
  everybodyIsForgiven: (world) => world.forgive(undefined),

  powerFails: (world, random) => world.cutPower(random.between(1_000, 6 * hourMs)),
  controllerIsStopped: (world, random) => world.cutPower(random.between(100, 5_000), "in_order"),

  diskFailsDuringAUse: (world, random) => useCounted(world, random, "refuses"),
  diskIsSlowDuringAUse: (world, random) => useCounted(world, random, "is_slow"),
  powerFailsDuringAUse: (world, random) => useCounted(world, random, "loses_power"),
};

const wires = ["fire", ...doorPlaces.flatMap(({ id }) => [`contact ${id}`, `rex ${id}`])] as const;

const drawWire = (random: Seeded): string => wires[random.between(0, wires.length - 1)] ?? "fire";

function drawPerson(random: Seeded): UserId {
  return people[random.between(0, people.length - 1)] ?? drawPerson(random);
}

function drawDoor(random: Seeded): DoorPlace {
  return doorPlaces[random.between(0, doorPlaces.length - 1)] ?? drawDoor(random);
}

function drawReader(random: Seeded): ReaderId {
  const { entryReader, exitReader } = drawDoor(random);
  return exitReader !== undefined && random.chance(0.5) ? exitReader : entryReader;
}

function isAt(world: BuildingWorld, user: UserId, { inside, outside }: DoorPlace): boolean {
  const room = world.house.rooms.get(user);
  return room === inside || room === outside;
}

/** Through one of the doors of the room, by its reader on this side, and shuts it behind him. */
async function goSomewhere(world: BuildingWorld, random: Seeded, user: UserId): Promise<void> {
  const room = world.house.rooms.get(user);
  const ways = doorPlaces.flatMap((place) => {
    const reader = room === place.outside ? place.entryReader : place.exitReader;
    return isAt(world, user, place) && reader !== undefined ? [{ place, reader }] : [];
  });
  const way = ways[random.between(0, ways.length - 1)];
  if (way === undefined) return;
  await world.calmContact(way.place.id);
  await showAndType(world, random, user, way.reader);
  if (world.truth.reader(way.reader).waiting !== undefined) {
    const others = people.filter((one) => one !== user && world.house.rooms.get(one) === room);
    const company = others[random.between(0, others.length - 1)];
    if (company !== undefined) await showAndType(world, random, company, way.reader);
  }
  await passThrough(world, random, way.place);
  // Nobody who waits for company walks off through another door meanwhile.
  if (world.truth.reader(way.reader).waiting !== undefined) await world.pass(companyMs);
}

/** Everybody for whom the door waits goes through it, one behind the other. */
async function passThrough(world: BuildingWorld, random: Seeded, place: DoorPlace): Promise<void> {
  const walkers = world.truth.awaitedAt(place.id);
  if (walkers.length === 0) return;
  await world.pass(random.between(0, 1_500));
  for (const user of walkers) await world.walk(user, place);
  await world.moveLeaf(place.id, "closed");
}

/** The card, and the PIN where it is asked for; now and then the PIN alone, or the wrong one. */
async function showAndType(
  world: BuildingWorld,
  random: Seeded,
  user: UserId,
  reader: ReaderId,
): Promise<void> {
  const digits = pinOf(user, random.chance(0.1) ? "duress" : "usual");
  if (random.chance(0.15)) return world.present(reader, { digits });
  const card = drawCard(world, random, user);
  await world.present(reader, { card });
  if (!world.truth.reader(reader).awaitsPin) return;
  if (random.chance(0.1)) await world.pass(random.between(3_000, 12_000));
  if (random.chance(0.05)) return world.present(reader, { card });
  const typed = random.chance(0.9) ? digits : pinOf(drawPerson(random), "usual");
  await world.present(reader, { digits: typed });
}

function drawCard(world: BuildingWorld, random: Seeded, user: UserId) {
  return drawCardOf(world, random, (pass) => pass.user === user) ?? strangersCard;
}

function drawCardOf(world: BuildingWorld, random: Seeded, isWanted: (pass: PassRecord) => boolean) {
  const cards = world.truth.content.passes.flatMap((pass) =>
    pass.presents.as === "raw" && isWanted(pass) ? [pass.presents.raw] : [],
  );
  return cards[random.between(0, cards.length - 1)];
}

/** A few tries, for few of them get as far as the disk; while it is slow others come to readers. */
async function useCounted(
  world: BuildingWorld,
  random: Seeded,
  disk: "refuses" | "is_slow" | "loses_power",
): Promise<void> {
  const isOtherThere = disk === "is_slow" && random.chance(0.7);
  const othersCome = async () => {
    for (let count = random.between(1, 4); isOtherThere && count > 0; count -= 1) {
      if (random.chance(0.3)) await thingsChange(world, random);
      const card = drawCardOf(world, random, ({ usesMax }) => usesMax === undefined);
      const reader = drawReader(random);
      // Who waits there might have a use to be written as well.
      const isFree = world.truth.reader(reader).waiting === undefined;
      if (card !== undefined && isFree) await world.present(reader, { card });
    }
  };
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const card = drawCardOf(world, random, ({ usesMax }) => usesMax !== undefined);
    if (card !== undefined) await world.present(drawReader(random), { card }, disk, othersCome);
  }
}

/** What the disk's answer finds otherwise than it was when it was asked. */
async function thingsChange(world: BuildingWorld, random: Seeded): Promise<void> {
  const changes: readonly Move[] = [
    orderlyMoves["tableArrives"],
    orderlyMoves["operatorSets"],
    orderlyMoves["someoneTampers"],
    orderlyMoves["lockdownEverywhere"],
  ].flatMap((move) => move ?? []);
  await changes[random.between(0, changes.length - 1)]?.(world, random);
}

/** To a moment around the next minute at which some schedule opens or shuts. */
async function toNextSchedule(world: BuildingWorld, random: Seeded): Promise<void> {
  const { schedules, calendar } = world.truth.content;
  const say = (at: number) => schedules.map((one) => isOpen(one, calendar, at)).join();
  const from = Math.ceil(world.trueWallAt / 60_000) * 60_000;
  const now = say(world.trueWallAt);
  for (let at = from; at < from + 24 * hourMs; at += 60_000) {
    if (say(at) === now) continue;
    return world.pass(Math.max(0, at - world.trueWallAt + random.between(-1, 1)));
  }
}
