import { isId } from "../../domain/ids.ts";
import { entriesPerBlock, IdColumn, idCharsMax, lengthMask, packedFlag } from "./id-column.ts";
import { packedUuidBytes } from "./packed-uuid.ts";

/**
 * Whether `IdColumn` can read all of these bytes and nothing else, and finds what it searches: within
 * each of the lists, which follow one another and are so long, identifiers ascend.
 */
export function idColumnFault(
  noun: string,
  bytes: Uint8Array,
  blockStarts: Uint32Array,
  listLengths: Iterable<number>,
): string | undefined {
  let count = 0;
  for (const length of listLengths) count += length;
  const fault =
    entriesFault(bytes, blockStarts, count) ?? orderFault(bytes, blockStarts, listLengths);
  return fault === undefined ? undefined : `${noun} ids: ${fault}`;
}

function entriesFault(
  bytes: Uint8Array,
  blockStarts: Uint32Array,
  count: number,
): string | undefined {
  if (blockStarts.length !== Math.ceil(count / entriesPerBlock)) return "blocks of another count";
  let at = 0;
  let head = 0;
  for (let number = 0; number < count; number += 1) {
    const isHead = number % entriesPerBlock === 0;
    if (isHead && blockStarts[number / entriesPerBlock] !== at) return `block before ${number}`;
    const shared = bytes[at] ?? 0;
    const rest = bytes[at + 1] ?? 0;
    at += 2 + (rest & lengthMask);
    if (at > bytes.length) return `${number} beyond the end`;
    const length = shared + (rest & lengthMask);
    if (isHead) head = rest;
    // Nothing is shared between a UUID in its 16 bytes and a text.
    const isAlike = (rest ^ head) < packedFlag;
    const sharedMost = isHead || !isAlike ? 0 : head & lengthMask;
    const isLong = rest < packedFlag ? length > idCharsMax : length !== packedUuidBytes;
    if (shared > sharedMost || length === 0 || isLong) return `${number} of an odd length`;
  }
  return at === bytes.length ? undefined : "bytes that are left over";
}

function orderFault(
  bytes: Uint8Array,
  blockStarts: Uint32Array,
  listLengths: Iterable<number>,
): string | undefined {
  const ids = new IdColumn(bytes, blockStarts);
  let number = 0;
  for (const length of listLengths) {
    const end = number + length;
    for (let before = ""; number < end; number += 1) {
      const id = ids.at(number);
      if (!isId(id)) return `${number} is none`;
      if (id <= before) return `${number} is out of order`;
      before = id;
    }
  }
  return undefined;
}
