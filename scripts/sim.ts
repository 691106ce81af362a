// `npm run sim -- [WORLD] [--seed N] [--seeds N] [--moves N] [--bug NAME] [--list-bugs]`
import { randomInt } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import { plantedBugs as buildingBugs } from "../test/sim/building/bugs.ts";
import { runBuilding } from "../test/sim/building/run.ts";
import { plantedBugs as doorBugs } from "../test/sim/door-machine/bugs.ts";
import { runDoor } from "../test/sim/door-machine/run.ts";
import { plantedBugs as mobileBugs } from "../test/sim/mobile/bugs.ts";
import { runMobile } from "../test/sim/mobile/run.ts";
import { plantedBugs as syncBugs } from "../test/sim/sync/bugs.ts";
import { runSync } from "../test/sim/sync/run.ts";

interface Life {
  readonly seed: number;
  readonly moveCount: number;
  readonly trace?: (line: string) => void;
}

interface Outcome {
  readonly failure: string | undefined;
}

/** One simulation: what lives, for how long by default, and with which bug. */
interface World {
  readonly about: string;
  readonly seedCount: number;
  readonly moveCount: number;
  readonly bugs: Readonly<Record<string, { readonly about: string }>>;
  live(life: Life, bug: string | undefined): Outcome | Promise<Outcome>;
}

const worlds: Readonly<Record<string, World>> = {
  door: {
    about: "one door, against the door machine",
    seedCount: 2_000,
    moveCount: 400,
    bugs: doorBugs,
    live: (life, bug) => runDoor({ ...life, ...subjectOf(doorBugs, bug) }),
  },
  building: {
    about: "five doors and the people who use them, against a whole controller",
    seedCount: 500,
    moveCount: 150,
    bugs: buildingBugs,
    live: (life, bug) => runBuilding({ ...life, ...subjectOf(buildingBugs, bug) }),
  },
  mobile: {
    about: "two readers and the phones in front of them, in an air that loses them",
    seedCount: 100,
    moveCount: 60,
    bugs: mobileBugs,
    live: (life, bug) => runMobile({ ...life, ...subjectOf(mobileBugs, bug) }),
  },
  sync: {
    about: "a site and three controllers, under a broker that belongs to the weather",
    seedCount: 200,
    moveCount: 40,
    bugs: syncBugs,
    live: (life, bug) => runSync({ ...life, ...subjectOf(syncBugs, bug) }),
  },
};

const failuresShownMax = 10;

const usage = `npm run sim -- [WORLD] [--seed N] [--seeds N] [--moves N] [--bug NAME] [--list-bugs]

Runs simulated lives against the product; each seed is another life.
  WORLD        what lives: ${Object.keys(worlds).join(" or ")} (door, or the one that has the bug)
  --seed N     the first seed (drawn at random by default); alone, its whole life is shown
  --seeds N    how many seeds (1 with --seed; else ${defaults("seedCount")})
  --moves N    how many moves each life has (${defaults("moveCount")})
  --bug NAME   with a named bug planted in the product, to see it found
  --list-bugs  the names, and what each gets wrong
`;

interface Plan {
  readonly world: World;
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly moveCount: number;
  readonly bug: string | undefined;
}

class UsageError extends Error {
  override readonly name = "UsageError";
}

function readPlan(): Plan | "help" | "list_bugs" {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      moves: { type: "string" },
      bug: { type: "string" },
      "list-bugs": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  if (values["list-bugs"]) return "list_bugs";
  if (positionals.length > 1) throw new UsageError(`${positionals.join(" ")}: one world at a time`);
  const world = worldFor(positionals[0], values.bug);
  const isOneLife = values.seed !== undefined && values.seeds === undefined;
  return {
    world,
    firstSeed: values.seed === undefined ? randomInt(1, 2 ** 31) : count("--seed", values.seed, 0),
    seedCount: isOneLife ? 1 : count("--seeds", values.seeds ?? `${world.seedCount}`, 1),
    moveCount: count("--moves", values.moves ?? `${world.moveCount}`, 1),
    bug: values.bug,
  };
}

function count(option: string, text: string, least: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least)) throw new UsageError(`${option} ${text}: expected a number from ${least}`);
  return value;
}

function worldFor(name: string | undefined, bug: string | undefined): World {
  const named = name === undefined ? undefined : ownOf(worlds, name);
  if (name !== undefined && named === undefined) {
    throw new UsageError(`${name}: expected ${Object.keys(worlds).join(" or ")}`);
  }
  const having = Object.values(worlds).find(
    ({ bugs }) => bug !== undefined && Object.hasOwn(bugs, bug),
  );
  const world = named ?? having ?? ownOf(worlds, "door");
  if (world === undefined || (bug !== undefined && ownOf(world.bugs, bug) === undefined)) {
    throw new UsageError(`--bug ${bug}: see --list-bugs for the names`);
  }
  return world;
}

function subjectOf<Subject>(
  bugs: Readonly<Record<string, { readonly subject: Subject }>>,
  bug: string | undefined,
): { readonly subject?: Subject } {
  const planted = bug === undefined ? undefined : ownOf(bugs, bug);
  return planted === undefined ? {} : { subject: planted.subject };
}

/** Nothing that every object inherits: `--bug toString` is no bug. */
function ownOf<Value>(all: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

function defaults(which: "seedCount" | "moveCount"): string {
  return Object.entries(worlds)
    .map(([name, world]) => `${name}: ${world[which]}`)
    .join(", ");
}

async function runPlan({ world, firstSeed, seedCount, moveCount, bug }: Plan): Promise<number> {
  if (seedCount === 1) {
    const { failure } = await world.live({ seed: firstSeed, moveCount, trace: print }, bug);
    print(failure === undefined ? `seed ${firstSeed}: ${moveCount} moves, all well` : failure);
    return failure === undefined ? 0 : 1;
  }
  let failureCount = 0;
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed += 1) {
    const { failure } = await world.live({ seed, moveCount }, bug);
    if (failure === undefined) continue;
    failureCount += 1;
    if (failureCount <= failuresShownMax) print(failure);
  }
  const seeds = `seeds ${firstSeed} to ${firstSeed + seedCount - 1}`;
  print(`${seeds}, ${moveCount} moves each: ${failureCount} of ${seedCount} failed`);
  if (failureCount > 0) print("add --seed N for the whole life of one of them");
  return failureCount === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const plan = readPlan();
  if (plan === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (plan === "list_bugs") {
    for (const [name, { about, bugs }] of Object.entries(worlds)) {
      print(`${name}: ${about}`);
      for (const [bug, planted] of Object.entries(bugs))
        print(`  ${bug.padEnd(28)}${planted.about}`);
    }
    return 0;
  }
  return runPlan(plan);
}

// `| head` hangs up before a whole life is told.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof TypeError && "code" in error && `${error.code}`.startsWith("ERR_PARSE_ARGS"));
  if (!isUsage) throw error;
  process.stderr.write(`sim: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
