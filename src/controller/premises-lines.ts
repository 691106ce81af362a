import { crc32 } from "node:zlib";
import * as v from "valibot";
import { integer, numberMax } from "../protocols/sync/schema-parts.ts";
import type { PremisesRecord } from "./premises-records.ts";

/*
 * The file: lines `CRC [NUMBER,[[KEY,VALUE],...]]`, CRC-32 over what stands behind it in hex, numbered
 * without gaps. A line is one change of the premises: whole or not there. A later value of a key
 * replaces an earlier one; null takes the key out. Line 0 says what the file is.
 */

/** Raised when the meaning of a line changes. */
const header = "postern premises 1";

export interface PremisesFound {
  /** Values by key, the last of each. */
  readonly values: ReadonlyMap<string, unknown>;
  /**
   * `torn`: the last line is not all there, as a power cut leaves it; it was never called durable.
   * `damaged`: something else is not right, and `damages` says where. `missing`: there is no file.
   */
  readonly state: "whole" | "torn" | "damaged" | "missing";
  readonly damages: readonly string[];
}

/** Damages told apart; of more than that only the number is told. */
const damagesToldMax = 10;

const lineSchema = v.tuple([
  integer(0, numberMax),
  v.union([v.string(), v.array(v.tuple([v.string(), v.unknown()]))]),
]);
type Line = v.InferOutput<typeof lineSchema>;

const newline = 0x0a;

export const headerLine: Buffer = lineFor(`[0,${JSON.stringify(header)}]`);

export function lineOf(number: number, records: readonly PremisesRecord[]): Buffer {
  const pairs = records.map(({ key, json }) => `[${JSON.stringify(key)},${json ?? "null"}]`);
  return lineFor(`[${number},[${pairs.join(",")}]]`);
}

/** Whatever the bytes: what can be read of them, in order. */
export function parsePremisesLines(bytes: Buffer): PremisesFound {
  const values = new Map<string, unknown>();
  const damages: string[] = [];
  let from = 0;
  let lineCount = 0;
  let expected: number | undefined = 0;
  for (let to = bytes.indexOf(newline); to !== -1; to = bytes.indexOf(newline, from)) {
    const line = parseLine(bytes.subarray(from, to));
    from = to + 1;
    lineCount += 1;
    if (line === undefined) {
      damages.push(`line ${lineCount} cannot be read`);
      expected = undefined;
      continue;
    }
    const [number, content] = line;
    if (expected !== undefined && number !== expected) {
      damages.push(`line ${lineCount} is number ${number}, not ${expected}`);
    }
    if ((number === 0) !== (content === header)) damages.push(`line ${lineCount} is not ours`);
    expected = number + 1;
    if (typeof content !== "string") for (const [key, value] of content) put(values, key, value);
  }
  // The file comes into being with its first line whole.
  if (lineCount === 0) damages.push("not one line is whole");
  const isTorn = from < bytes.length;
  const state = damages.length > 0 ? "damaged" : isTorn ? "torn" : "whole";
  return { values, state, damages: shortened(damages) };
}

/** Behind the others where it was there before: the order is that of the last change. */
function put(values: Map<string, unknown>, key: string, value: unknown): void {
  values.delete(key);
  if (value !== null) values.set(key, value);
}

function lineFor(json: string): Buffer {
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

function parseLine(bytes: Buffer): Line | undefined {
  const [sum, json] = [bytes.toString("latin1", 0, 8), bytes.subarray(9)];
  if (bytes[8] !== 0x20 || sum !== checksum(json)) return undefined;
  const parsed = v.safeParse(lineSchema, parseJson(json.toString()));
  return parsed.success ? parsed.output : undefined;
}

function checksum(json: string | Buffer): string {
  return crc32(json).toString(16).padStart(8, "0");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // A checksum that matches by chance, or a line that somebody wrote by hand.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function shortened(damages: readonly string[]): readonly string[] {
  const more = damages.length - damagesToldMax;
  return more <= 0 ? damages : [...damages.slice(0, damagesToldMax), `and ${more} more`];
}
