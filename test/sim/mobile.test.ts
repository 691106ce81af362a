import { randomInt } from "node:crypto";
import t from "tap";
import { plantedBugs } from "./mobile/bugs.ts";
import { runMobile } from "./mobile/run.ts";

const moveCount = 60;
const fixedSeedCount = 15;
const freshSeedCount = 5;
/** A planted bug that hides for longer than this would not be found by anybody's patience either. */
const seedsToFindABugMax = 20;

t.test(`readers and phones keep their word through ${fixedSeedCount} lives`, async (t) => {
  let grantedCount = 0;
  for (let seed = 1; seed <= fixedSeedCount; seed += 1) {
    const { failure, eventCounts } = await runMobile({ seed, moveCount });
    if (failure !== undefined) t.fail(`seed ${seed}, ${failure}`);
    grantedCount += eventCounts.get("let in by a phone") ?? 0;
  }
  t.ok(grantedCount > fixedSeedCount, `${grantedCount} were let in by a phone`);
});

t.test("readers and phones keep their word through lives that nobody has seen", async (t) => {
  const first = randomInt(1_000_000, 2 ** 31);
  t.comment(`seeds ${first} to ${first + freshSeedCount - 1}`);
  for (let seed = first; seed < first + freshSeedCount; seed += 1) {
    const { failure } = await runMobile({ seed, moveCount });
    if (failure !== undefined) t.fail(`seed ${seed}, ${failure}`);
  }
});

t.test("the simulation finds each way to get phones at a reader wrong", async (t) => {
  for (const [name, { about, subject }] of Object.entries(plantedBugs)) {
    let seed = 1;
    while (seed <= seedsToFindABugMax) {
      if ((await runMobile({ seed, moveCount, subject })).failure !== undefined) break;
      seed += 1;
    }
    t.ok(seed <= seedsToFindABugMax, `${name}: ${about}`);
  }
});
