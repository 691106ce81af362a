import { randomInt } from "node:crypto";
import t from "tap";
import { plantedBugs } from "./enrolment/bugs.ts";
import { runEnrolments } from "./enrolment/run.ts";

const moveCount = 60;
const fixedSeedCount = 40;
const freshSeedCount = 10;
/** A planted bug that hides for longer than this would not be found by anybody's patience either. */
const seedsToFindABugMax = 20;

t.test(`readers and sites keep their word through ${fixedSeedCount} lives`, async (t) => {
  for (let seed = 1; seed <= fixedSeedCount; seed += 1) {
    const failure = await runEnrolments({ seed, moveCount });
    if (failure !== undefined) t.fail(`seed ${seed}, ${failure}`);
  }
});

t.test("readers and sites keep their word through lives that nobody has seen", async (t) => {
  const first = randomInt(1_000_000, 2 ** 31);
  t.comment(`seeds ${first} to ${first + freshSeedCount - 1}`);
  for (let seed = first; seed < first + freshSeedCount; seed += 1) {
    const failure = await runEnrolments({ seed, moveCount });
    if (failure !== undefined) t.fail(`seed ${seed}, ${failure}`);
  }
});

t.test("the simulation finds each way to get an enrolment wrong", async (t) => {
  for (const [name, { about, subject }] of Object.entries(plantedBugs)) {
    let seed = 1;
    while (seed <= seedsToFindABugMax) {
      if ((await runEnrolments({ seed, moveCount, subject })) !== undefined) break;
      seed += 1;
    }
    t.ok(seed <= seedsToFindABugMax, `${name}: ${about}`);
  }
});
