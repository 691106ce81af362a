import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { describeFailure } from "../domain/describe-failure.ts";
import { isMissing } from "../domain/failure-code.ts";
import { replaceFile, writeAt } from "./durable-file.ts";
import { readWhole } from "./read-whole.ts";

/**
 * A few bytes that are written often and must outlast a power cut: how far time has come, the newest
 * table ever accepted.
 *
 * Two slots in one file take turns, so that a write that is torn leaves the value before it. Each is
 * a block of its own, because a disk that loses power while it writes can spoil the block:
 *
 * | offset | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | sequence: the slot with the higher one holds |
 * | 8 | `valueBytes` | the value |
 * | 8 + `valueBytes` | 32 | SHA-256 over a context and the bytes before |
 */
export interface RegisterFile {
  /** What was written last, or found at opening; undefined where that is nothing that is whole. */
  read(): Uint8Array | undefined;
  /** What was found instead of a value at opening, until one is written. No file is no damage. */
  damage(): string | undefined;
  /**
   * Once it resolves `bytes` outlast a power cut. Where it rejects, with the file system's error, a
   * restart may find either value, and `read` says the one before. One call at a time.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Lets a write under way end. Whatever was written is durable already. */
  close(): Promise<void>;
}

export const registerValueBytesMax = 1_024;

const slotBytes = 4_096;
const slotCount = 2;
const fileBytes = slotBytes * slotCount;
const sequenceBytes = 8;
const hashBytes = 32;

interface Held {
  readonly slot: number;
  readonly sequence: bigint;
  readonly value: Uint8Array;
}

/** Reads the file if there is one. Never rejects; the folder need not exist before `write`. */
export async function openRegisterFile(file: string, valueBytes: number): Promise<RegisterFile> {
  if (valueBytes > registerValueBytesMax) throw new RangeError(`${valueBytes} bytes in a register`);
  const register = new SlottedRegister(file, valueBytes);
  await register.load();
  return register;
}

class SlottedRegister implements RegisterFile {
  readonly #file: string;
  readonly #valueBytes: number;
  #held: Held | undefined;
  #damage: string | undefined;
  /** Undefined until this process has written the file anew. */
  #handle: FileHandle | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, valueBytes: number) {
    this.#file = file;
    this.#valueBytes = valueBytes;
  }

  read(): Uint8Array | undefined {
    return this.#held?.value.slice();
  }

  damage(): string | undefined {
    return this.#damage;
  }

  async load(): Promise<void> {
    try {
      const bytes = Buffer.from((await readWhole(this.#file, fileBytes)).buffer);
      this.#held = newest(bytes, this.#valueBytes);
      if (this.#held === undefined) this.#damage = "neither slot is whole";
    } catch (error) {
      if (!isMissing(error)) this.#damage = describeFailure(error);
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    if (bytes.length !== this.#valueBytes) throw new RangeError(`${bytes.length} bytes`);
    const written = this.#put(bytes.slice());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#writing;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  async #put(value: Uint8Array): Promise<void> {
    const sequence = (this.#held?.sequence ?? 0n) + 1n;
    const handle = this.#handle;
    if (handle === undefined) return this.#renew(sequence, value);
    const slot = this.#held?.slot === 0 ? 1 : 0;
    // After a failure the same slot is written once more: the other one is known to be on disk.
    await writeAt(handle, slotOf(sequence, value), slot * slotBytes);
    await handle.datasync();
    this.#held = { slot, sequence, value };
  }

  /**
   * What was read at opening may never have got onto the disk, if the process before died while it
   * wrote: with that in one slot and a torn write in the other, neither would be left.
   */
  async #renew(sequence: bigint, value: Uint8Array): Promise<void> {
    const bytes = Buffer.alloc(fileBytes);
    bytes.set(slotOf(sequence, value));
    await replaceFile(this.#file, bytes);
    this.#handle = await open(this.#file, "r+");
    this.#held = { slot: 0, sequence, value };
    this.#damage = undefined;
  }
}

function newest(bytes: Buffer, valueBytes: number): Held | undefined {
  let best: Held | undefined;
  for (let slot = 0; slot < slotCount; slot += 1) {
    const held = parseSlot(bytes.subarray(slot * slotBytes), slot, valueBytes);
    if (held !== undefined && (best === undefined || held.sequence > best.sequence)) best = held;
  }
  return best;
}

function parseSlot(bytes: Buffer, slot: number, valueBytes: number): Held | undefined {
  const hashAt = sequenceBytes + valueBytes;
  if (bytes.length < hashAt + hashBytes) return undefined;
  const body = bytes.subarray(0, hashAt);
  if (!hashOf(body).equals(bytes.subarray(hashAt, hashAt + hashBytes))) return undefined;
  const value = new Uint8Array(body.subarray(sequenceBytes));
  return { slot, sequence: body.readBigUInt64LE(0), value };
}

function slotOf(sequence: bigint, value: Uint8Array): Buffer {
  const body = Buffer.alloc(sequenceBytes + value.length);
  body.writeBigUInt64LE(sequence);
  body.set(value, sequenceBytes);
  return Buffer.concat([body, hashOf(body)]);
}

function hashOf(body: Uint8Array): Buffer {
  return createHash("sha256").update("postern/1 register").update(body).digest();
}
