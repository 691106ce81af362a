import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { adoptTableImage } from "../core/access-table/open-table-image.ts";
import { HalError } from "../domain/hal-error.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import { isNewer, isSameTable } from "../protocols/sync/table-order.ts";
import { DeltaLog } from "./delta-log.ts";
import { makeFolder, syncFolder } from "./durable-file.ts";
import type { LoadedTable } from "./load-table.ts";
import type { TableOwner } from "./own-image.ts";
import { openRegisterFile, type RegisterFile } from "./register-file.ts";
import {
  openPartFile,
  type PartFile,
  type SnapshotFault,
  type SnapshotFile,
} from "./snapshot-file.ts";
import { isPartBegun } from "./snapshot-part.ts";
import {
  describeFailure,
  imageFile,
  logFile,
  newestFile,
  otherSlot,
  partFile,
  type TableSlot,
} from "./table-files.ts";
import type { RunTableJob } from "./table-jobs.ts";
import { decodeTableMark, encodeTableMark, tableMarkBytes } from "./table-mark-bytes.ts";
import type { TableFileDamage, TableStore } from "./table-store.ts";
import { Turns } from "./turns.ts";

/** Folding is due where a table keeps so much beside its image, or its log so many bytes. */
const changesMax = 4_096;
const logBytesMax = 1_024 * 1_024;
/** Of a folded table that catches up, between two looks at the doors: a millisecond or so. */
const deltasPerTurn = 16;

export interface FiledTableStoreOptions {
  readonly folder: string;
  readonly owner: TableOwner;
  /** Where what takes long is done. */
  readonly run: RunTableJob;
}

/** The table in force and where on disk it is. */
interface InForce {
  readonly slot: TableSlot;
  readonly table: AccessTable;
  readonly log: DeltaLog;
}

export async function openFiledTableStore(options: FiledTableStoreOptions): Promise<TableStore> {
  const newest = await openRegisterFile(join(options.folder, newestFile), tableMarkBytes);
  const store = new FiledTableStore(options, newest);
  await store.load();
  return store;
}

class FiledTableStore implements TableStore {
  readonly #folder: string;
  readonly #owner: TableOwner;
  readonly #run: RunTableJob;
  readonly #register: RegisterFile;
  #inForce: InForce | undefined;
  #newest: TableMark | undefined;
  #damages: TableFileDamage[] = [];
  #part: PartFile | undefined;
  /** For what is short: a group of deltas, putting another table in force. */
  readonly #writes = new Turns();
  /** For what is long and uses the slot that is not in force. */
  readonly #replacements = new Turns();

  constructor({ folder, owner, run }: FiledTableStoreOptions, register: RegisterFile) {
    this.#folder = folder;
    this.#owner = owner;
    this.#run = run;
    this.#register = register;
  }

  table(): AccessTable | undefined {
    return this.#inForce?.table;
  }

  newestAccepted(): TableMark | undefined {
    return this.#newest;
  }

  damages(): readonly TableFileDamage[] {
    return this.#damages;
  }

