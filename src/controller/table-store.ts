import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { TableContent, TableVersion } from "../domain/access.ts";
import { HalError } from "../domain/hal-error.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import { isNewer, openTable, tableMessageBytesMax } from "../protocols/sync/table-message.ts";
import { makeFolder, replaceFile } from "./durable-file.ts";

/** A file in the store that could not be used; what was in the other one is used instead. */
export interface TableFileDamage {
  readonly file: string;
  readonly detail: string;
}

/**
 * The last good table on disk, sealed as the site sent it, so that a changed byte shows. Two files
 * take turns: the one in use is never written to. A third keeps the newest version ever accepted, so
 * that losing any one of the three lets no older table back in.
 */
export interface TableStore {
  /** The newest whole table: found at opening, or saved since. */
  current(): TableContent | undefined;
  /** No table older than this is ever accepted; it may be newer than `current` after damage. */
  newestAccepted(): TableVersion | undefined;
  /** What was found damaged at opening and was not written anew since. */
  damages(): readonly TableFileDamage[];
  /**
   * Makes a table durable. The caller has opened `message` to `content` and applies it after this
   * succeeded: a table in force that a restart would forget could be rolled back by cutting the
   * power. On a fault the table in force is still whole on disk. One call at a time.
   */
  save(table: {
    readonly message: Uint8Array;
    readonly content: TableContent;
  }): Promise<Result<void, HalError>>;
}

export interface TableStoreOptions {
  /** Made if it does not exist. */
  readonly folder: string;
  readonly provision: Provision;
}

const slots = ["table.a", "table.b"] as const;
type Slot = (typeof slots)[number];
const newestFile = "table.newest";
const newestBytesMax = 1_024;

/** Never rejects: a controller whose disk is gone still runs, without a table until it gets one. */
export async function openTableStore(options: TableStoreOptions): Promise<TableStore> {
  const store = new FileTableStore(options);
  await store.load();
  return store;
}

class FileTableStore implements TableStore {
  readonly #folder: string;
  readonly #provision: Provision;
  #damages: TableFileDamage[] = [];
  #current: { readonly slot: Slot; readonly content: TableContent } | undefined;
  #newest: TableVersion | undefined;

  constructor({ folder, provision }: TableStoreOptions) {
    this.#folder = folder;
    this.#provision = provision;
  }

  current(): TableContent | undefined {
    return this.#current?.content;
  }

  newestAccepted(): TableVersion | undefined {
    return this.#newest;
  }

  damages(): readonly TableFileDamage[] {
    return this.#damages;
  }

  async load(): Promise<void> {
    try {
      await makeFolder(this.#folder);
    } catch (error) {
      this.#damages.push({ file: this.#folder, detail: describe(error) });
      return;
    }
    for (const slot of slots) {
      const message = await this.#read(slot, tableMessageBytesMax);
      if (message === undefined) continue;
      const opened = openTable({ message, provision: this.#provision });
      if (opened.ok) this.#consider(slot, opened.value);
      else this.#damage(slot, `${opened.fault.reason}: ${opened.fault.detail}`);
    }
    const newest = await this.#read(newestFile, newestBytesMax);
    if (newest === undefined) return;
    const version = parseNewest(newest);
    if (version === undefined) this.#damage(newestFile, "its checksum does not match");
    else this.#raiseNewest(version);
  }

  async save(table: {
    readonly message: Uint8Array;
    readonly content: TableContent;
  }): Promise<Result<void, HalError>> {
    const slot = this.#current?.slot === slots[0] ? slots[1] : slots[0];
    const version = table.content.table;
    try {
      // Before the table: were it the other way round, a cut in between would leave the new table
      // guarded by nothing but itself. A version noted here and not stored is still accepted.
      await replaceFile(join(this.#folder, newestFile), serialiseNewest(version));
      this.#raiseNewest(version);
      await replaceFile(join(this.#folder, slot), table.message);
      this.#current = { slot, content: table.content };
      this.#damages = this.#damages.filter(({ file }) => file !== slot && file !== newestFile);
      return succeed(undefined);
    } catch (error) {
      return fail(new HalError("io", describe(error), { cause: error }));
    }
  }

  #consider(slot: Slot, content: TableContent): void {
    const current = this.#current?.content.table;
    if (current === undefined || isNewer(content.table, current)) this.#current = { slot, content };
    this.#raiseNewest(content.table);
  }

  #raiseNewest(version: TableVersion): void {
    if (this.#newest === undefined || isNewer(version, this.#newest)) this.#newest = version;
  }

  #damage(file: string, detail: string): void {
    this.#damages.push({ file, detail });
  }

  /** Undefined where there is none, or none that can be read. */
  async #read(name: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      const handle = await open(join(this.#folder, name), "r");
      try {
        const { size } = await handle.stat();
        if (size > bytesMax) {
          this.#damage(name, `${size} bytes, at most ${bytesMax}`);
          return undefined;
        }
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (!isMissing(error)) this.#damage(name, describe(error));
      return undefined;
    }
  }
}

/** Checked by a hash of its own: one flipped bit in it could refuse every table to come. */
function serialiseNewest({ epoch, version }: TableVersion): Uint8Array {
  const text = `${epoch} ${version}`;
  return Buffer.from(`${text} ${hashText(text)}\n`);
}

function parseNewest(bytes: Uint8Array): TableVersion | undefined {
  const match = /^(([0-9]+) ([0-9]+)) ([0-9a-f]{64})\n$/.exec(
    Buffer.from(bytes).toString("latin1"),
  );
  const [, text, epoch, version, hash] = match ?? [];
  if (text === undefined || hash !== hashText(text)) return undefined;
  return { epoch: Number(epoch), version: Number(version) };
}

function hashText(text: string): string {
  return createHash("sha256").update(`postern/1 newest table ${text}`).digest("hex");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
