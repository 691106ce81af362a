import { type FileHandle, open } from "node:fs/promises";
import { HalError } from "../domain/hal-error.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import { baseRecord, deltaRecord } from "./delta-log-records.ts";
import { replaceFile, writeAt } from "./durable-file.ts";

/** A log that cannot be folded grows no further: it is all read at the next start, and no more is. */
export const deltaLogBytesMax = 16 * 1_024 * 1_024;

interface Logged {
  readonly delta: TableDelta;
  readonly record: Buffer;
}

/** The file that records may be added to. */
interface Growing {
  readonly handle: FileHandle;
  readonly bytes: number;
}

/**
 * The deltas that lead from an image to the table in force, in memory and in a file. Nothing is added
 * to a file that another process wrote or that could not be written once: what can be read of it need
 * not be on the disk, and some disks then never write it. Such a file is written anew as a whole.
 */
export class DeltaLog {
  readonly base: TableMark;
  readonly #file: string;
  readonly #logged: Logged[] = [];
  #bytes: number;
  /** Undefined: the file has to be written anew. */
  #growing: Growing | undefined;

  /** `deltas` follow from `base`, each from the one before. Writes nothing yet. */
  constructor(file: string, base: TableMark, deltas: readonly TableDelta[]) {
    this.base = base;
    this.#file = file;
    this.#bytes = baseRecord(base).length;
    this.#take(deltas.map(logged));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What leads from `from` to `to`, both of which are on its way. */
  between(from: TableMark, to: TableMark): readonly TableDelta[] {
    return this.#logged.slice(this.#countTo(from), this.#countTo(to)).map(({ delta }) => delta);
  }

  /** The log in `file` of what leads on from `base`, which is on the way of this one. */
  continuedIn(file: string, base: TableMark): DeltaLog {
    const rest = new DeltaLog(file, base, []);
    rest.#take(this.#logged.slice(this.#countTo(base)));
    return rest;
  }

  /**
   * Once it resolves the deltas are durable. The first is good for the table that the log leads to, or
   * for one on the way: what leads beyond that one never came in force and is forgotten. Rejects
   * with the file system's error or a `HalError`: the log is as it was then. The file may have them
   * all the same, or some, and be found so by a restart, until the log is written the next time.
   */
  async append(deltas: readonly TableDelta[]): Promise<void> {
    const [first] = deltas;
    if (first === undefined) return;
    const kept = this.#countTo(first.from);
    const added = deltas.map(logged);
    const addition = Buffer.concat(added.map(({ record }) => record));
    requireReadable(this.#bytes + addition.length);
    const growing = kept === this.#logged.length ? this.#growing : undefined;
    if (growing === undefined) await this.#write(Buffer.concat([this.#image(kept), addition]));
    else await this.#add(growing, addition);
    for (const { record } of this.#logged.splice(kept)) this.#bytes -= record.length;
    this.#take(added);
  }

  /** As a file, as far as it leads to `mark`. */
  bytesTo(mark: TableMark): Uint8Array {
    return this.#image(this.#countTo(mark));
  }

  /**
   * Writes the file anew as it is here. Refused where no start would read all of it, as it can be
   * where it was found in two files: those stay until it is folded.
   */
  async renew(): Promise<void> {
    requireReadable(this.#bytes);
    await this.#write(this.#image(this.#logged.length));
  }

  close(): Promise<void> {
    return this.#letGo();
  }

  #take(added: readonly Logged[]): void {
    this.#logged.push(...added);
    for (const { record } of added) this.#bytes += record.length;
  }

  #image(count: number): Buffer {
    const records = this.#logged.slice(0, count).map(({ record }) => record);
    return Buffer.concat([baseRecord(this.base), ...records]);
  }

  #countTo(mark: TableMark): number {
    if (isSameTable(mark, this.base)) return 0;
    const index = this.#logged.findLastIndex(({ delta }) => isSameTable(delta.to, mark));
    if (index === -1) throw new Error(`version ${mark.version} is not in the log`);
    return index + 1;
  }

  async #add(growing: Growing, addition: Buffer): Promise<void> {
    try {
      await writeAt(growing.handle, addition, growing.bytes);
      await growing.handle.datasync();
    } catch (error) {
      await this.#letGo();
      throw error;
    }
    this.#growing = { ...growing, bytes: growing.bytes + addition.length };
  }

  async #write(bytes: Buffer): Promise<void> {
    await this.#letGo();
    await replaceFile(this.#file, bytes);
    this.#growing = { handle: await open(this.#file, "r+"), bytes: bytes.length };
  }

  async #letGo(): Promise<void> {
    const growing = this.#growing;
    this.#growing = undefined;
    // Everything in it that counts was made durable before.
    await growing?.handle.close().catch(() => undefined);
  }
}

function requireReadable(bytes: number): void {
  if (bytes <= deltaLogBytesMax) return;
  throw new HalError("io", `the log of deltas would have ${bytes} bytes`);
}

function logged(delta: TableDelta): Logged {
  return { delta, record: deltaRecord(delta) };
}
