import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableFrame, TableMark } from "../../domain/table-change.ts";
import { AccessTable } from "./access-table.ts";
import { columnsOf, frameIn, type ImageColumns } from "./image-columns.ts";
import {
  type ImageHeader,
  isLittleEndian,
  readImageHeader,
  sectionAlignment,
} from "./image-header.ts";
import { sectionFault, structureFault } from "./image-structure.ts";
import { TableFault } from "./table-fault.ts";

/** What checks a frame that was read from an image. The fault is for people. */
export type ParseFrame = (raw: unknown) => Result<TableFrame, string>;

/**
 * The table that these bytes are. They may be any: all is verified that a later look could stumble
 * over. The table keeps views over `bytes`, which must not change any more.
 */
export function openTableImage(
  bytes: Uint8Array,
  parseFrame: ParseFrame,
): Result<AccessTable, string> {
  const image = inPlace(bytes);
  const header = wholeHeaderOf(image);
  if (!header.ok) return header;
  const damage = sectionFault(image, header.value);
  if (damage !== undefined) return fail(damage);
  const columns = columnsOf(image, header.value);
  const frame = parsedFrame(columns, parseFrame);
  if (!frame.ok) return frame;
  const fault = structureFault(header.value, columns, frame.value);
  return fault === undefined ? tableOf(header.value, columns, frame.value) : fail(fault);
}

/**
 * For bytes that `openTableImage` has found good, in this thread or another: only lays views over
 * them. Throws for bytes that are plainly no image.
 */
export function adoptTableImage(bytes: Uint8Array, parseFrame: ParseFrame): AccessTable {
  const image = inPlace(bytes);
  const header = required(wholeHeaderOf(image));
  const columns = columnsOf(image, header);
  return required(tableOf(header, columns, required(parsedFrame(columns, parseFrame))));
}

/** What an image says it is; of its first `imageHeaderBytes` or more, since no section is looked at. */
export function readImageMark(bytes: Uint8Array): Result<TableMark, string> {
  const header = readImageHeader(bytes);
  return header.ok ? succeed(header.value.mark) : header;
}

function wholeHeaderOf(image: Uint8Array): Result<ImageHeader, string> {
  if (!isLittleEndian()) return fail("images are read on little-endian machines only");
  const header = readImageHeader(image);
  if (!header.ok) return header;
  const { imageBytes } = header.value;
  return imageBytes === image.length
    ? header
    : fail(`${image.length} bytes of an image of ${imageBytes}`);
}

function parsedFrame(columns: ImageColumns, parseFrame: ParseFrame): Result<TableFrame, string> {
  let raw: unknown;
  try {
    raw = frameIn(columns);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return fail("no frame");
    throw error;
  }
  return parseFrame(raw);
}

function tableOf(
  header: ImageHeader,
  columns: ImageColumns,
  frame: TableFrame,
): Result<AccessTable, string> {
  try {
    return succeed(new AccessTable(header, columns, frame));
  } catch (error) {
    if (error instanceof TableFault) return fail(error.message);
    throw error;
  }
}

/** Numbers must stand in memory at a multiple of their width: where they do not, the bytes move. */
function inPlace(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % sectionAlignment === 0 ? bytes : new Uint8Array(bytes);
}

function required<Value>(result: Result<Value, string>): Value {
  if (!result.ok) throw new Error(`an image that was found good: ${result.fault}`);
  return result.value;
}
