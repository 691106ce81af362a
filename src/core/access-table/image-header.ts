import { createHash } from "node:crypto";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import { type EpochMs, epochMs } from "../../domain/time.ts";
import { imageSections, type SectionBytes, type SectionName } from "./image-sections.ts";
import type { HashKey } from "./keyed-hash.ts";

export const imageFormat = 1;
export const sectionAlignment = 8;
const magic = new TextEncoder().encode("PSTNTBL\n");
const hashBytes = 32;
const factBytes = 80;
const sectionRowBytes = 8 + hashBytes;
const hashedHeaderBytes = factBytes + imageSections.length * sectionRowBytes;

/** What stands before the sections: facts, the section table and a hash of both. */
export const imageHeaderBytes = hashedHeaderBytes + hashBytes;

/** How many there are of what. */
export interface ImageCounts {
  readonly passes: number;
  readonly users: number;
  readonly rules: number;
  readonly profiles: number;
}

export interface ImageFacts {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly hashKey: HashKey;
  readonly counts: ImageCounts;
  /** What one step of a pass's start or end is worth; 1 where both stand in `pass_fine_times`. */
  readonly timeUnitMs: number;
}

export interface ImageHeader extends ImageFacts {
  readonly imageBytes: number;
  readonly sections: Readonly<Record<SectionName, SectionPlace>>;
}

export interface SectionPlace {
  readonly at: number;
  readonly bytes: number;
  readonly hash: Uint8Array;
}

/** Whether numbers stand in memory as they do in an image, which is what lets the file be the table. */
export function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** The image of these facts and sections. */
export function imageOf(facts: ImageFacts, sections: SectionBytes): Uint8Array {
  let imageBytes = imageHeaderBytes;
  for (const { name } of imageSections) imageBytes = aligned(imageBytes) + sections[name].length;
  const image = new Uint8Array(imageBytes);
  const view = new DataView(image.buffer);
  writeFacts(view, facts, imageBytes);
  image.set(magic);
  let at = imageHeaderBytes;
  let row = factBytes;
  for (const { name } of imageSections) {
    at = aligned(at);
    const bytes = sections[name];
    image.set(bytes, at);
    view.setUint32(row, at, true);
    view.setUint32(row + 4, bytes.length, true);
    image.set(sha256(bytes), row + 8);
    row += sectionRowBytes;
    at += bytes.length;
  }
  image.set(sha256(image.subarray(0, hashedHeaderBytes)), hashedHeaderBytes);
  return image;
}

function writeFacts(view: DataView, facts: ImageFacts, imageBytes: number): void {
  const { mark, compiledAt, hashKey, counts, timeUnitMs } = facts;
  view.setUint32(8, imageFormat, true);
  view.setUint32(12, imageBytes, true);
  view.setFloat64(16, mark.epoch, true);
  view.setFloat64(24, mark.version, true);
  view.setFloat64(32, compiledAt, true);
  view.setUint32(40, mark.tag, true);
  view.setUint32(44, hashKey[0], true);
  view.setUint32(48, hashKey[1], true);
  view.setUint32(52, counts.passes, true);
  view.setUint32(56, counts.users, true);
  view.setUint32(60, counts.rules, true);
  view.setUint32(64, counts.profiles, true);
  view.setUint32(68, timeUnitMs, true);
  view.setUint32(72, imageSections.length, true);
}

/** Of the first `imageHeaderBytes` of an image, or more. Sections are not looked at. */
export function readImageHeader(bytes: Uint8Array): Result<ImageHeader, string> {
  if (bytes.length < imageHeaderBytes) return fail(`only ${bytes.length} bytes`);
  if (magic.some((byte, at) => bytes[at] !== byte)) return fail("no table image");
  const view = new DataView(bytes.buffer, bytes.byteOffset, imageHeaderBytes);
  const format = view.getUint32(8, true);
  if (format !== imageFormat) return fail(`format ${format}, where ${imageFormat} is known`);
  const hash = bytes.subarray(hashedHeaderBytes, imageHeaderBytes);
  if (!isEqual(sha256(bytes.subarray(0, hashedHeaderBytes)), hash)) return fail("a damaged header");
  const header = headerIn(view, bytes);
  const fault = headerFault(header, view.getUint32(72, true));
  return fault === undefined ? succeed(header) : fail(fault);
}

function headerIn(view: DataView, bytes: Uint8Array): ImageHeader {
  const places = imageSections.map(({ name }, index): [SectionName, SectionPlace] => {
    const row = factBytes + index * sectionRowBytes;
    const hash = bytes.subarray(row + 8, row + sectionRowBytes);
    return [name, { at: view.getUint32(row, true), bytes: view.getUint32(row + 4, true), hash }];
  });
  return {
    imageBytes: view.getUint32(12, true),
    mark: {
      epoch: view.getFloat64(16, true),
      version: view.getFloat64(24, true),
      tag: view.getUint32(40, true),
    },
    compiledAt: epochMs(view.getFloat64(32, true)),
    hashKey: [view.getUint32(44, true), view.getUint32(48, true)],
    counts: {
      passes: view.getUint32(52, true),
      users: view.getUint32(56, true),
      rules: view.getUint32(60, true),
      profiles: view.getUint32(64, true),
    },
    timeUnitMs: view.getUint32(68, true),
    sections: Object.fromEntries(places) as Record<SectionName, SectionPlace>,
  };
}

/** The hash has no secret, so it vouches for a whole header and not for one that makes sense. */
function headerFault(header: ImageHeader, sectionCount: number): string | undefined {
  const { mark, compiledAt, timeUnitMs } = header;
  const counts = [mark.epoch, mark.version];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return "an odd mark";
  if (!Number.isSafeInteger(compiledAt)) return "an odd time";
  if (timeUnitMs !== 60_000 && timeUnitMs !== 1_000 && timeUnitMs !== 1) return "an odd unit";
  if (sectionCount !== imageSections.length) return `${sectionCount} sections`;
  let end = imageHeaderBytes;
  for (const { name } of imageSections) {
    const { at, bytes } = header.sections[name];
    if (at !== aligned(end)) return `section ${name} at ${at}`;
    end = at + bytes;
  }
  return end === header.imageBytes ? undefined : `${header.imageBytes} bytes said, ${end} laid out`;
}

export function aligned(at: number): number {
  return Math.ceil(at / sectionAlignment) * sectionAlignment;
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
