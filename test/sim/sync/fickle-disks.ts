import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import type { FickleDisk } from "../../unit/controller/fickle-disk.ts";

/** Names under here are on a disk of the simulation; all others are this machine's own. */
const mountPoint = "/postern-sim";

/**
 * The disks of controllers, in place of this machine's for as long as a life lasts: product code
 * opens files by itself, and nothing but its file system tells it whether a power cut forgets them.
 */
export class FickleDisks {
  readonly #disks = new Map<string, FickleDisk>();
  readonly #own = { ...files };

  mount(name: string, disk: FickleDisk): string {
    this.#disks.set(name, disk);
    return `${mountPoint}/${name}`;
  }

  begin(): void {
    const own = this.#own;
    const on = (path: unknown) => this.#diskOf(path);
    Object.assign(files, {
      open: (...args: Parameters<typeof own.open>) =>
        on(args[0])?.open(String(args[0]), String(args[1])) ?? own.open(...args),
      stat: (...args: Parameters<typeof own.stat>) =>
        on(args[0])?.stat(String(args[0])) ?? own.stat(...args),
      mkdir: (...args: Parameters<typeof own.mkdir>) =>
        on(args[0])?.mkdir(String(args[0])) ?? own.mkdir(...args),
      rm: (...args: Parameters<typeof own.rm>) =>
        on(args[0])?.rm(String(args[0])) ?? own.rm(...args),
      rename: (...args: Parameters<typeof own.rename>) =>
        on(args[0])?.rename(String(args[0]), String(args[1])) ?? own.rename(...args),
      link: (...args: Parameters<typeof own.link>) =>
        on(args[0])?.link(String(args[0]), String(args[1])) ?? own.link(...args),
      readFile: (...args: Parameters<typeof own.readFile>) => {
        const disk = on(args[0]);
        return disk === undefined ? own.readFile(...args) : readWhole(disk, args);
      },
    });
    // What was imported by name is the function of then, but for this.
    syncBuiltinESMExports();
  }

  end(): void {
    Object.assign(files, this.#own);
    syncBuiltinESMExports();
  }

  #diskOf(path: unknown): FickleDisk["module"] | undefined {
    if (typeof path !== "string" || !path.startsWith(`${mountPoint}/`)) return undefined;
    const [name = ""] = path.slice(mountPoint.length + 1).split("/", 1);
    return this.#disks.get(name)?.module;
  }
}

async function readWhole(
  disk: FickleDisk["module"],
  [file, encoding]: Parameters<typeof files.readFile>,
): Promise<Buffer | string> {
  const handle: object = await disk.open(String(file), "r");
  if (!canReadFile(handle)) throw new Error(`${String(file)} is a folder`);
  const bytes = await handle.readFile();
  return typeof encoding === "string" ? bytes.toString(encoding) : bytes;
}

function canReadFile(handle: object): handle is { readFile(): Promise<Buffer> } {
  return "readFile" in handle;
}
