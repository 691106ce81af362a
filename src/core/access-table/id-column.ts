const idCharsMax = 64;
/** Entries for one whole spelling: more are more compact, fewer are found sooner. */
const entriesPerBlock = 16;

/**
 * Many identifiers in one buffer, by number; with `perNumber` 2, two that are wanted together stand
 * together. Sites number their passes and users in sequence more often than not, so in each block the
 * first of a kind is kept whole and the others as how many characters they share with it and the rest:
 * `[shared][rest's length][rest...]`.
 */
export class IdColumn {
  private readonly perNumber: number;
  private readonly numbersPerBlock: number;
  private readonly bytes: Uint8Array;
  private readonly blockStarts: Uint32Array;
  /** Where an identifier is put together, so that reading one allocates its string only. */
  private readonly spelling = new Uint8Array(idCharsMax);
  /**
   * Of the number that was sought last: where its block begins, how long the head there is, and where
   * its own identifiers begin, once that was asked.
   */
  private soughtNumber = -1;
  private blockStart = 0;
  private headLength = 0;
  private soughtPlace = -1;

  constructor(count: number, perNumber: number, idAt: (number: number, which: number) => string) {
    this.perNumber = perNumber;
    this.numbersPerBlock = entriesPerBlock / perNumber;
    this.blockStarts = new Uint32Array(Math.ceil(count / this.numbersPerBlock));
    let bytes = new Uint8Array(Math.max(idCharsMax, count * perNumber * 4));
    let end = 0;
    const heads: string[] = [];
    for (let entry = 0; entry < count * perNumber; entry += 1) {
      const number = Math.floor(entry / perNumber);
      const which = entry % perNumber;
      const id = idAt(number, which);
      if (id.length > idCharsMax) throw new Error(`an identifier of ${id.length} characters`);
      if (entry % entriesPerBlock === 0) this.blockStarts[entry / entriesPerBlock] = end;
      const isHead = entry % entriesPerBlock < perNumber;
      const shared = isHead ? 0 : sharedPrefix(heads[which] ?? "", id);
      if (isHead) heads[which] = id;
      if (end + 2 + idCharsMax > bytes.length) {
        const larger = new Uint8Array(bytes.length * 2 + idCharsMax);
        larger.set(bytes);
        bytes = larger;
      }
      bytes[end] = shared;
      bytes[end + 1] = id.length - shared;
      end += 2;
      for (let at = shared; at < id.length; at += 1, end += 1) {
        const code = id.charCodeAt(at);
        if (code > 127) throw new Error("an identifier with characters beyond ASCII");
        bytes[end] = code;
      }
    }
    this.bytes = bytes.slice(0, end);
  }

  /**
   * Begins to find a number's identifiers. Called early, it has far memory fetched while the processor
   * does other things: nearly a tenth of the slowest decisions' time.
   */
  seek(number: number): void {
    if (this.soughtNumber === number) return;
    this.blockStart = (this.blockStarts[Math.floor(number / this.numbersPerBlock)] ?? 0) + 2;
    this.headLength = this.bytes[this.blockStart - 1] ?? 0;
    this.soughtNumber = number;
    this.soughtPlace = -1;
  }

  at(number: number, which: number): string {
    this.seek(number);
    const { bytes, spelling, blockStart } = this;
    if (this.soughtPlace < 0) this.soughtPlace = this.placeOf(number);
    const head = this.skip(blockStart, which);
    const at = this.skip(this.soughtPlace, which);
    const shared = bytes[at - 2] ?? 0;
    const length = shared + (bytes[at - 1] ?? 0);
    for (let index = 0; index < shared; index += 1) spelling[index] = bytes[head + index] ?? 0;
    for (let index = shared; index < length; index += 1) {
      spelling[index] = bytes[at + index - shared] ?? 0;
    }
    return textOf(spelling, length);
  }

  private placeOf(number: number): number {
    const entries = (number % this.numbersPerBlock) * this.perNumber;
    return entries === 0
      ? this.blockStart
      : this.skip(this.blockStart + this.headLength + 2, entries - 1);
  }

  /** From where one entry's characters stand to where those of a later one do. */
  private skip(from: number, entries: number): number {
    let at = from;
    for (let left = entries; left > 0; left -= 1) at += (this.bytes[at - 1] ?? 0) + 2;
    return at;
  }
}

function sharedPrefix(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let shared = 0;
  while (shared < most && left.charCodeAt(shared) === right.charCodeAt(shared)) shared += 1;
  return shared;
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
