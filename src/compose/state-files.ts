import { type Dirent, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

export interface StateFile {
  readonly name: string;
  readonly bytes: number;
  readonly mode: string;
  readonly modifiedAt: string;
}

const filesMax = 500;

/** What a state folder holds, by name and size; never what is in it. */
export function listStateFiles(folder: string): readonly StateFile[] {
  const found: StateFile[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      const stats = entry.isFile() ? statSync(path, { throwIfNoEntry: false }) : undefined;
      if (stats === undefined) continue;
      if (found.length === filesMax) return found;
      found.push({
        name: relative(folder, path),
        bytes: stats.size,
        mode: (stats.mode & 0o777).toString(8),
        modifiedAt: stats.mtime.toISOString(),
      });
    }
  }
  return found;
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
