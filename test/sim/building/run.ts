import { Seeded } from "../../../hal/sim/seeded.ts";
import { drawing, type RunOptions, type RunOutcome } from "../lives.ts";
import { BrokenPromise } from "./broken-promise.ts";
import { disorderlyMoves, type Move, orderlyMoves } from "./moves.ts";
import { type Subject, theController } from "./subject.ts";
import { BuildingWorld } from "./world.ts";

/** One building's life. The same options, the same life. */
export async function runBuilding(options: RunOptions<Subject>): Promise<RunOutcome> {
  const { seed, moveCount, subject = theController, trace } = options;
  const random = new Seeded(seed);
  let world: BuildingWorld | undefined;
  let name = "start";
  let move = 0;
  try {
    world = new BuildingWorld({ subject, random, trace });
    const drawMove = weighMoves(random, world.isOrderly);
    for (move = 1; move <= moveCount; move += 1) {
      const drawn = drawMove();
      name = drawn.name;
      await drawn.make(world, random);
      world.moveEnds();
    }
    return { failure: undefined, eventCounts: world.eventCounts };
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    const failure = `seed ${seed}, move ${move} (${name}): ${error.message}`;
    return { failure, eventCounts: world?.eventCounts ?? new Map() };
  }
}

/** People are what a building is about; days are long, and few. */
const weights: Readonly<Record<string, number>> = {
  someoneGoes: 6,
  severalGo: 4,
  someoneShowsACard: 4,
  twoGoTogether: 3,
  someoneTailgates: 3,
  hoursPass: 0.3,
  dayPasses: 0.05,
  scheduleComesNear: 0.5,
  strangerTries: 0.4,
  wrongPinAgainAndAgain: 0.3,
  someoneTampers: 0.5,
  operatorSets: 0.5,
  strikeFailsOnce: 0.3,
  clockIsSetWrong: 0.2,
  lockdownEverywhere: 0.1,
  allClear: 2,
  powerFails: 0.5,
};

/** Each seed is a different neighbourhood: some moves are common in it, some never happen. */
function weighMoves(
  random: Seeded,
  isOrderly: boolean,
): () => { readonly name: string; readonly make: Move } {
  const moves = isOrderly ? orderlyMoves : { ...orderlyMoves, ...disorderlyMoves };
  const weighed = Object.entries(moves).map(([name, make]) => ({
    name,
    make,
    weight: random.chance(0.2) ? 0 : random.next() ** 2 * (weights[name] ?? 1),
  }));
  return drawing<Move>(random, weighed, {
    name: "secondsPass",
    make: (world) => world.pass(1_000),
  });
}
