import { Seeded } from "../../../hal/sim/seeded.ts";
import { drawing, type RunOptions, type RunOutcome } from "../lives.ts";
import { type Move, moves } from "./moves.ts";
import { type Subject, theDoorMachine } from "./subject.ts";
import { BrokenInvariant, DoorWorld } from "./world.ts";

/** One door's life. The same options, the same life. */
export function runDoor(options: RunOptions<Subject>): RunOutcome {
  const { seed, moveCount, subject = theDoorMachine, trace } = options;
  const random = new Seeded(seed);
  const drawMove = weighMoves(random);
  let world: DoorWorld | undefined;
  let name = "start";
  let move = 0;
  try {
    world = new DoorWorld({ subject, random, trace });
    for (move = 1; move <= moveCount; move += 1) {
      const drawn = drawMove();
      name = drawn.name;
      drawn.make(world, random);
    }
    return { failure: undefined, eventCounts: world.eventCounts };
  } catch (error) {
    if (!(error instanceof BrokenInvariant)) throw error;
    const failure = `seed ${seed}, move ${move} (${name}): ${error.message}`;
    return { failure, eventCounts: world?.eventCounts ?? new Map() };
  }
}

/** Each seed is a different neighbourhood: some moves are common in it, some never happen. */
function weighMoves(random: Seeded): () => { readonly name: string; readonly make: Move } {
  const weighed = Object.entries(moves).map(([name, make]) => ({
    name,
    make,
    weight: random.chance(0.2) ? 0 : random.next() ** 3 * (name === "daysPass" ? 0.2 : 1),
  }));
  return drawing<Move>(random, weighed, {
    name: "secondsPass",
    make: (world) => world.pass(1_000),
  });
}
