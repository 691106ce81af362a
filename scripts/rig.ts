// `npm run rig -- [NAME…] [--list] [--target sim|kernel|bench]… [--bench FILE] [--smoke] [--count N] [--seed N] [--json]`
import { randomInt } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import type { TargetKind } from "../test/rig/rig-target.ts";
import {
  findScenarios,
  measurementsOf,
  prepareRig,
  runScenario,
  type ScenarioRun,
} from "../test/rig/run-scenarios.ts";
import type { Scenario } from "../test/rig/scenario.ts";
import { totalLine } from "./tap-tally.ts";

const usage = `npm run rig -- [NAME...] [--target sim|kernel|bench]... [--bench FILE] [--smoke] [--count N]
                 [--seed N] [--json] [--list]

Plays scenarios against a controller and its wiring, and prints a line for each. Logs stay in .rig/runs.
  NAME        a scenario; all of them where none is named
  --target T  sim: the simulated board. kernel: a real kernel with simulated chips, which is built and
              booted here. Both where not said; each scenario on those that it is for.
              bench: another computer that is wired to this one
  --bench F   how it is wired, for that target; test/rig/README.md says what stands in it
  --smoke     those that are part of CI, at their small sizes
  --count N   of frames, taps, kills or cuts, where a scenario has as many as one likes
  --seed N    for whatever is random; drawn where not said
  --json      their measurements, for programs
  --list      the names, and what each shows
`;

class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly targets: readonly TargetKind[];
  readonly isSmoke: boolean;
  readonly count: number | undefined;
  readonly seed: number;
  readonly json: boolean;
  /** The file. */
  readonly bench: string | undefined;
}

async function readPlan(): Promise<Plan | "help" | "list"> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string", multiple: true },
      smoke: { type: "boolean", default: false },
      count: { type: "string" },
      seed: { type: "string" },
      bench: { type: "string" },
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  if (values.list) return "list";
  const all = await findScenarios();
  const unknown = positionals.filter((name) => all.every((scenario) => scenario.name !== name));
  if (unknown.length > 0) {
    const names = all.map(({ name }) => name).join(", ");
    throw new UsageError(`${unknown.join(", ")}: expected some of ${names}`);
  }
  const chosen = all.filter(
    ({ name, isSmoke }) =>
      (positionals.length === 0 || positionals.includes(name)) && (isSmoke || !values.smoke),
  );
  return {
    scenarios: chosen,
    targets: (values.target ?? ["sim", "kernel"]).map(targetOf),
    isSmoke: values.smoke,
    count: values.count === undefined ? undefined : numberOf("--count", values.count),
    seed: values.seed === undefined ? randomInt(1, 2 ** 31) : numberOf("--seed", values.seed),
    json: values.json,
    bench: values.bench,
  };
}

function targetOf(text: string): TargetKind {
  if (text === "sim" || text === "kernel" || text === "bench") return text;
  throw new UsageError(`--target ${text}: expected sim, kernel or bench`);
}

function numberOf(option: string, text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new UsageError(`${option} ${text}: expected a number`);
  return Number(text);
}

function say(text: string): void {
  process.stderr.write(`rig: ${text}\n`);
}

async function play(plan: Plan): Promise<number> {
  const { scenarios, targets, isSmoke, count, seed, json, bench } = plan;
  const pairs = scenarios.flatMap((scenario) =>
    targets
      .filter((target) => scenario.targets.includes(target))
      .map((target) => ({ scenario, target })),
  );
  const needed = [...new Set(pairs.map(({ target }) => target))];
  if (pairs.length === 0) {
    process.stdout.write("no scenario for this target\n0 passed, 0 failed\n");
    return 0;
  }
  say(`seed ${seed}`);
  const parts = await prepareRig(needed, { say, bench });
  const runs: ScenarioRun[] = [];
  for (const { scenario, target } of pairs) {
    const run = await runScenario({ parts, scenario, target, seed, isSmoke, count });
    runs.push(run);
    if (!json) process.stdout.write(lineOf(run));
  }
  const countOf = (kind: string) => runs.filter(({ result }) => result.kind === kind).length;
  const failedCount = countOf("failed");
  if (json) process.stdout.write(`${JSON.stringify(runs.flatMap(measurementsOf))}\n`);
  else {
    const totals = {
      passedCount: countOf("passed"),
      failedCount,
      skippedCount: countOf("skipped"),
    };
    process.stdout.write(`${totalLine(totals)}\n`);
  }
  if (failedCount > 0) return 1;
  // Who asked for a verdict must not take this for one. CI has been told what is missing, by name.
  return isSmoke || runs.some(({ result }) => result.kind !== "skipped") ? 0 : 3;
}

const verdicts = { passed: "ok  ", failed: "FAIL", skipped: "skip" } as const;

function lineOf({ scenario, target, result, seconds, folder }: ScenarioRun): string {
  const place = result.kind === "failed" ? `  (${folder})` : "";
  const head = `${verdicts[result.kind]} ${target.padEnd(6)} ${scenario.name.padEnd(24)}`;
  return `${head} ${seconds.toFixed(1).padStart(7)} s  ${result.summary}${place}\n`;
}

async function main(): Promise<number> {
  const plan = await readPlan();
  if (plan === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (plan === "list") {
    for (const { name, title, targets, isSmoke } of await findScenarios()) {
      const smoke = isSmoke ? ", smoke" : "";
      process.stdout.write(`${name.padEnd(24)} ${title} (${targets.join(", ")}${smoke})\n`);
    }
    return 0;
  }
  return play(plan);
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof TypeError && "code" in error && `${error.code}`.startsWith("ERR_PARSE_ARGS"));
  if (isUsage) {
    process.stderr.write(`rig: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
  } else throw error;
}
