import { open } from "node:fs/promises";
import { join } from "node:path";
import { imageHeaderBytes } from "../core/access-table/image-header.ts";
import { readImageMark } from "../core/access-table/open-table-image.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { isMissing } from "../domain/failure-code.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { compareTables, isNewer, newerOf } from "../protocols/sync/table-order.ts";
import { deltaLogBytesMax } from "./delta-log.ts";
import { type FoundDeltas, parseDeltaLog } from "./delta-log-records.ts";
import { openOwnImage, type TableOwner } from "./own-image.ts";
import { insist, readWhole } from "./read-whole.ts";
import { imageBytesMax, imageFile, logFile, type TableSlot, tableSlots } from "./table-files.ts";
import { encodeTableMark } from "./table-mark-bytes.ts";
import type { TableFileDamage } from "./table-store.ts";

export interface LoadedTable {
  /** Verified: see `adoptTableImage`. */
  readonly image: { readonly slot: TableSlot; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  /** No image was found, and of one that is there the disk gave nothing this time. */
  readonly isUnread: boolean;
  /** Each follows from the one before, and the first from the image. */
  readonly deltas: readonly TableDelta[];
  /** The newest table that any file speaks of. */
  readonly newest: TableMark | undefined;
  readonly damages: readonly TableFileDamage[];
}

interface ImageHeader {
  readonly slot: TableSlot;
  readonly mark: TableMark;
}

interface ImageFault {
  readonly detail: string;
  /** It is the disk's: another reading may do better. */
  readonly mayPass: boolean;
}

/** Reads what is in a store's folder. What cannot be read is damaged; it never rejects for that. */
export async function loadTable({
  folder,
  owner,
}: {
  readonly folder: string;
  readonly owner: TableOwner;
}): Promise<LoadedTable> {
  const { headers, faults } = await readHeaders(folder);
  const damages: TableFileDamage[] = faults.map(({ slot, detail }) => damageOf(slot, detail));
  let mayPass = faults.some((fault) => fault.mayPass);
  const logs: FoundDeltas[] = [];
  for (const slot of tableSlots) {
    const log = await readLog(folder, slot);
    if (log === undefined) continue;
    logs.push(log);
    if (log.damage !== undefined) damages.push({ file: logFile(slot), detail: log.damage });
  }
  const marks = [...headers.map(({ mark }) => mark), ...logs.flatMap(marksOf)];
  const newest = marks.reduce<TableMark | undefined>(newerOf, undefined);
  for (const { slot, mark } of headers) {
    const bytes = await readImage(join(folder, imageFile(slot)), owner);
    if (bytes.ok) {
      const image = { slot, bytes: bytes.value };
      return { image, isUnread: false, deltas: pathFrom(mark, logs), newest, damages };
    }
    damages.push(damageOf(slot, bytes.fault.detail));
    mayPass ||= bytes.fault.mayPass;
  }
  return { image: undefined, isUnread: mayPass, deltas: [], newest, damages };
}

/** The slots of a folder that could not be loaded. */
export interface SurveyedSlots {
  /** That of no image, or of the one that would be missed least. */
  readonly spare: TableSlot;
  readonly newest: TableMark | undefined;
}

export async function surveySlots(folder: string): Promise<SurveyedSlots> {
  const { headers, faults } = await readHeaders(folder);
  const hopelessLast = faults.toSorted((one, other) => +other.mayPass - +one.mayPass);
  const inOrder = [...headers, ...hopelessLast].map(({ slot }) => slot);
  const free = tableSlots.find((slot) => !inOrder.includes(slot));
  return { spare: free ?? inOrder.at(-1) ?? "a", newest: headers[0]?.mark };
}

/** Of the images that are there; the newest first. */
async function readHeaders(folder: string): Promise<{
  readonly headers: readonly ImageHeader[];
  readonly faults: readonly (ImageFault & { readonly slot: TableSlot })[];
}> {
  const headers: ImageHeader[] = [];
  const faults: (ImageFault & { readonly slot: TableSlot })[] = [];
  for (const slot of tableSlots) {
    const header = await readHeader(folder, slot);
    if (header?.ok === true) headers.push({ slot, mark: header.value });
    if (header?.ok === false) faults.push({ slot, ...header.fault });
  }
  headers.sort((one, other) => compareTables(other.mark, one.mark));
  return { headers, faults };
}

function damageOf(slot: TableSlot, detail: string): TableFileDamage {
  return { file: imageFile(slot), detail };
}

async function readImage(
  file: string,
  owner: TableOwner,
): Promise<Result<Uint8Array<ArrayBuffer>, ImageFault>> {
  try {
    const bytes = await readWhole(file, imageBytesMax);
    const table = openOwnImage(bytes, owner);
    return table.ok ? succeed(bytes) : fail({ detail: table.fault, mayPass: false });
  } catch (error) {
    return fail(faultOf(error));
  }
}

/** Undefined where there is no such file. */
async function readHeader(
  folder: string,
  slot: TableSlot,
): Promise<Result<TableMark, ImageFault> | undefined> {
  try {
    const header = await insist(() => readStart(join(folder, imageFile(slot)), imageHeaderBytes));
    const mark = readImageMark(header);
    return mark.ok ? mark : fail({ detail: mark.fault, mayPass: false });
  } catch (error) {
    return isMissing(error) ? undefined : fail(faultOf(error));
  }
}

/** The system's errors have a code; ours, of a file that is too long, have none. */
function faultOf(error: unknown): ImageFault {
  return { detail: describeFailure(error), mayPass: error instanceof Error && "code" in error };
}

async function readStart(file: string, bytesMax: number): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const bytes = new Uint8Array(bytesMax);
    const { bytesRead } = await handle.read(bytes, 0, bytesMax, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function readLog(folder: string, slot: TableSlot): Promise<FoundDeltas | undefined> {
  try {
    const bytes = await readWhole(join(folder, logFile(slot)), deltaLogBytesMax);
    return parseDeltaLog(Buffer.from(bytes.buffer));
  } catch (error) {
    if (isMissing(error)) return undefined;
    return { base: undefined, deltas: [], damage: describeFailure(error) };
  }
}

/**
 * The logs of both slots: where the image in one is damaged, its log goes on from where the other's
 * ends. At a fork the log with the newer base is right: the other's way ends in a delta that could
 * not be written and was never in force.
 */
function pathFrom(mark: TableMark, logs: readonly FoundDeltas[]): readonly TableDelta[] {
  const next = new Map<string, TableDelta>();
  const oldestFirst = logs.toSorted(compareBases);
  for (const delta of oldestFirst.flatMap(({ deltas }) => deltas)) {
    if (isNewer(delta.to, delta.from)) next.set(keyOf(delta.from), delta);
  }
  const path: TableDelta[] = [];
  let step = next.get(keyOf(mark));
  while (step !== undefined) {
    path.push(step);
    step = next.get(keyOf(step.to));
  }
  return path;
}

/** A log that does not say what it follows is the least to be relied on. */
function compareBases({ base: one }: FoundDeltas, { base: other }: FoundDeltas): number {
  if (one === undefined || other === undefined)
    return Number(one !== undefined) - Number(other !== undefined);
  return compareTables(one, other);
}

function marksOf({ base, deltas }: FoundDeltas): readonly TableMark[] {
  return [base, deltas.at(-1)?.to].filter((mark) => mark !== undefined);
}

function keyOf(mark: TableMark): string {
  return encodeTableMark(mark).toString("latin1");
}
