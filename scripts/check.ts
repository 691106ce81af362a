// `npm run check`: everything that CI holds against a change. `npm run check -- lint tidy` runs those.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { repositoryRoot } from "./setup.mjs";
import { parseTotalLine, type Totals, totalLine } from "./tap-tally.ts";

interface Step {
  readonly name: string;
  /** Arguments of `node`. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Shows its own progress, and closes with a total of its own. */
  readonly countsTests?: true;
}

const inModules = (path: string) => join(repositoryRoot, "node_modules", path);

/** Sizes at which the randomised tests are worth an evening, and not only a glance. */
const checkSizes: Readonly<Record<string, string>> = {
  CHECK: "1",
  FUZZ_RUNS: "20000",
  POSTERN_KILLS: "50",
};

const steps: readonly Step[] = [
  { name: "types", command: [inModules("typescript/bin/tsc"), "-p", "tsconfig.json"] },
  { name: "lint", command: [inModules("@biomejs/biome/bin/biome"), "ci", "--colors=off", "."] },
  { name: "lint with types", command: [inModules("eslint/bin/eslint.js"), "--no-color", "."] },
  { name: "tidy", command: ["--import=tsx", "scripts/tidy.ts"] },
  { name: "unused", command: [inModules("knip/bin/knip.js"), "--no-progress"] },
  {
    name: "tests",
    command: ["--import=tsx", "scripts/test.ts"],
    env: checkSizes,
    countsTests: true,
  },
  { name: "bench", command: ["scripts/run.mjs", "bench", "--smoke"] },
];

interface Outcome extends Totals {
  readonly status: number;
  readonly seconds: number;
}

async function run(step: Step): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, [...step.command], {
    cwd: repositoryRoot,
    env: { ...process.env, ...step.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  let output = "";
  const take = (chunk: Buffer) => {
    output += chunk.toString();
    if (step.countsTests === true) process.stdout.write(chunk);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const status = await new Promise<number>((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (code) => resolve(code ?? 1));
  });
  process.off("SIGTERM", stop);
  process.off("SIGINT", stop);
  if (status !== 0 && step.countsTests !== true) process.stdout.write(`\n${output.trimEnd()}\n\n`);
  const seconds = (performance.now() - started) / 1000;
  return { status, seconds, ...totalsOf(step, status, output) };
}

/** A step that counts no tests counts as one. */
function totalsOf(step: Step, status: number, output: string): Totals {
  const counted = step.countsTests === true ? parseTotalLine(output) : undefined;
  if (counted !== undefined && (status === 0 || counted.failedCount > 0)) return counted;
  const failedCount = status === 0 ? 0 : 1;
  return { passedCount: 1 - failedCount, failedCount, skippedCount: 0 };
}

function wantedSteps(): readonly Step[] | undefined {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !steps.some((step) => step.name.startsWith(name)));
  if (unknown.length > 0) {
    process.stderr.write(
      `check: ${unknown.join(", ")}: expected some of ${steps.map(({ name }) => name).join(", ")}\n`,
    );
    return undefined;
  }
  const isWanted = ({ name }: Step) =>
    names.length === 0 || names.some((wanted) => name.startsWith(wanted));
  return steps.filter(isWanted);
}

async function main(): Promise<number> {
  const wanted = wantedSteps();
  if (wanted === undefined) return 2;
  let total: Totals = { passedCount: 0, failedCount: 0, skippedCount: 0 };
  const lines: string[] = [];
  for (const step of wanted) {
    if (step.name === "bench" && !existsSync(join(repositoryRoot, "scripts/bench.ts"))) continue;
    const outcome = await run(step);
    const verdict = outcome.status === 0 ? "ok  " : "FAIL";
    const line = `${verdict} ${step.name.padEnd(16)} ${outcome.seconds.toFixed(1).padStart(6)} s`;
    process.stdout.write(`${line}\n`);
    lines.push(line);
    total = {
      passedCount: total.passedCount + outcome.passedCount,
      failedCount: total.failedCount + outcome.failedCount,
      skippedCount: total.skippedCount + outcome.skippedCount,
    };
  }
  // The first lines are pages up by now.
  process.stdout.write(`\n${lines.join("\n")}\n\n${totalLine(total)}\n`);
  return total.failedCount === 0 ? 0 : 1;
}

process.exitCode = await main();
