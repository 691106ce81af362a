import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Test } from "tap";
import { repositoryRoot } from "../../scripts/setup.mjs";
import type { RootArchitecture } from "./debian-root.ts";

/** What `npm run package` makes, not compressed, and gone with the test. Throws with what it said. */
export function builtPackage(t: Test, architecture: RootArchitecture): string {
  const out = mkdtempSync(join(tmpdir(), "postern-package-"));
  t.teardown(() => rmSync(out, { recursive: true, force: true }));
  const said = run(
    process.execPath,
    [
      ...["scripts/run.mjs", "package", "--arch", architecture, "--out", out],
      ...["--compression", "none"],
    ],
    // Somebody's npm may be told of another Node's headers.
    { SOURCE_DATE_EPOCH: "1763700000", npm_config_nodedir: "/nonexistent" },
  );
  const file = said.trim().split("\n").at(-1) ?? "";
  return file;
}

/** The next version of a package, with another example configuration; made from the first. */
export function nextPackage(t: Test, file: string, version: string): string {
  const work = mkdtempSync(join(tmpdir(), "postern-next-"));
  t.teardown(() => rmSync(work, { recursive: true, force: true }));
  const root = join(work, "root");
  mkdirSync(root);
  run("dpkg-deb", ["--raw-extract", file, root]);
  const change = (path: string, edit: (text: string) => string) => {
    const before = readFileSync(join(root, path), "utf8");
    const after = edit(before);
    if (before === after) throw new Error(`${path}: nothing to change`);
    writeFileSync(join(root, path), after);
  };
  change("DEBIAN/control", (text) => text.replace(/^Version: .*$/m, `Version: ${version}`));
  change("usr/lib/postern/package.json", (text) =>
    text.replace(/"version": "[^"]*"/, `"version": "${version}"`),
  );
  change("etc/postern/controller.toml", (text) => `${text}\n# A new example.\n`);
  change("etc/postern/boards/raspberry-pi.toml", (text) => `${text}\n# A new example.\n`);
  const next = join(work, `postern_${version}.deb`);
  run("dpkg-deb", ["--root-owner-group", "-Znone", "--build", root, next]);
  return next;
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(command, [...args], {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}:\n${stdout}${stderr}`);
  return stdout;
}
