import { readdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Benchmark, Measurement } from "../test/bench/measurement.ts";

/** Benchmarks are the modules in test/bench that export `name` and `run`. */
const folder = new URL("../test/bench/", import.meta.url);

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
    only: { type: "string" },
  },
});

const benchmarks = await findBenchmarks();
const chosen = benchmarks.filter(({ name }) => name === (options.only ?? name));
if (chosen.length === 0) {
  const names = benchmarks.map(({ name }) => name).join(", ");
  process.stderr.write(`bench: there is no benchmark ${options.only}; there are: ${names}\n`);
  process.exit(2);
}
const measurements: Measurement[] = [];
for (const { name, run } of chosen) {
  process.stderr.write(`bench: ${name}${options.smoke ? ", smoke size" : ""}\n`);
  measurements.push(...(await run({ smoke: options.smoke })));
}
process.stdout.write(options.json ? `${JSON.stringify(measurements)}\n` : tableOf(measurements));

async function findBenchmarks(): Promise<readonly Benchmark[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ts")).toSorted();
  const modules = await Promise.all(
    files.map(async (file): Promise<unknown> => import(new URL(file, folder).href)),
  );
  return modules.filter(isBenchmark);
}

function isBenchmark(module: unknown): module is Benchmark {
  return (
    typeof module === "object" &&
    module !== null &&
    "name" in module &&
    typeof module.name === "string" &&
    "run" in module &&
    typeof module.run === "function"
  );
}

/** One line for each name, one column for each subject, in the order in which they came. */
function tableOf(all: readonly Measurement[]): string {
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  const names = [...new Set(all.map(({ name }) => name))];
  const rows = names.map((name) => {
    const ofName = all.filter((one) => one.name === name);
    const cells = subjects.map((subject) => {
      const found = ofName.find((one) => one.subject === subject);
      return found === undefined ? "-" : numberText(found.value);
    });
    return [name, ofName[0]?.unit ?? "", ...cells];
  });
  const table = [["", "unit", ...subjects], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  return table
    .map((row) => {
      const cells = row.map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

function numberText(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}