  async load(): Promise<void> {
    const noted = this.#register.read();
    if (noted !== undefined) this.#newest = decodeTableMark(noted);
    const damage = this.#register.damage();
    if (damage !== undefined) this.#damages.push({ file: newestFile, detail: damage });
    await this.#makeFolder();
    try {
      const input = { folder: this.#folder, owner: this.#owner };
      // A thread can fail to start for want of memory that is there a moment later.
      const first = this.#run("loadTable", input);
      this.#take(await first.catch(() => this.#run("loadTable", input)));
    } catch (error) {
      this.#damages.push({ file: this.#folder, detail: describeFailure(error) });
    }
    await this.#writes.take(() => this.#settle());
  }

  append(deltas: readonly TableDelta[]): Promise<Result<void, HalError>> {
    return this.#writes.take(() => this.#append(deltas));
  }

  foldIsDue(): boolean {
    if (this.#inForce === undefined) return false;
    const { table, log } = this.#inForce;
    return table.changeCount >= changesMax || log.bytes >= logBytesMax;
  }

  fold(): Promise<Result<AccessTable, HalError>> {
    return this.#replacements.take(() => this.#fold());
  }

  beginSnapshot(manifest: SnapshotManifest): Promise<Result<SnapshotFile, HalError>> {
    return this.#replacements.take(() => this.#begin(manifest));
  }

  async close(): Promise<void> {
    await this.#replacements.ended();
    await this.#writes.ended();
    await this.#part?.close();
    await this.#inForce?.log.close();
    await this.#register.close();
  }

  /** A disk that can only be read any more has a table all the same. */
  async #makeFolder(): Promise<void> {
    try {
      await makeFolder(this.#folder);
    } catch (error) {
      this.#damages.push({ file: this.#folder, detail: describeFailure(error) });
    }
  }

  #take({ image, deltas, newest, damages }: LoadedTable): void {
    this.#damages.push(...damages);
    if (newest !== undefined) this.#newest = newerOf(this.#newest, newest);
    if (image === undefined) return;
    const { slot, bytes } = image;
    const table = adoptTableImage(bytes, parseTableFrame);
    const base = table.mark;
    const fault = applyAll(table, deltas);
    if (fault !== undefined) this.#damages.push({ file: logFile(slot), detail: fault });
    const applied = deltas.slice(0, table.mark.version - base.version);
    this.#inForce = { slot, table, log: new DeltaLog(this.#path(logFile(slot)), base, applied) };
  }

  /**
   * What was read need not be on the disk, if the process before died while it wrote; a power cut
   * shall find nothing older than what is in force from now on.
   */
  async #settle(): Promise<void> {
    if (this.#inForce === undefined) return;
    const { slot, table, log } = this.#inForce;
    if (this.#newest !== undefined && isNewer(this.#newest, table.mark)) {
      const detail = `leads to ${describe(table.mark)}; ${describe(this.#newest)} was accepted`;
      this.#damages.push({ file: logFile(slot), detail });
    }
    try {
      await log.renew();
      await this.#raiseNewest(table.mark);
    } catch {
      // The next group is written together with these, and says so if it cannot be.
    }
  }

  async #append(deltas: readonly TableDelta[]): Promise<Result<void, HalError>> {
    const [first] = deltas;
    const last = deltas.at(-1);
    if (first === undefined || last === undefined) return succeed(undefined);
    const inForce = this.#inForce;
    // It may have been put in force since they were handed over.
    if (inForce === undefined || !isSameTable(first.from, inForce.table.mark)) {
      return fail(new HalError("io", "another table is in force"));
    }
    try {
      await inForce.log.append(deltas);
      await this.#raiseNewest(last.to);
    } catch (error) {
      return fail(halError(error));
    }
    this.#mended(logFile(inForce.slot), newestFile);
    return succeed(undefined);
  }

  async #fold(): Promise<Result<AccessTable, HalError>> {
    if (this.#inForce === undefined) return fail(new HalError("io", "there is no table to fold"));
    const { slot, table, log } = this.#inForce;
    const upTo = table.mark;
    try {
      const input = { folder: this.#folder, slot, log: log.bytesTo(upTo) };
      const { bytes } = await this.#run("foldImage", input);
      const folded = adoptTableImage(bytes, parseTableFrame);
      if (!isSameTable(folded.mark, upTo)) throw new Error("another table was folded");
      await this.#catchUp(folded);
      return await this.#writes.take(() => this.#putFolded(folded, upTo));
    } catch (error) {
      return fail(halError(error));
    }
  }

  /** With all but a few of the deltas that came meanwhile, and turns for the doors between them. */
  async #catchUp(folded: AccessTable): Promise<void> {
    for (;;) {
      const behind = this.#behind(folded);
      if (behind.length <= deltasPerTurn) return;
      applyOwn(folded, behind.slice(0, deltasPerTurn));
      await nextTurn();
    }
  }

