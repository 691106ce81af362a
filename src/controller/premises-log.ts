import { type FileHandle, link, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { isMissing } from "../domain/failure-code.ts";
import { makeFolder, replaceFile, writeAt } from "./durable-file.ts";
import { headerLine, lineOf, type PremisesFound, parsePremisesLines } from "./premises-lines.ts";
import type { PremisesRecord } from "./premises-records.ts";
import { insist } from "./read-whole.ts";
import { settlesWithin } from "./settles-within.ts";

/** Where records are made durable. One call at a time. */
export interface PremisesLog {
  /**
   * Makes `changed` durable, all of them or none. `all` is every record there is by now, for when the
   * file has to be written anew. Rejects with the file system's error.
   */
  write(changed: readonly PremisesRecord[], all: ReadonlyMap<string, string>): Promise<void>;
  close(): Promise<void>;
}

/** A file that has grown to three times what it was when it was written anew is written anew. */
const growthMax = 3;
const rewriteAtLeastBytes = 256 * 1_024;
/** A file that cannot be written anew grows no further than this. */
const fileBytesMax = 64 * 1_024 * 1_024;
const bytesReadMax = 2 * fileBytesMax;
const blockBytes = 4_096;
const blockDamagesMax = 10;
/** How long a start waits for the disk. */
const loadMsMax = 5_000;
/** Lines of a rewriting between two looks at the doors. */
const linesPerTurn = 2_000;

/** The file that lines may be added to. */
interface Growing {
  readonly handle: FileHandle;
  readonly bytes: number;
  readonly nextNumber: number;
  /** The size at which it is written anew. */
  readonly rewriteAtBytes: number;
}

/**
 * Never rejects, and takes 5 s at most: a controller whose disk is gone still opens doors. What a disk
 * tells later than that is kept as evidence and not in force.
 */
export async function openPremisesLog(
  file: string,
  clock: Pick<Clock, "monotonic" | "alarm">,
): Promise<{ readonly log: PremisesLog; readonly found: PremisesFound }> {
  const log = new FilePremisesLog(file);
  const loading = log.load();
  const isInTime = await settlesWithin(clock, loadMsMax, loading);
  return { log, found: isInTime ? await loading : log.giveUpLoading(loading) };
}

const nothingFound: PremisesFound = {
  values: new Map(),
  state: "missing",
  damages: [],
};

class FilePremisesLog implements PremisesLog {
  readonly #file: string;
  /** Undefined: nothing may be added to what is there, if anything; it has to be written anew. */
  #growing: Growing | undefined;
  /** A reading that was not waited for: until it ends, and is put aside, nothing takes its place. */
  #lateLoading: Promise<void> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Nothing is added to a file from before, whole as it may look: lines that a killed process had not
   * got onto the disk yet can be read all the same, and some disks then never write them.
   */
  async load(): Promise<PremisesFound> {
    const found = await this.#read();
    if (found.state === "damaged") await this.#keepDamaged();
    return found;
  }

  giveUpLoading(loading: Promise<PremisesFound>): PremisesFound {
    this.#lateLoading = loading.then(async ({ state }) => {
      // `load` has done so with a damaged one; a file that is whole is not in force all the same.
      if (state === "whole" || state === "torn") await this.#keepDamaged();
      this.#lateLoading = undefined;
    });
    return damaged(`it could not be read within ${loadMsMax} ms`);
  }

  async write(changed: readonly PremisesRecord[], all: ReadonlyMap<string, string>): Promise<void> {
    if (this.#lateLoading !== undefined) await this.#lateLoading;
    const growing = this.#growing;
    if (growing === undefined) return this.#rewrite(all);
    if (growing.bytes < growing.rewriteAtBytes) return this.#append(growing, changed);
    try {
      await this.#rewrite(all);
    } catch (error) {
      // A disk too full for two of them may still have room for a line.
      const rewriteAtBytes = Math.min(growing.rewriteAtBytes * growthMax, fileBytesMax);
      if (growing.bytes >= rewriteAtBytes) throw error;
      if (!(await this.#isInPlace(growing.handle))) {
        // Lines added to a file that lost its name would be gone at the next start.
        await this.#letGo();
        throw error;
      }
      this.#growing = { ...growing, rewriteAtBytes };
      return this.#append(this.#growing, changed);
    }
  }

  async close(): Promise<void> {
    await this.#letGo();
  }

  async #append(growing: Growing, changed: readonly PremisesRecord[]): Promise<void> {
    const line = lineOf(growing.nextNumber, changed);
    try {
      await writeAt(growing.handle, line, growing.bytes);
      await growing.handle.datasync();
    } catch (error) {
      // Half a line may be there now, and what a disk failed to keep once it may report as kept the
      // next time: nothing is added to this file any more.
      await this.#letGo();
      throw error;
    }
    this.#growing = {
      ...growing,
      bytes: growing.bytes + line.length,
      nextNumber: growing.nextNumber + 1,
    };
  }

  async #rewrite(all: ReadonlyMap<string, string>): Promise<void> {
    const lines = [headerLine];
    for (const [key, json] of all) {
      lines.push(lineOf(lines.length, [{ key, json }]));
      // Doors do not wait for a building's records; what changes meanwhile is written once more.
      if (lines.length % linesPerTurn === 0) await nextTurn();
    }
    await makeFolder(dirname(this.#file));
    await replaceFile(this.#file, Buffer.concat(lines));
    await this.#letGo();
    await this.#grow(lines.length);
  }

  async #grow(nextNumber: number): Promise<void> {
    const handle = await open(this.#file, "r+");
    const { size: bytes } = await handle.stat();
    const rewriteAtBytes = Math.max(rewriteAtLeastBytes, bytes * growthMax);
    this.#growing = { handle, bytes, nextNumber, rewriteAtBytes };
  }

  /** Whether a failed rewriting left the old file under its name. */
  async #isInPlace(handle: FileHandle): Promise<boolean> {
    if (this.#growing?.handle !== handle) return false;
    try {
      return (await stat(this.#file)).ino === (await handle.stat()).ino;
    } catch {
      return false;
    }
  }

  async #letGo(): Promise<void> {
    const growing = this.#growing;
    this.#growing = undefined;
    // Everything in it that counts was made durable before.
    await growing?.handle.close().catch(() => undefined);
  }

  async #read(): Promise<PremisesFound> {
    try {
      const handle = await insist(() => open(this.#file, "r"));
      try {
        const { size } = await insist(() => handle.stat());
        if (size > bytesReadMax) return damaged(`${size} bytes, at most ${bytesReadMax}`);
        const { bytes, damages } = await readAll(handle, size);
        const found = parsePremisesLines(bytes);
        if (damages.length === 0) return found;
        return { ...found, state: "damaged", damages: [...damages, ...found.damages] };
      } finally {
        await handle.close();
      }
    } catch (error) {
      return isMissing(error) ? nothingFound : damaged(describeFailure(error));
    }
  }

  /** The file is about to be replaced: evidence of what happened to it goes under another name. */
  async #keepDamaged(): Promise<void> {
    const aside = `${this.#file}.set-aside`;
    try {
      await rm(aside, { force: true });
      await link(this.#file, aside);
    } catch {
      // Not every file system can; the doors matter more.
    }
  }
}

async function readAll(handle: FileHandle, size: number) {
  try {
    return { bytes: await handle.readFile(), damages: [] };
  } catch {
    return readBlocks(handle, size);
  }
}

/** Zeros for what cannot be read: one bad sector costs the uses that are in it, not all of them. */
async function readBlocks(handle: FileHandle, size: number) {
  const bytes = Buffer.alloc(size);
  const damages: string[] = [];
  for (let from = 0; from < size; from += blockBytes) {
    const count = Math.min(blockBytes, size - from);
    try {
      await insist(() => handle.read(bytes, from, count, from));
    } catch (error) {
      bytes.fill(0, from, from + count);
      if (damages.length < blockDamagesMax) {
        damages.push(`bytes ${from} to ${from + count - 1}: ${describeFailure(error)}`);
      }
    }
  }
  return { bytes, damages };
}

function damaged(detail: string): PremisesFound {
  return { ...nothingFound, state: "damaged", damages: [detail] };
}
