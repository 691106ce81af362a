// `npm run sim -- [--seed N] [--seeds N] [--moves N] [--bug NAME] [--list-bugs]`
import { randomInt } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import { plantedBugs } from "../test/sim/door-machine/bugs.ts";
import { runDoor } from "../test/sim/door-machine/run.ts";
import { type Subject, theDoorMachine } from "../test/sim/door-machine/subject.ts";

const seedsByDefault = 2_000;
const movesByDefault = 400;
const failuresShownMax = 10;

const usage = `npm run sim -- [--seed N] [--seeds N] [--moves N] [--bug NAME] [--list-bugs]

Runs lives of one simulated door against the door machine; each seed is another life.
  --seed N     the first seed (drawn at random by default); alone, its whole life is shown
  --seeds N    how many seeds (${seedsByDefault}, or 1 with --seed)
  --moves N    how many moves each life has (${movesByDefault})
  --bug NAME   with a named bug planted in the machine, to see it found
  --list-bugs  the names, and what each gets wrong
`;

interface Plan {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly moveCount: number;
  readonly subject: Subject;
}

class UsageError extends Error {
  override readonly name = "UsageError";
}

function readPlan(): Plan | "help" | "list_bugs" {
  const { values } = parseArgs({
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
  const isOneLife = values.seed !== undefined && values.seeds === undefined;
  return {
    firstSeed: values.seed === undefined ? randomInt(1, 2 ** 31) : count("--seed", values.seed, 0),
    seedCount: isOneLife ? 1 : count("--seeds", values.seeds ?? `${seedsByDefault}`, 1),
    moveCount: count("--moves", values.moves ?? `${movesByDefault}`, 1),
    subject: subjectFor(values.bug),
  };
}

function count(option: string, text: string, least: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least)) throw new UsageError(`${option} ${text}: expected a number from ${least}`);
  return value;
}

function subjectFor(bug: string | undefined): Subject {
  if (bug === undefined) return theDoorMachine;
  const planted = Object.hasOwn(plantedBugs, bug) ? plantedBugs[bug] : undefined;
  if (planted === undefined) throw new UsageError(`--bug ${bug}: see --list-bugs for the names`);
  return planted.subject;
}

function runPlan({ firstSeed, seedCount, moveCount, subject }: Plan): number {
  if (seedCount === 1) {
    const { failure } = runDoor({ seed: firstSeed, moveCount, subject, trace: print });
    print(failure === undefined ? `seed ${firstSeed}: ${moveCount} moves, all well` : failure);
    return failure === undefined ? 0 : 1;
  }
  let failureCount = 0;
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed += 1) {
    const { failure } = runDoor({ seed, moveCount, subject });
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

function main(): number {
  const plan = readPlan();
  if (plan === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (plan === "list_bugs") {
    for (const [name, { about }] of Object.entries(plantedBugs))
      print(`${name.padEnd(28)}${about}`);
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
  process.exitCode = main();
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof TypeError && "code" in error && `${error.code}`.startsWith("ERR_PARSE_ARGS"));
  if (!isUsage) throw error;
  process.stderr.write(`sim: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
