import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { repositoryRoot } from "../../scripts/setup.mjs";

/** Where an installed package has what was compiled from src/ and hal/. */
const programFolder = "/usr/lib/postern/dist";
/** What tests read beside their own modules. */
const readByTests = ["README.md", "package.json", "config", "test/vectors"];

/**
 * Lays out the tests in `folder` as JavaScript, so that they test the program of an installed package and no
 * copy of it, and returns the runner's file. The runner is given test files, from `folder` and by the names
 * that they have in the sources.
 */
export function layOutTests(folder: string): string {
  const sources = readdirSync(join(repositoryRoot, "test"), { recursive: true, encoding: "utf8" });
  for (const path of sources.filter((each) => each.endsWith(".ts") && !/^(e2e|rig)\//.test(each))) {
    const { outputText } = ts.transpileModule(
      readFileSync(join(repositoryRoot, "test", path), "utf8"),
      {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      },
    );
    const file = join(folder, "test", path.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, outputText);
  }
  for (const name of ["src", "hal"]) symlinkSync(join(programFolder, name), join(folder, name));
  for (const path of readByTests) {
    cpSync(join(repositoryRoot, path), join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, "run-tests.js"), runner);
  return "run-tests.js";
}

/** All files in one process: to load the test framework takes an emulated machine longer than most tests. */
const runner = `
import t from "tap";
for (const file of process.argv.slice(2)) {
  await t.test(file, async () => undefined);
  try {
    await import("./" + file.replace(/\\.ts$/, ".js"));
  } catch (error) {
    t.fail(file + ": " + error.message);
  }
}
`;
