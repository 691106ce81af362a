import { randomInt } from "node:crypto";
import t from "tap";
import { plantedBugs } from "./door-machine/bugs.ts";
import { moves } from "./door-machine/moves.ts";
import { runDoor } from "./door-machine/run.ts";

const moveCount = 400;
const fixedSeedCount = 1_000;
const freshSeedCount = 200;
/** A planted bug that hides for longer than this would not be found by anybody's patience either. */
const seedsToFindABugMax = 60;

const advice = (failure: string, seed: number) =>
  `${failure}; replay with: npm run sim -- --seed ${seed}`;

t.test(`a door keeps its word through ${fixedSeedCount} lives of ${moveCount} moves`, async (t) => {
  const told = new Map<string, number>();
  for (let seed = 1; seed <= fixedSeedCount; seed += 1) {
    const { failure, eventCounts } = runDoor({ seed, moveCount });
    if (failure !== undefined) t.fail(advice(failure, seed));
    for (const [kind, count] of eventCounts) told.set(kind, (told.get(kind) ?? 0) + count);
  }
  t.same(
    [...told.keys()].sort(),
    [
      "contact_chatter",
      "contact_cut",
      "contact_recovered",
      "contact_shorted",
      "contact_stuck",
      "door_failed_to_relock",
      "door_forced",
      "door_held",
      "door_held_warning",
      "door_not_entered",
      "door_secured",
      "rex_admitted",
      "rex_chatter",
      "rex_cut",
      "rex_recovered",
      "rex_reported",
      "rex_shorted",
      "rex_stuck",
    ],
    "and each kind of event was met",
  );
});

t.test("a door keeps its word through lives that nobody has seen before", async (t) => {
  const first = randomInt(1_000_000, 2 ** 31);
  t.comment(`seeds ${first} to ${first + freshSeedCount - 1}`);
  for (let seed = first; seed < first + freshSeedCount; seed += 1) {
    const { failure } = runDoor({ seed, moveCount });
    if (failure !== undefined) t.fail(advice(failure, seed));
  }
});

t.test("a seed is the same life every time", async (t) => {
  const live = () => {
    const lines: string[] = [];
    runDoor({ seed: 7, moveCount: 50, trace: (line) => lines.push(line) });
    return lines;
  };
  t.same(live(), live());
  t.ok(live().length > 50);
  t.ok(Object.keys(moves).length > 10);
});

t.test("the simulation finds each way to get a door wrong", async (t) => {
  for (const [name, { about, subject }] of Object.entries(plantedBugs)) {
    let seed = 1;
    while (seed <= seedsToFindABugMax) {
      if (runDoor({ seed, moveCount, subject }).failure !== undefined) break;
      seed += 1;
    }
    t.ok(seed <= seedsToFindABugMax, `${name}: ${about}`);
  }
});
