import { open } from "node:fs/promises";
import { join } from "node:path";
import { imageHeaderBytes } from "../core/access-table/image-header.ts";
import { readImageMark } from "../core/access-table/open-table-image.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { isNewer } from "../protocols/sync/table-order.ts";
import { deltaLogBytesMax } from "./delta-log.ts";
import { type FoundDeltas, parseDeltaLog } from "./delta-log-records.ts";
import { openOwnImage, type TableOwner } from "./own-image.ts";
import { insist, isMissing, readWhole } from "./read-whole.ts";
import {
  describeFailure,
  imageBytesMax,
  imageFile,
  logFile,
  type TableSlot,
  tableSlots,
} from "./table-files.ts";
import type { TableFileDamage } from "./table-store.ts";

export interface LoadedTable {
  /** Verified: see `adoptTableImage`. */
  readonly image: { readonly slot: TableSlot; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
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

/** Reads what is in a store's folder. What cannot be read is damaged; it never rejects for that. */
export async function loadTable({
  folder,
  owner,
}: {
  readonly folder: string;
  readonly owner: TableOwner;
}): Promise<LoadedTable> {
  const damages: TableFileDamage[] = [];
  const headers: ImageHeader[] = [];
  const logs: FoundDeltas[] = [];
  for (const slot of tableSlots) {
    const header = await readHeader(folder, slot);
    if (header?.ok === false) damages.push({ file: imageFile(slot), detail: header.fault });
    if (header?.ok === true) headers.push({ slot, mark: header.value });
    const log = await readLog(folder, slot);
    if (log === undefined) continue;
    logs.push(log);
    if (log.damage !== undefined) damages.push({ file: logFile(slot), detail: log.damage });
  }
  const marks = [...headers, ...logs.flatMap(marksOf)].map(({ mark }) => mark);
  const newest = marks.reduce<TableMark | undefined>(newerOf, undefined);
  headers.sort((one, other) => (isNewer(one.mark, other.mark) ? -1 : 1));
  for (const { slot, mark } of headers) {
    const bytes = await readImage(join(folder, imageFile(slot)), owner);
    if (bytes.ok) {
      const image = { slot, bytes: bytes.value };
      return { image, deltas: pathFrom(mark, logs), newest, damages };
    }
    damages.push({ file: imageFile(slot), detail: bytes.fault });
  }
  return { image: undefined, deltas: [], newest, damages };
}

async function readImage(
  file: string,
  owner: TableOwner,
): Promise<Result<Uint8Array<ArrayBuffer>, string>> {
  try {
    const bytes = await readWhole(file, imageBytesMax);
    const table = openOwnImage(bytes, owner);
    return table.ok ? succeed(bytes) : table;
  } catch (error) {
    return fail(describeFailure(error));
  }
}

/** Undefined where there is no such file. */
async function readHeader(
  folder: string,
  slot: TableSlot,
): Promise<Result<TableMark, string> | undefined> {
  try {
    const header = await insist(() => readStart(join(folder, imageFile(slot)), imageHeaderBytes));
    return readImageMark(header);
  } catch (error) {
    return isMissing(error) ? undefined : fail(describeFailure(error));
  }
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
  const oldestFirst = logs.toSorted((one, other) => (isBaseNewer(one, other) ? 1 : -1));
  for (const delta of oldestFirst.flatMap(({ deltas }) => deltas)) {
    if (isNewer(delta.to, delta.from)) next.set(nameOf(delta.from), delta);
  }
  const path: TableDelta[] = [];
  let step = next.get(nameOf(mark));
  while (step !== undefined) {
    path.push(step);
    step = next.get(nameOf(step.to));
  }
  return path;
}

function isBaseNewer({ base: one }: FoundDeltas, { base: other }: FoundDeltas): boolean {
  return one !== undefined && (other === undefined || isNewer(one, other));
}

function marksOf({ base, deltas }: FoundDeltas): readonly { readonly mark: TableMark }[] {
  const last = deltas.at(-1)?.to;
  return [base, last].flatMap((mark) => (mark === undefined ? [] : [{ mark }]));
}

function newerOf(one: TableMark | undefined, other: TableMark): TableMark {
  return one === undefined || isNewer(other, one) ? other : one;
}

function nameOf({ epoch, version, tag }: TableMark): string {
  return `${epoch} ${version} ${tag}`;
}
