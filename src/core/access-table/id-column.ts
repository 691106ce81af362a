/** More are more compact; fewer are found sooner. */
const idsPerBlock = 16;
const idCharsMax = 64;

/**
 * Many identifiers in one buffer, by number. Sites number their passes and users in sequence more
 * often than not, so of every sixteen the first is kept whole and the others as how many characters
 * they share with it and the rest: `[shared][rest's length][rest...]`.
 */
export class IdColumn {
  private readonly bytes: Uint8Array;
  private readonly blockStarts: Uint32Array;
  /** Where an identifier is put together, so that reading one allocates its string only. */
  private readonly spelling = new Uint8Array(idCharsMax);

  constructor(count: number, idAt: (number: number) => string) {
    this.blockStarts = new Uint32Array(Math.ceil(count / idsPerBlock));
    let bytes = new Uint8Array(Math.max(idCharsMax, count * 4));
    let end = 0;
    let head = "";
    for (let number = 0; number < count; number += 1) {
      const id = idAt(number);
      if (id.length > idCharsMax) throw new Error(`an identifier of ${id.length} characters`);
      const isHead = number % idsPerBlock === 0;
      if (isHead) this.blockStarts[number / idsPerBlock] = end;
      const shared = isHead ? 0 : sharedPrefix(head, id);
      if (isHead) head = id;
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

  at(number: number): string {
    const { bytes, spelling } = this;
    const head = (this.blockStarts[Math.floor(number / idsPerBlock)] ?? 0) + 2;
    let at = head;
    for (let skip = number % idsPerBlock; skip > 0; skip -= 1) at += (bytes[at - 1] ?? 0) + 2;
    const shared = bytes[at - 2] ?? 0;
    const length = shared + (bytes[at - 1] ?? 0);
    for (let index = 0; index < shared; index += 1) spelling[index] = bytes[head + index] ?? 0;
    for (let index = shared; index < length; index += 1, at += 1) spelling[index] = bytes[at] ?? 0;
    return textOf(spelling, length);
  }
}

function sharedPrefix(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let shared = 0;
  while (shared < most && left.charCodeAt(shared) === right.charCodeAt(shared)) shared += 1;
  return shared;
}

/** By eights, which is as quick as a call out of the engine and needs nothing outside the language. */
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
  for (; at < length; at += 1) text += String.fromCharCode(codes[at] ?? 0);
  return text;
}
