import { existsSync } from "node:fs";
import {
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import ts from "typescript";
import { acquireLock } from "../../scripts/set-up-lock.mjs";
import { repositoryRoot } from "../../scripts/setup.mjs";

/** What runs on the target, and the tests that are to run there. */
const sourceFolders = ["src", "hal", "test/rig", "test/conformance"];
const otherFiles = ["package.json"];
const otherFolders = ["config", "systemd"];

/**
 * Brings the sources as they are now into `folder` as JavaScript, with the addons as they were
 * compiled, so that a target loads no compiler: in an emulated machine that alone takes a minute. A
 * snapshot: who edits a source meanwhile does not change what runs.
 */
export async function compileProgram(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const release = await acquireLock(`${folder}.lock`, () => undefined);
  try {
    await bringAll(folder);
  } finally {
    release();
  }
}

async function bringAll(folder: string): Promise<void> {
  const kept = new Set<string>();
  for (const sources of sourceFolders) {
    const all = await readdir(join(repositoryRoot, sources), {
      recursive: true,
      withFileTypes: true,
    });
    for (const entry of all.filter((one) => one.isFile())) {
      const from = join(entry.parentPath, entry.name);
      const path = from.slice(repositoryRoot.length);
      kept.add(await bring(from, join(folder, path)));
    }
  }
  for (const path of [...otherFiles, ...otherFolders]) {
    await cp(join(repositoryRoot, path), join(folder, path), { recursive: true, force: true });
  }
  const modules = join(folder, "node_modules");
  if (!existsSync(modules)) {
    // There is one that leads nowhere, where the checkout has been moved.
    await rm(modules, { force: true });
    await symlink(join(repositoryRoot, "node_modules"), modules);
  }
  await dropOthers(folder, kept);
}

/** Returns the path of what came of it. */
async function bring(from: string, to: string): Promise<string> {
  const isSource = /(?<!\.d)\.ts$/.test(from);
  const output = isSource ? to.replace(/\.ts$/, ".js") : to;
  const { mtime } = await stat(from);
  const before = existsSync(output) ? (await stat(output)).mtimeMs : undefined;
  if (before === mtime.getTime()) return output;
  await mkdir(dirname(output), { recursive: true });
  // Renamed when it is whole: a guest may be running what was there before.
  const fresh = `${output}.new`;
  if (isSource) {
    const { outputText } = ts.transpileModule(await readFile(from, "utf8"), {
      fileName: from,
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(fresh, outputText);
  } else {
    await cp(from, fresh);
  }
  await utimes(fresh, mtime, mtime);
  await rename(fresh, output);
  return output;
}

/** A source that is gone must not stay behind in what runs. */
async function dropOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const sources of sourceFolders) {
    const all = await readdir(join(folder, sources), { recursive: true, withFileTypes: true });
    for (const entry of all.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      if (!kept.has(path)) await rm(path);
    }
  }
}
