import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { HalError, ioError } from "../domain/hal-error.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import { syncFolder, writeAt } from "./durable-file.ts";
import {
  checkBytes,
  checkOf,
  chunkCount,
  chunkLength,
  partHeader,
  partHeaderBytes,
} from "./snapshot-part.ts";
import { partFile, partStateFile } from "./table-files.ts";
import { Turns } from "./turns.ts";

/**
 * Why a snapshot that is all there did not become the table in force. `damaged`: it is not what its
 * manifest says, or no table of this controller. `older`: the table in force has come further.
 */
export type SnapshotFault = HalError | "damaged" | "older";

/** A snapshot that is being fetched, on disk as far as it came. One call at a time. */
export interface SnapshotFile {
  /** Indexes of the chunks that are not stored, in order. */
  missing(): readonly number[];
  /**
   * Stores one chunk, opened by the caller. Not durable by itself: a chunk that a power cut takes is
   * missing again afterwards.
   */
  put(index: number, plain: Uint8Array): Promise<Result<void, HalError>>;
  /**
   * Once nothing is missing: verifies the whole in a thread of its own, makes it durable, and
   * resolves with the table that took the place of the one in force. After a `HalError` it may be
   * begun again, and what is still there is found; after any other fault nothing of it is left.
   */
  finish(): Promise<Result<AccessTable, SnapshotFault>>;
  /** Deletes what was stored of it. */
  abandon(): Promise<void>;
}

/** What the store does with a part that is complete and durable, under its own name still. */
export type InstallPart = () => Promise<Result<AccessTable, SnapshotFault>>;

export interface PartFileOptions {
  readonly folder: string;
  readonly manifest: SnapshotManifest;
  /** Chunks that are there already. None: the files are made anew. */
  readonly present: readonly number[];
  readonly install: InstallPart;
}

/** Rejects with the file system's error. */
export async function openPartFile(options: PartFileOptions): Promise<PartFile> {
  const { folder, manifest, present } = options;
  if (present.length === 0) await removePart(folder);
  const flags = present.length === 0 ? "w" : "r+";
  const part = await open(join(folder, partFile), flags, 0o600);
  try {
    const state = await open(join(folder, partStateFile), flags, 0o600);
    try {
      if (present.length === 0) await writeAt(state, partHeader(manifest), 0);
      return new PartFile(options, { part, state });
    } catch (error) {
      await state.close();
      throw error;
    }
  } catch (error) {
    await part.close();
    throw error;
  }
}

export async function removePart(folder: string): Promise<void> {
  for (const name of [partStateFile, asideFile, partFile]) {
    await rm(join(folder, name), { force: true });
  }
}

/** Durably gives a part the name of the image that it is. Rejects with the file system's error. */
export async function placePart(folder: string, name: string): Promise<void> {
  const part = join(folder, partFile);
  const image = join(folder, name);
  await rename(part, image);
  try {
    await syncFolder(folder);
  } catch (error) {
    // So that it is found to try again.
    await rename(image, part).catch(() => undefined);
    throw error;
  }
}

/** The state of a part that is being made durable. */
const asideFile = `${partStateFile}.aside`;

interface PartHandles {
  readonly part: FileHandle;
  readonly state: FileHandle;
}

export class PartFile implements SnapshotFile {
  readonly #options: PartFileOptions;
  readonly #missing: Set<number>;
  readonly #turns = new Turns();
  #handles: PartHandles | undefined;

  constructor(options: PartFileOptions, handles: PartHandles) {
    this.#options = options;
    this.#handles = handles;
    const { manifest, present } = options;
    this.#missing = new Set(Array.from({ length: chunkCount(manifest) }, (_, index) => index));
    for (const index of present) this.#missing.delete(index);
  }

  missing(): readonly number[] {
    return [...this.#missing];
  }

  put(index: number, plain: Uint8Array): Promise<Result<void, HalError>> {
    return this.#turns.take(() => this.#put(index, plain));
  }

  finish(): Promise<Result<AccessTable, SnapshotFault>> {
    return this.#turns.take(() => this.#finish());
  }

  /** What was asked for so far has come to its end. */
  ended(): Promise<void> {
    return this.#turns.ended();
  }

  async #put(index: number, plain: Uint8Array): Promise<Result<void, HalError>> {
    const { manifest } = this.#options;
    const handles = this.#handles;
    if (handles === undefined) return fail(new HalError("io", "the snapshot is not open any more"));
    if (plain.length !== chunkLength(manifest, index)) throw new Error(`chunk ${index}`);
    const check = Buffer.alloc(checkBytes);
    check.writeUInt32LE(checkOf(plain));
    try {
      await writeAt(handles.part, plain, index * manifest.chunkBytes);
      await writeAt(handles.state, check, partHeaderBytes + index * checkBytes);
    } catch (error) {
      return fail(ioError(error));
    }
    this.#missing.delete(index);
    return succeed(undefined);
  }

  async #finish(): Promise<Result<AccessTable, SnapshotFault>> {
    if (this.#missing.size > 0) throw new Error(`${this.#missing.size} chunks are missing`);
    const handles = this.#handles;
    if (handles === undefined) return fail(new HalError("io", "the snapshot is not open any more"));
    try {
      await this.#sync(handles);
    } catch (error) {
      await this.abandon();
      return fail(ioError(error));
    }
    await this.close();
    const installed = await this.#options.install();
    if (!installed.ok && installed.fault instanceof HalError) return installed;
    await this.abandon();
    return installed;
  }

  async abandon(): Promise<void> {
    await this.close();
    // What is left behind is deleted when the next snapshot begins.
    await removePart(this.#options.folder).catch(() => undefined);
  }

  /**
   * What a disk failed to keep it may report as kept the next time: without its state, nothing of a
   * part is believed any more, also where this process is killed before it has heard of the failure.
   */
  async #sync({ part }: PartHandles): Promise<void> {
    const state = join(this.#options.folder, partStateFile);
    const aside = join(this.#options.folder, asideFile);
    await rename(state, aside);
    await part.sync();
    await rename(aside, state);
  }

  /** Leaves what is there for the next time. */
  async close(): Promise<void> {
    const handles = this.#handles;
    this.#handles = undefined;
    await handles?.part.close().catch(() => undefined);
    await handles?.state.close().catch(() => undefined);
  }
}
