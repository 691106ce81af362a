import { createHash } from "node:crypto";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { decodeTableDelta, encodeTableDelta } from "../protocols/sync/table-delta.ts";
import { decodeTableMark, encodeTableMark, tableMarkBytes } from "./table-mark-bytes.ts";

/*
 * A delta log is records one after another:
 *
 *   0   4  marker, by which the next record is found behind one that is damaged
 *   4   4  number: the version of the table it leads to, in 32 bits; they follow one another
 *   8   4  how many bytes the body has
 *   12  16 SHA-256, cut to 16 bytes, over a context, bytes 4 to 11 and the body
 *   28     body
 *
 * The first says what the others follow: a format byte and the mark of an image. Each of the others
 * is a delta. A record is the same in whatever log it stands. Numbers are little-endian.
 */
const marker = Buffer.from([0xd3, 0x50, 0x44, 0x4c]);
const numberAt = 4;
const lengthAt = 8;
const hashAt = 12;
const hashBytes = 16;
const bodyAt = hashAt + hashBytes;
const numberEnd = 2 ** 32;
const format = 1;

/** What a log says. */
export interface FoundDeltas {
  /** The mark of the image whose log it is; undefined where that cannot be read. */
  readonly base: TableMark | undefined;
  /** All that can be read, in order; after damage they need not follow from one another. */
  readonly deltas: readonly TableDelta[];
  /** A tail that was cut by a power cut is no damage: nobody was told that it is there. */
  readonly damage: string | undefined;
}

interface FoundRecord {
  readonly number: number;
  readonly body: Uint8Array;
  readonly end: number;
}

/** The first record of a log. */
export function baseRecord(base: TableMark): Buffer {
  return recordOf(base, Buffer.concat([Buffer.of(format), encodeTableMark(base)]));
}

export function deltaRecord(delta: TableDelta): Buffer {
  return recordOf(delta.to, encodeTableDelta(delta));
}

/** The bytes may be any. */
export function parseDeltaLog(bytes: Buffer): FoundDeltas {
  const first = recordAt(bytes, 0);
  const base = first === undefined ? undefined : parseBase(first.body);
  // It is written together with the file, in one.
  let damage = base === undefined ? "its first record is damaged" : undefined;
  const deltas: TableDelta[] = [];
  let last = first?.number;
  for (let at = first?.end ?? 1; at < bytes.length; ) {
    const record = recordAt(bytes, at);
    if (record === undefined) {
      const found = bytes.indexOf(marker, at + 1);
      at = found === -1 ? bytes.length : found;
      continue;
    }
    const expected = last === undefined ? record.number : (last + 1) % numberEnd;
    if (record.number !== expected) damage ??= `no record ${expected} before ${record.number}`;
    const delta = decodeTableDelta(record.body);
    if (delta.ok) deltas.push(delta.value);
    else damage ??= `record ${record.number}: ${delta.fault}`;
    last = record.number;
    at = record.end;
  }
  return { base, deltas, damage };
}

function parseBase(body: Uint8Array): TableMark | undefined {
  if (body.length !== 1 + tableMarkBytes || body[0] !== format) return undefined;
  return decodeTableMark(body.subarray(1));
}

function recordOf({ version }: TableMark, body: Uint8Array): Buffer {
  const record = Buffer.alloc(bodyAt + body.length);
  record.set(marker);
  record.writeUInt32LE(version % numberEnd, numberAt);
  record.writeUInt32LE(body.length, lengthAt);
  record.set(body, bodyAt);
  record.set(hashOf(record), hashAt);
  return record;
}

/** Undefined where what stands there is no whole record. */
function recordAt(bytes: Buffer, at: number): FoundRecord | undefined {
  if (bytes.length - at < bodyAt) return undefined;
  const end = at + bodyAt + bytes.readUInt32LE(at + lengthAt);
  if (end > bytes.length) return undefined;
  const record = bytes.subarray(at, end);
  if (!record.subarray(0, marker.length).equals(marker)) return undefined;
  if (!hashOf(record).equals(record.subarray(hashAt, bodyAt))) return undefined;
  return { number: record.readUInt32LE(numberAt), body: record.subarray(bodyAt), end };
}

function hashOf(record: Buffer): Buffer {
  return createHash("sha256")
    .update("postern/1 delta log")
    .update(record.subarray(numberAt, hashAt))
    .update(record.subarray(bodyAt))
    .digest()
    .subarray(0, hashBytes);
}
