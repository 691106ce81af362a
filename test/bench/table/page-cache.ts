import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Has the kernel forget the pages of every file below `folder`, as after a boot, and says why it
 * could not: a file system in memory has nothing to read them from again.
 */
export function forgetPages(folder: string): { readonly failure: string | undefined } {
  for (const file of filesBelow(folder)) {
    const done = spawnSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
    if (done.status !== 0) return { failure: "dd of coreutils is not there" };
    const inCache = spawnSync("fincore", ["--bytes", "--noheadings", "--output", "RES", file]);
    if (inCache.status !== 0) return { failure: "fincore of util-linux is not there" };
    if (Number(inCache.stdout.toString()) > 0) return { failure: `${file} stays in memory` };
  }
  return { failure: undefined };
}

/** Reads every file below `folder`, so that it is in the page cache. */
export function rememberPages(folder: string): void {
  for (const file of filesBelow(folder)) readFileSync(file);
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