  /** Until the new log is there, the image before and its log lead to the table in force. */
  async #putFolded(folded: AccessTable, upTo: TableMark): Promise<Result<AccessTable, HalError>> {
    const before = this.#inForce;
    if (before === undefined) throw new Error("no table is in force");
    const slot = otherSlot(before.slot);
    const log = before.log.continuedIn(this.#path(logFile(slot)), upTo);
    await log.renew();
    // Nothing comes between: what the table before has taken by now, this one takes.
    applyOwn(folded, this.#behind(folded));
    this.#inForce = { slot, table: folded, log };
    this.#mended(imageFile(slot), logFile(slot));
    await before.log.close();
    return succeed(folded);
  }

  #behind(folded: AccessTable): readonly TableDelta[] {
    if (this.#inForce === undefined) throw new Error("no table is in force");
    const { table, log } = this.#inForce;
    return log.between(folded.mark, table.mark);
  }

  async #begin(manifest: SnapshotManifest): Promise<Result<SnapshotFile, HalError>> {
    const folder = this.#folder;
    try {
      await this.#part?.close();
      await makeFolder(folder);
      const place = { folder, parts: manifest };
      const present = (await isPartBegun(place)) ? await this.#run("surveyPart", place) : [];
      const install = () => this.#replacements.take(() => this.#install(manifest));
      this.#part = await openPartFile({ folder, manifest, present, install });
      return succeed(this.#part);
    } catch (error) {
      return fail(halError(error));
    }
  }

  async #install(manifest: SnapshotManifest): Promise<Result<AccessTable, SnapshotFault>> {
    if (!this.#isAcceptable(manifest.mark)) return fail("older");
    try {
      const input = { folder: this.#folder, manifest, owner: this.#owner };
      const verified = await this.#run("verifyPart", input);
      if (!verified.ok) return fail("damaged");
      return await this.#writes.take(() => this.#putSnapshot(manifest.mark, verified.value));
    } catch (error) {
      return fail(halError(error));
    }
  }

  async #putSnapshot(
    mark: TableMark,
    bytes: Uint8Array,
  ): Promise<Result<AccessTable, SnapshotFault>> {
    if (!this.#isAcceptable(mark)) return fail("older");
    const before = this.#inForce;
    const slot = otherSlot(before?.slot);
    const table = adoptTableImage(bytes, parseTableFrame);
    const log = new DeltaLog(this.#path(logFile(slot)), mark, []);
    // Before the table: were it the other way round, a cut in between would leave the new table
    // guarded by nothing but itself. A mark noted here and not stored is still accepted.
    await this.#raiseNewest(mark);
    await log.renew();
    await this.#placePart(imageFile(slot));
    this.#inForce = { slot, table, log };
    this.#mended(imageFile(slot), logFile(slot), newestFile);
    await before?.log.close();
    return succeed(table);
  }

  async #placePart(name: string): Promise<void> {
    const part = this.#path(partFile);
    const image = this.#path(name);
    await rename(part, image);
    try {
      await syncFolder(this.#folder);
    } catch (error) {
      // So that it is found to try again.
      await rename(image, part).catch(() => undefined);
      throw error;
    }
  }

  /** Not older than any that was accepted, and no other one of the same number. */
  #isAcceptable(mark: TableMark): boolean {
    const newest = this.#newest;
    return newest === undefined || isSameTable(mark, newest) || isNewer(mark, newest);
  }

  async #raiseNewest(mark: TableMark): Promise<void> {
    const newest = newerOf(this.#newest, mark);
    const bytes = encodeTableMark(newest);
    const noted = this.#register.read();
    if (noted === undefined || !bytes.equals(noted)) await this.#register.write(bytes);
    this.#newest = newest;
  }

  #mended(...files: readonly string[]): void {
    this.#damages = this.#damages.filter(({ file }) => !files.includes(file));
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/** They were applied to the same table before. */
function applyOwn(table: AccessTable, deltas: readonly TableDelta[]): void {
  const fault = applyAll(table, deltas);
  if (fault !== undefined) throw new Error(fault);
}

/** The fault of the first that does not apply; those before it were. */
function applyAll(table: AccessTable, deltas: readonly TableDelta[]): string | undefined {
  for (const delta of deltas) {
    const applied = table.apply(delta);
    if (!applied.ok) return `${describe(delta.to)} does not apply: ${applied.fault}`;
  }
  return undefined;
}

function newerOf(one: TableMark | undefined, other: TableMark): TableMark {
  return one === undefined || isNewer(other, one) ? other : one;
}

function halError(error: unknown): HalError {
  if (error instanceof HalError) return error;
  return new HalError("io", describeFailure(error), { cause: error });
}

function describe({ epoch, version }: TableMark): string {
  return `${epoch}.${version}`;
}
