import { randomInt } from "node:crypto";
import t from "tap";
import { plantedBugs } from "./building/bugs.ts";
import { disorderlyMoves, orderlyMoves } from "./building/moves.ts";
import { runBuilding } from "./building/run.ts";

const moveCount = 150;
const fixedSeedCount = 100;
const freshSeedCount = 40;
/** A planted bug that hides for longer than this would not be found by anybody's patience either. */
const seedsToFindABugMax = 80;

const advice = (failure: string, seed: number) =>
  `${failure}; replay with: npm run sim -- building --seed ${seed}`;

t.test(
  `a building keeps its word through ${fixedSeedCount} lives of ${moveCount} moves`,
  async (t) => {
    const told = new Map<string, number>();
    for (let seed = 1; seed <= fixedSeedCount; seed += 1) {
      const { failure, eventCounts } = await runBuilding({ seed, moveCount });
      if (failure !== undefined) t.fail(advice(failure, seed));
      for (const [kind, count] of eventCounts) told.set(kind, (told.get(kind) ?? 0) + count);
    }
    for (const kind of [
      "access_granted",
      "access_denied",
      "passback_violation",
      "passback_forgiven",
      "duress",
      "pin_lockout",
      "posture_changed",
      "fire",
      "tamper",
      "alarm_input_fault",
      "door_not_entered",
      "rex_admitted",
      "strike_pulsed",
    ]) {
      t.ok((told.get(kind) ?? 0) > 0, `${kind} was met`);
    }
  },
);

t.test("a building keeps its word through lives that nobody has seen before", async (t) => {
  const first = randomInt(1_000_000, 2 ** 31);
  t.comment(`seeds ${first} to ${first + freshSeedCount - 1}`);
  for (let seed = first; seed < first + freshSeedCount; seed += 1) {
    const { failure } = await runBuilding({ seed, moveCount });
    if (failure !== undefined) t.fail(advice(failure, seed));
  }
});

t.test("a seed is the same life every time", async (t) => {
  const live = async () => {
    const lines: string[] = [];
    await runBuilding({ seed: 7, moveCount: 40, trace: (line) => lines.push(line) });
    return lines;
  };
  const lines = await live();
  t.same(await live(), lines);
  t.ok(lines.length > 40);
  t.ok(Object.keys({ ...orderlyMoves, ...disorderlyMoves }).length > 25);
});

t.test("the simulation finds each way to get a building wrong", async (t) => {
  for (const [name, { about, subject }] of Object.entries(plantedBugs)) {
    let seed = 1;
    while (seed <= seedsToFindABugMax) {
      const { failure } = await runBuilding({ seed, moveCount, subject });
      if (failure !== undefined) break;
      seed += 1;
    }
    t.ok(seed <= seedsToFindABugMax, `${name}: ${about}`);
  }
});
