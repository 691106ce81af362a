import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** `TMPFS_MAGIC` of linux/magic.h. */
const inMemory = 0x01021994;

/**
 * Has the kernel forget the pages of every file below `folder`, as after a boot, and says why it
 * could not: a file system in memory has nothing to read them from again. Takes what is on the disk
 * already; see `sync`.
 */
export function forgetPages(folder: string): { readonly failure: string | undefined } {
  if (statfsSync(folder).type === inMemory) return { failure: `${folder} is in memory` };
  for (const file of filesBelow(folder)) {
    const done = spawnSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
    if (done.status !== 0) return { failure: "there is no dd that knows nocache" };
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
