// `npm run fuzz -- NAME [--runs N] [--seed S]` runs test/fuzz/NAME.test.ts, or all without a NAME.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { repositoryRoot } from "./setup.mjs";

const runsByDefault = "100000";

function readPlan(): { readonly target: string; readonly env: Readonly<Record<string, string>> } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: "string", default: runsByDefault }, seed: { type: "string" } },
  });
  const [name, ...others] = positionals;
  if (others.length > 0) throw new Error("expected one NAME");
  const target = name === undefined ? "fuzz" : `test/fuzz/${name}.test.ts`;
  if (name !== undefined && !existsSync(join(repositoryRoot, target))) {
    throw new Error(`there is no ${target}`);
  }
  for (const [option, text] of Object.entries(values)) {
    if (!/^[0-9]{1,15}$/.test(text)) throw new Error(`--${option}: expected a whole number`);
  }
  const { runs, seed } = values;
  return { target, env: { FUZZ_RUNS: runs, ...(seed === undefined ? {} : { FUZZ_SEED: seed }) } };
}

function run({ target, env }: ReturnType<typeof readPlan>): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--import=tsx", join(repositoryRoot, "scripts/test.ts"), target],
    { cwd: repositoryRoot, stdio: "inherit", env: { ...process.env, ...env } },
  );
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => child.kill(signal));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await run(readPlan());
} catch (error) {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
