import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { adoptTableImage } from "../core/access-table/open-table-image.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { HalError, ioError } from "../domain/hal-error.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { type BackOff, putOff } from "../protocols/sync/back-off.ts";
import type { SnapshotManifest } from "../protocols/sync/snapshot-manifest.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import { describeMark, isNewer, isSameTable } from "../protocols/sync/table-order.ts";
import { applyDeltas } from "./apply-deltas.ts";
import { Deadline } from "./deadline.ts";
import { DeltaLog } from "./delta-log.ts";
import { makeFolder } from "./durable-file.ts";
import { type LoadedTable, surveySlots } from "./load-table.ts";
import { type NewestTable, openNewestTable } from "./newest-table.ts";
import type { TableOwner } from "./own-image.ts";
import { settlesWithin } from "./settles-within.ts";
import {
  openPartFile,
  type PartFile,
  placePart,
  type SnapshotFault,
  type SnapshotFile,
} from "./snapshot-file.ts";
import { isPartBegun } from "./snapshot-part.ts";
import {
  imageFile,
  logFile,
  newestFile,
  otherSlot,
  type TableSlot,
  tableSlots,
} from "./table-files.ts";
import type { RunTableJob, TableJobInput, TableJobName, TableJobOutput } from "./table-jobs.ts";
import type { TableFileDamage, TableStore } from "./table-store.ts";
import { Turns } from "./turns.ts";

/** Folding is due where a table keeps so much beside its image, or its log so many bytes. */
const changesMax = 4_096;
const logBytesMax = 1_024 * 1_024;
/** Of a folded table that catches up, between two looks at the doors: a millisecond or so. */
const deltasPerTurn = 16;
/** While a table that is there cannot be read, nobody is let in. */
const loadRetry = { leastMs: 1_000, mostMs: 5 * 60_000 };
/** A stop waits so long for a job. */
const closeMaxMs = 5_000;
/** And so long for what is left, which a disk that hangs can keep for ever. */
const stoppedMaxMs = 1_000;

export interface FiledTableStoreOptions {
  readonly folder: string;
  readonly owner: TableOwner;
  /** Where what takes long is done. */
  readonly run: RunTableJob;
  readonly clock: Clock;
}

/** The table in force and where on disk it is. */
interface InForce {
  readonly slot: TableSlot;
  readonly table: AccessTable;
  readonly log: DeltaLog;
}

export async function openFiledTableStore(options: FiledTableStoreOptions): Promise<TableStore> {
  const store = new FiledTableStore(options, await openNewestTable(options.folder));
  await store.open();
  return store;
}

class FiledTableStore implements TableStore {
  readonly #folder: string;
  readonly #owner: TableOwner;
  readonly #run: RunTableJob;
  readonly #clock: Clock;
  readonly #newest: NewestTable;
  /** There may be a table on the disk that is not in force. */
  #isUnread = true;
  readonly #loadAgain: Deadline;
  #loadBackOff: BackOff | undefined;
  #tellLoaded: (table: AccessTable) => void = () => undefined;
  #inForce: InForce | undefined;
  #damages: TableFileDamage[] = [];
  #part: PartFile | undefined;
  /** For what is short: a group of deltas, putting another table in force. */
  readonly #writes = new Turns();
  /** For what is long and uses the slot that is not in force. */
  readonly #replacements = new Turns();
  readonly #stop = new AbortController();
  #isClosed = false;

  constructor({ folder, owner, run, clock }: FiledTableStoreOptions, newest: NewestTable) {
    this.#folder = folder;
    this.#owner = owner;
    this.#run = run;
    this.#clock = clock;
    this.#newest = newest;
    this.#loadAgain = new Deadline(clock, () => this.#retryLoad());
  }

  table(): AccessTable | undefined {
    return this.#inForce?.table;
  }

  newestAccepted(): TableMark | undefined {
    return this.#newest.mark();
  }

  damages(): readonly TableFileDamage[] {
    return this.#damages;
  }

  onLoaded(listener: (table: AccessTable) => void): void {
    this.#tellLoaded = listener;
    this.#putOffLoad();
  }

