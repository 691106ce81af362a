import { randomInt } from "node:crypto";
import t from "tap";
import { Seeded } from "../../hal/sim/seeded.ts";
import { plantedBugs } from "./sync/bugs.ts";
import { moves } from "./sync/moves.ts";
import { runSync } from "./sync/run.ts";
import { theProduct } from "./sync/subject.ts";
import { SyncWorld } from "./sync/world.ts";

// Each life is a site with its disk and three controllers, on a machine that may be busy.
t.setTimeout(240_000);

const moveCount = 40;
const fixedSeedCount = 13;
const freshSeedCount = 5;
/** A planted bug that hides for longer than this would not be found by anybody's patience either. */
const seedsToFindABugMax = 40;
/** Where the rarest bugs show: looked at first, for the time it takes. */
const seedThatShows: Readonly<Record<string, number>> = {
  usesAreInMemoryOnly: 8,
  usesAreNotTold: 11,
  nothingIsOvertaken: 9,
  headsStay: 21,
  handOversAreNotFollowed: 2,
  doorsKeepTheirTable: 2,
  headsKeepTheirKey: 2,
};
const seedsToFindABug = Array.from({ length: seedsToFindABugMax }, (_, index) => index + 1);
const advice = (failure: string, seed: number) =>
  `${failure}; replay with: npm run sim -- sync --seed ${seed}`;

t.test(`controllers have what their site says through ${fixedSeedCount} lives`, async (t) => {
  const met = new Map<string, number>();
  for (let seed = 1; seed <= fixedSeedCount; seed += 1) {
    const { failure, eventCounts } = await runSync({ seed, moveCount });
    if (failure !== undefined) t.fail(advice(failure, seed));
    for (const [what, count] of eventCounts) met.set(what, (met.get(what) ?? 0) + count);
  }
  for (const what of [
    "access_granted",
    "table_applied",
    "table_refused",
    "trouble",
    "move siteIsSetBack",
    "move siteHandsOverItsKey",
    "move siteLosesItsTables",
    "move brokerIsAwayForAWeek",
    "move allOldWordsComeAgain",
    "move wordsAreForged",
    "move diskFailsOrNot",
    "move controllerDiesInTheMiddle",
  ]) {
    t.ok((met.get(what) ?? 0) > 0, `${what} was met`);
  }
});

t.test("controllers have what their site says in lives that nobody has seen before", async (t) => {
  const first = randomInt(1_000_000, 2 ** 31);
  t.comment(`seeds ${first} to ${first + freshSeedCount - 1}`);
  for (let seed = first; seed < first + freshSeedCount; seed += 1) {
    const { failure } = await runSync({ seed, moveCount });
    if (failure !== undefined) t.fail(advice(failure, seed));
  }
});

t.test("a crowd that no delta can carry comes, and goes again", async (t) => {
  const random = new Seeded(1, "crowd");
  const world = new SyncWorld({ random, subject: theProduct, trace: undefined });
  try {
    await world.begin();
    await world.clearUp();
    for (const name of ["crowdComesOrGoes", "passIsSwitched", "crowdComesOrGoes"]) {
      await moves[name]?.(world, random);
      await world.clearUp();
    }
    t.equal(world.eventCounts.get("converged"), 4);
  } finally {
    await world.end();
  }
});

t.test("a seed is the same life every time", async (t) => {
  const live = async () => {
    const lines: string[] = [];
    await runSync({ seed: 7, moveCount: 20, trace: (line) => lines.push(line) });
    return lines;
  };
  const lines = await live();
  t.same(await live(), lines);
  t.ok(lines.length > 20);
});

t.test("the lives find each way to get the sync of tables wrong", async (t) => {
  for (const [name, { about, subject }] of Object.entries(plantedBugs)) {
    let isFound = false;
    for (const seed of [seedThatShows[name] ?? 1, ...seedsToFindABug]) {
      const { failure } = await runSync({ seed, moveCount, subject });
      isFound = failure !== undefined;
      if (isFound) break;
    }
    t.ok(isFound, `${name}: ${about}`);
  }
});
