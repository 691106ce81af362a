import type { StateFolder } from "../../../src/site/state-folder.ts";

/** A folder without a disk, for what would write to it too often. */
export function paperFolder(): StateFolder {
  const files = new Map<string, Uint8Array>();
  const write = (name: string, bytes: Uint8Array | string) =>
    void files.set(name, Buffer.from(bytes));
  return {
    path: "nowhere",
    read: (name) => files.get(name),
    write,
    remove: (name) => void files.delete(name),
    createOnce: (name, make) => {
      if (!files.has(name)) write(name, make());
      return files.get(name) ?? new Uint8Array();
    },
  };
}