  async open(): Promise<void> {
    const damage = this.#newest.damage();
    if (damage !== undefined) this.#damages.push({ file: newestFile, detail: damage });
    await this.#replacements.take(() => this.#load());
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
    this.#isClosed = true;
    this.#loadAgain.set(undefined);
    const ended = this.#ended();
    if (await settlesWithin(this.#clock, closeMaxMs, ended)) return;
    this.#stop.abort();
    await settlesWithin(this.#clock, stoppedMaxMs, ended);
  }

  async #ended(): Promise<void> {
    // It may be about to install what it has.
    await this.#part?.ended();
    await this.#replacements.ended();
    await this.#writes.ended();
    await this.#part?.close();
    await this.#inForce?.log.close();
    await this.#newest.close();
  }

  /** Leaves `#isUnread` where there is more to be had than was read. */
  async #load(): Promise<void> {
    this.#mended(this.#folder, ...tableSlots.flatMap((slot) => [imageFile(slot), logFile(slot)]));
    await this.#makeFolder();
    try {
      const loaded = await this.#job("loadTable", { folder: this.#folder, owner: this.#owner });
      this.#take(loaded);
      this.#isUnread = loaded.isUnread;
    } catch (error) {
      this.#damages.push({ file: this.#folder, detail: describeFailure(error) });
    }
    await this.#writes.take(() => this.#settle());
  }

  #retryLoad(): void {
    // It rejects for mistakes of ours only, and those end the process.
    void this.#replacements.take(async () => {
      await this.#loadUnread();
      this.#putOffLoad();
    });
  }

  #putOffLoad(): void {
    if (!this.#isUnread || this.#isClosed) return;
    this.#loadBackOff = putOff(this.#loadBackOff, loadRetry, this.#clock.monotonic());
    this.#loadAgain.set(this.#loadBackOff.until);
  }

  /** In a turn of its own, or in that of what would take the place of what is there. */
  async #loadUnread(): Promise<void> {
    if (!this.#isUnread || this.#isClosed) return;
    await this.#load();
    if (this.#inForce !== undefined && !this.#isClosed) this.#tellLoaded(this.#inForce.table);
  }

  #job<Name extends TableJobName>(
    name: Name,
    input: TableJobInput<Name>,
  ): Promise<TableJobOutput<Name>> {
    return this.#run(name, input, this.#stop.signal);
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
    this.#newest.find(newest);
    if (image === undefined) return;
    const { slot, bytes } = image;
    const table = adoptTableImage(bytes, parseTableFrame);
    const base = table.mark;
    const fault = applyDeltas(table, deltas);
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
    const newest = this.#newest.mark();
    if (newest !== undefined && isNewer(newest, table.mark)) {
      const detail = `leads to ${describeMark(table.mark)}; ${describeMark(newest)} was accepted`;
      this.#damages.push({ file: logFile(slot), detail });
    }
    try {
      await log.renew();
      await this.#newest.raise(table.mark);
    } catch {
      // The next group is written together with these, and says so if it cannot be.
    }
  }

  async #append(deltas: readonly TableDelta[]): Promise<Result<void, HalError>> {
    const [first] = deltas;
    const last = deltas.at(-1);
    if (first === undefined || last === undefined) return succeed(undefined);
    const inForce = this.#inForce;
    if (this.#isClosed) return fail(storeClosed());
    // It may have been put in force since they were handed over.
    if (inForce === undefined || !isSameTable(first.from, inForce.table.mark)) {
      return fail(new HalError("io", "another table is in force"));
    }
    try {
      await inForce.log.append(deltas);
      await this.#newest.raise(last.to);
    } catch (error) {
      return fail(ioError(error));
    }
    this.#mended(logFile(inForce.slot), newestFile);
    return succeed(undefined);
  }

  async #fold(): Promise<Result<AccessTable, HalError>> {
    if (this.#inForce === undefined) return fail(new HalError("io", "there is no table to fold"));
    if (this.#isClosed) return fail(storeClosed());
    const { slot, table, log } = this.#inForce;
    const upTo = table.mark;
    try {
      const input = { folder: this.#folder, slot, log: log.bytesTo(upTo) };
      const { bytes } = await this.#job("foldImage", input);
      const folded = adoptTableImage(bytes, parseTableFrame);
      if (!isSameTable(folded.mark, upTo)) throw new Error("another table was folded");
      await this.#catchUp(folded);
      return await this.#writes.take(() => this.#putFolded(folded, upTo));
    } catch (error) {
      return fail(ioError(error));
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
    if (this.#isClosed) return fail(storeClosed());
    try {
      await this.#part?.close();
      await makeFolder(folder);
      const place = { folder, parts: manifest };
      const present = (await isPartBegun(place)) ? await this.#job("surveyPart", place) : [];
      const install = () => this.#replacements.take(() => this.#install(manifest));
      this.#part = await openPartFile({ folder, manifest, present, install });
      return succeed(this.#part);
    } catch (error) {
      return fail(ioError(error));
    }
  }

  async #install(manifest: SnapshotManifest): Promise<Result<AccessTable, SnapshotFault>> {
    if (this.#isClosed) return fail(storeClosed());
    const spare = await this.#spareSlot();
    if (!this.#newest.allows(manifest.mark)) return fail("older");
    try {
      const input = { folder: this.#folder, manifest, owner: this.#owner };
      const verified = await this.#job("verifyPart", input);
      if (!verified.ok) return fail("damaged");
      return await this.#writes.take(() => this.#putSnapshot(manifest.mark, verified.value, spare));
    } catch (error) {
      return fail(ioError(error));
    }
  }

  async #putSnapshot(
    mark: TableMark,
    bytes: Uint8Array,
    slot: TableSlot,
  ): Promise<Result<AccessTable, SnapshotFault>> {
    if (!this.#newest.allows(mark)) return fail("older");
    const before = this.#inForce;
    const table = adoptTableImage(bytes, parseTableFrame);
    const log = new DeltaLog(this.#path(logFile(slot)), mark, []);
    // Before the table: were it the other way round, a cut in between would leave the new table
    // guarded by nothing but itself. A mark noted here and not stored is still accepted.
    await this.#newest.raise(mark);
    await log.renew();
    await placePart(this.#folder, imageFile(slot));
    this.#isUnread = false;
    this.#inForce = { slot, table, log };
    this.#mended(imageFile(slot), logFile(slot), newestFile);
    await before?.log.close();
    return succeed(table);
  }

  /** What cannot be read now might be read by the next start: of that, the least is given up. */
  async #spareSlot(): Promise<TableSlot> {
    await this.#loadUnread();
    if (!this.#isUnread) return otherSlot(this.#inForce?.slot);
    const { spare, newest } = await surveySlots(this.#folder);
    this.#newest.find(newest);
    return spare;
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
  const fault = applyDeltas(table, deltas);
  if (fault !== undefined) throw new Error(fault);
}

function storeClosed(): HalError {
  return new HalError("io", "the store is closed");
}
