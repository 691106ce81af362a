import { Seeded } from "../../../hal/sim/seeded.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import { drawing, type RunOptions, type RunOutcome } from "../lives.ts";
import { type Move, moves, weights } from "./moves.ts";
import { seedSecrets } from "./seeded-secrets.ts";
import { type Subject, theProduct } from "./subject.ts";
import { SyncWorld } from "./world.ts";

/** One site's life with its controllers. The same options, the same life. One at a time. */
export async function runSync(options: RunOptions<Subject>): Promise<RunOutcome> {
  const { seed, moveCount, subject = theProduct, trace } = options;
  const random = new Seeded(seed, "sync");
  const world = new SyncWorld({ random, subject, trace });
  const unseed = seedSecrets(new Seeded(seed, "secrets"));
  const unplant = subject.plant();
  let name = "start";
  let move = 0;
  try {
    await world.begin();
    const drawMove = weighMoves(random);
    for (move = 1; move <= moveCount; move += 1) {
      const drawn = drawMove();
      name = drawn.name;
      world.tell(`${move} ${name}`);
      world.count(`move ${name}`);
      await drawn.make(world, random);
      world.check();
    }
    name = "all clears up";
    world.tell(name);
    await world.clearUp();
    world.tell("the end");
    return { failure: undefined, eventCounts: world.eventCounts };
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    const failure = `seed ${seed}, move ${move} (${name}): ${error.message}`;
    return { failure, eventCounts: world.eventCounts };
  } finally {
    await world.end();
    unplant();
    unseed();
  }
}

/** Each seed is another site under another sky: some moves are common in it, some never happen. */
function weighMoves(random: Seeded): () => { readonly name: string; readonly make: Move } {
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
