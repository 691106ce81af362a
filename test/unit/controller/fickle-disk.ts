import type { Seeded } from "../../../hal/sim/seeded.ts";

/** A write that is in the cache and not on the disk. */
interface Unsynced {
  readonly position: number;
  readonly bytes: Buffer;
}

/** What one name stands for. */
interface Inode {
  readonly ino: number;
  /** What is read. */
  cached: Buffer;
  /** What a power cut leaves, with some of what was not synced. */
  durable: Buffer;
  unsynced: Unsynced[];
}

/**
 * The part of `node:fs/promises` that stores use, in memory, as disks are at their worst: what was not
 * synced may be lost at a power cut, or half of it; a name that was not synced may be the old one; a
 * sync that failed forgets what it was to write, and the next one does not say so.
 */
export class FickleDisk {
  /** One call in so many fails, unless 0. */
  failsOneIn = 0;
  /** How many of the next syncs fail. */
  failingSyncs = 0;
  /** How probable it is that the process is killed before it hears of a call that failed. */
  killsAtFailures = 0;
  /** The names in a folder cannot be made durable. */
  keepsNoNames = false;
  /** Places that cannot be read. */
  readonly badBlocks = new Set<number>();
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  readonly #folders = new Set<string>();
  readonly #seeded: Seeded;
  #life = 0;
  #inoCount = 0;

  constructor(seeded: Seeded) {
    this.#seeded = seeded;
  }

  /** For `t.mockImport`, under "node:fs/promises". */
  get module() {
    return {
      open: (file: string, flags: string) => this.#do(() => this.#open(file, flags)),
      stat: (file: string) => this.#do(() => this.#stat(this.#find(file))),
      mkdir: (folder: string) => this.#do(() => void this.#folders.add(folder)),
      rm: (file: string) => this.#do(() => void this.#names.delete(file)),
      rename: (from: string, to: string) =>
        this.#do(() => {
          this.#names.set(to, this.#find(from));
          this.#names.delete(from);
        }),
      link: (from: string, to: string) => this.#do(() => this.#names.set(to, this.#find(from))),
    };
  }

  /** How many processes were killed. */
  get kills(): number {
    return this.#life;
  }

  /** The process that wrote is gone; what it wrote is still in the cache. */
  kill(): void {
    this.#life += 1;
  }

  powerCut(): void {
    this.kill();
    // Names may have got onto the disk without having been asked to.
    if (this.#seeded.chance(0.5)) this.#names = new Map(this.#durableNames);
    this.#durableNames = new Map(this.#names);
    for (const inode of new Set(this.#names.values())) {
      const count = this.#seeded.between(0, inode.unsynced.length);
      for (const { position, bytes } of inode.unsynced.slice(0, count)) {
        const kept = bytes.subarray(0, this.#seeded.between(0, bytes.length));
        inode.durable = written(inode.durable, position, kept);
      }
      inode.unsynced = [];
      inode.cached = Buffer.from(inode.durable);
    }
  }

  async #do<T>(act: () => T): Promise<T> {
    const life = this.#life;
    await new Promise<void>((resolve) => setImmediate(resolve));
    // Nobody is there any more to be answered.
    if (life !== this.#life) return new Promise<T>(() => undefined);
    try {
      const result = act();
      this.#mayFail();
      return result;
    } catch (error) {
      const isKilled = this.killsAtFailures > 0 && this.#seeded.chance(this.killsAtFailures);
      if (!isKilled) throw error;
      this.kill();
      return new Promise<T>(() => undefined);
    }
  }

  #mayFail(): void {
    if (this.failsOneIn > 0 && this.#seeded.chance(1 / this.failsOneIn)) {
      throw Object.assign(new Error("EIO: the disk is fickle"), { code: "EIO" });
    }
  }

  #find(file: string): Inode {
    const inode = this.#names.get(file);
    if (inode === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    return inode;
  }

  #stat(inode: Inode) {
    return { size: inode.cached.length, ino: inode.ino };
  }

  #open(file: string, flags: string) {
    if (this.#folders.has(file)) return this.#folder();
    if (flags === "w") {
      this.#inoCount += 1;
      const empty = Buffer.alloc(0);
      const inode = { ino: this.#inoCount, cached: empty, durable: empty, unsynced: [] };
      this.#names.set(file, inode);
    }
    return this.#handle(this.#find(file));
  }

  #folder() {
    return {
      sync: () =>
        this.#do(() => {
          if (this.keepsNoNames) throw Object.assign(new Error("EIO"), { code: "EIO" });
          this.#durableNames = new Map(this.#names);
        }),
      close: () => this.#do(() => undefined),
    };
  }

  #handle(inode: Inode) {
    const sync = () => this.#do(() => this.#sync(inode));
    return {
      readFile: () => this.#do(() => this.#readFile(inode)),
      read: (bytes: Uint8Array, into: number, count: number, position: number) =>
        this.#do(() => this.#read(inode, bytes.subarray(into, into + count), position)),
      write: (bytes: Uint8Array, from: number, count: number, position: number) =>
        this.#do(() => this.#write(inode, position, bytes.subarray(from, from + count))),
      writeFile: (bytes: Uint8Array) => this.#do(() => this.#write(inode, 0, bytes)),
      sync,
      datasync: sync,
      stat: () => this.#do(() => this.#stat(inode)),
      close: () => this.#do(() => undefined),
    };
  }

  #readFile(inode: Inode): Buffer {
    for (const position of this.badBlocks) this.#read(inode, Buffer.alloc(0), position);
    return Buffer.from(inode.cached);
  }

  #read(inode: Inode, into: Uint8Array, position: number) {
    if (this.badBlocks.has(position)) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return { bytesRead: inode.cached.copy(into, 0, position) };
  }

  #write(inode: Inode, position: number, bytes: Uint8Array) {
    const isShort = this.failsOneIn > 0 && this.#seeded.chance(1 / this.failsOneIn);
    const taken = isShort ? bytes.subarray(0, this.#seeded.between(1, bytes.length)) : bytes;
    inode.unsynced.push({ position, bytes: Buffer.from(taken) });
    inode.cached = written(inode.cached, position, taken);
    if (taken.length < bytes.length) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    return { bytesWritten: taken.length };
  }

  #sync(inode: Inode): void {
    const { unsynced } = inode;
    inode.unsynced = [];
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      throw Object.assign(new Error("EIO: not synced"), { code: "EIO" });
    }
    this.#mayFail();
    for (const { position, bytes } of unsynced) {
      inode.durable = written(inode.durable, position, bytes);
    }
  }
}

/**
 * For `t.mockImport` once and many disks, one after the other: importing what is tested takes longer
 * than a run of it.
 */
export function onDisk(disk: () => FickleDisk): FickleDisk["module"] {
  return {
    open: (file, flags) => disk().module.open(file, flags),
    stat: (file) => disk().module.stat(file),
    mkdir: (folder) => disk().module.mkdir(folder),
    rm: (file) => disk().module.rm(file),
    rename: (from, to) => disk().module.rename(from, to),
    link: (from, to) => disk().module.link(from, to),
  };
}

function written(before: Buffer, position: number, bytes: Uint8Array): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  after.set(bytes, position);
  return after;
}
