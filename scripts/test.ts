// `npm test [-- TIER… | FILE…] [-j N]`
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { repositoryRoot, setUpOrExit } from "./setup.mjs";
import { type FileOutcome, TapTally, totalLine } from "./tap-tally.ts";
import { selectTests, type TestBatch } from "./test-tiers.ts";

const detailLinesMax = 60;
/** How tap started a file: the same for all of them, and long. */
const runnerDetailPattern = /^(stdio|cwd|externalID|command|args|jobId):|^ {2}- (--|\/)/;

interface BatchOutcome {
  readonly tally: TapTally["tally"];
  readonly status: number;
}

async function runBatch(batch: TestBatch): Promise<BatchOutcome> {
  const tap = spawn(
    process.execPath,
    [
      "node_modules/tap/dist/esm/run.mjs",
      "run",
      "--reporter=tap",
      "--disable-coverage",
      `--jobs=${batch.jobCount}`,
      // Who asks for ten million runs of a fuzz target waits for them.
      `--timeout=${process.env["FUZZ_RUNS"] === undefined ? batch.fileSecondsMax : 0}`,
      ...batch.files,
    ],
    { cwd: repositoryRoot, stdio: ["ignore", "pipe", "inherit"] },
  );
  const stop = (signal: NodeJS.Signals) => tap.kill(signal);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const tapTally = new TapTally();
  const ended = new Promise<number>((resolve) => {
    tap.on("close", (status) => resolve(status ?? 1));
  });
  for await (const line of createInterface({ input: tap.stdout })) {
    const outcome = tapTally.line(line);
    if (outcome !== undefined) printOutcome(outcome);
  }
  const status = await ended;
  process.off("SIGTERM", stop);
  process.off("SIGINT", stop);
  return { tally: tapTally.tally, status };
}

function printOutcome({ file, passedCount, failures, skips, seconds, remarks }: FileOutcome): void {
  const verdict = failures.length > 0 ? "FAIL" : "ok  ";
  const count = `${passedCount}`.padStart(4);
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : "";
  print(`${verdict} ${count}  ${file}  ${seconds.toFixed(1)} s${skipped}`);
  if (failures.length === 0) return;
  for (const { path, details } of failures) {
    print(`\n  ${path.join(" > ")}`);
    const telling = details.filter((line) => !runnerDetailPattern.test(line));
    for (const line of telling.slice(0, detailLinesMax)) print(`      ${line}`);
  }
  for (const remark of remarks) print(`  # ${remark}`);
  print("");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function readCommandLine(): { readonly names: readonly string[]; readonly jobCount: number } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { jobs: { type: "string", short: "j" } },
  });
  const jobCount = Number(values.jobs ?? Math.min(availableParallelism(), 4));
  if (!Number.isInteger(jobCount) || jobCount < 1) throw new Error("-j: expected a number from 1");
  return { names: positionals, jobCount };
}

async function main(): Promise<number> {
  let batches: readonly TestBatch[];
  try {
    batches = selectTests({ root: repositoryRoot, ...readCommandLine() });
  } catch (error) {
    process.stderr.write(`test: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  const skips = [];
  let passedCount = 0;
  let failedCount = 0;
  for (const batch of batches) {
    if (batch.needsBuild) await setUpOrExit({ build: true });
    const { tally, status } = await runBatch(batch);
    passedCount += tally.passedCount;
    failedCount += tally.failedCount;
    skips.push(...tally.skips);
    if (status !== 0 && tally.failedCount === 0) {
      print(`FAIL       the test runner ended with exit code ${status}`);
      failedCount += 1;
    }
  }
  if (skips.length > 0) print("\nskipped:");
  for (const { file, name, reason } of skips) {
    print(`  ${file}: ${name}${reason === "" ? "" : ` (${reason})`}`);
  }
  print(`\n${totalLine({ passedCount, failedCount, skippedCount: skips.length })}`);
  return failedCount === 0 ? 0 : 1;
}

process.exitCode = await main();
