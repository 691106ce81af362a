import { spelledUuidChars, spellUuid } from "./packed-uuid.ts";

export const idCharsMax = 64;
/** Entries for one whole spelling: more are more compact, fewer are found sooner. */
const blockShift = 3;
export const entriesPerBlock = 1 << blockShift;
/** In the byte that tells how long an entry's rest is: what is stored is the 16 bytes of a UUID. */
export const packedFlag = 0x80;
export const lengthMask = 0x7f;

/**
 * Many identifiers by number, in order, so that a number is found by its identifier as well. Sites
 * number their passes and users in sequence more often than not, so in each block of 8 the first is
 * kept whole and the others as how many characters they share with it and the rest:
 * `[shared][rest's length][rest...]`.
 */
export class IdColumn {
  private readonly bytes: Uint8Array;
  /** Where in `bytes` each block begins. */
  private readonly blockStarts: Uint32Array;
  /** Where an identifier is put together, so that reading one allocates its string only. */
  private readonly spelling = new Uint8Array(idCharsMax);
  /** What is searched, likewise. */
  private readonly wanted = new Uint8Array(idCharsMax);
  /** Of the number that was sought last: where its block begins, and how long the head there is. */
  private soughtNumber = -1;
  private blockStart = 0;
  private headLength = 0;

  constructor(bytes: Uint8Array, blockStarts: Uint32Array) {
    this.bytes = bytes;
    this.blockStarts = blockStarts;
  }

  /**
   * Begins to find a number's identifier. Called early, it has far memory fetched while the processor
   * does other things: nearly a tenth of the slowest decisions' time.
   */
  seek(number: number): void {
    if (this.soughtNumber === number) return;
    this.blockStart = (this.blockStarts[number >>> blockShift] ?? 0) + 2;
    this.headLength = (this.bytes[this.blockStart - 1] ?? 0) & lengthMask;
    this.soughtNumber = number;
  }

  at(number: number): string {
    return textOf(this.spelling, this.spell(number));
  }

  /** The number, from `first` to before `end`, that has this identifier; or -1. */
  find(id: string, first: number, end: number): number {
    const length = id.length;
    if (length > idCharsMax) return -1;
    for (let at = 0; at < length; at += 1) {
      const code = id.charCodeAt(at);
      if (code > 127) return -1;
      this.wanted[at] = code;
    }
    let from = first;
    let until = end;
    while (from < until) {
      const middle = (from + until) >>> 1;
      const order = this.compare(middle, length);
      if (order === 0) return middle;
      if (order < 0) from = middle + 1;
      else until = middle;
    }
    return -1;
  }

  /** Whether the number's identifier comes before the wanted one (-), is it (0), or comes after (+). */
  private compare(number: number, wantedLength: number): number {
    const length = this.spell(number);
    const most = Math.min(length, wantedLength);
    for (let at = 0; at < most; at += 1) {
      const difference = (this.spelling[at] ?? 0) - (this.wanted[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - wantedLength;
  }

  /** Puts the number's identifier together; returns how many characters it has. */
  private spell(number: number): number {
    this.seek(number);
    const { bytes, spelling, blockStart } = this;
    const at = this.placeOf(number);
    const shared = bytes[at - 2] ?? 0;
    const rest = bytes[at - 1] ?? 0;
    const length = shared + (rest & lengthMask);
    for (let index = 0; index < shared; index += 1)
      spelling[index] = bytes[blockStart + index] ?? 0;
    for (let index = shared; index < length; index += 1) {
      spelling[index] = bytes[at + index - shared] ?? 0;
    }
    if (rest < packedFlag) return length;
    spellUuid(spelling);
    return spelledUuidChars;
  }

  /** Where the stored bytes of this entry stand, behind the two that tell of them. */
  private placeOf(number: number): number {
    const entry = number & (entriesPerBlock - 1);
    if (entry === 0) return this.blockStart;
    let at = this.blockStart + this.headLength + 2;
    for (let left = entry - 1; left > 0; left -= 1) {
      at += ((this.bytes[at - 1] ?? 0) & lengthMask) + 2;
    }
    return at;
  }
}

/**
 * By eights, fours and twos: as quick as a call out of the engine, and each piece that is put on costs
 * a string.
 */
function textOf(codes: Uint8Array, length: number): string {
  let text = "";
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    text += String.fromCharCode(
      codes[at] ?? 0,
      codes[at + 1] ?? 0,
      codes[at + 2] ?? 0,
      codes[at + 3] ?? 0,
      codes[at + 4] ?? 0,
      codes[at + 5] ?? 0,
      codes[at + 6] ?? 0,
      codes[at + 7] ?? 0,
    );
  }
  if (at + 4 <= length) {
    text += String.fromCharCode(
      codes[at] ?? 0,
      codes[at + 1] ?? 0,
      codes[at + 2] ?? 0,
      codes[at + 3] ?? 0,
    );
    at += 4;
  }
  if (at + 2 <= length) {
    text += String.fromCharCode(codes[at] ?? 0, codes[at + 1] ?? 0);
    at += 2;
  }
  return at < length ? text + String.fromCharCode(codes[at] ?? 0) : text;
}
