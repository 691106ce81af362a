/** Identifiers that share one whole spelling; the others of a block are told by what differs. */
const idsPerBlock = 16;
const idCharsMax = 64;

/**
 * Many identifiers in one buffer, by number. Sites number their passes and users in sequence more
 * often than not, so each identifier is kept as how many characters it shares with the one before
 * and the rest; every sixteenth is kept whole, which bounds the walk to find one.
 */
export class IdColumn {
  private readonly bytes: Uint8Array;
  private readonly blockStarts: Uint32Array;
  private readonly spelling = Buffer.alloc(idCharsMax);

  constructor(count: number, idAt: (number: number) => string) {
    this.blockStarts = new Uint32Array(Math.ceil(count / idsPerBlock));
    let bytes = new Uint8Array(Math.max(64, count * 8));
    let end = 0;
    let previous = "";
    for (let number = 0; number < count; number += 1) {
      if (number % idsPerBlock === 0) {
        this.blockStarts[number / idsPerBlock] = end;
        previous = "";
      }
      const id = idAt(number);
      if (id.length > idCharsMax) throw new Error(`an identifier of ${id.length} characters`);
      const shared = sharedPrefix(previous, id);
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
      previous = id;
    }
    this.bytes = bytes.slice(0, end);
  }

  at(number: number): string {
    const spelling = this.spelling;
    let at = this.blockStarts[Math.floor(number / idsPerBlock)] ?? 0;
    let length = 0;
    for (let skip = number % idsPerBlock; skip >= 0; skip -= 1) {
      const shared = this.bytes[at] ?? 0;
      length = shared + (this.bytes[at + 1] ?? 0);
      at += 2;
      for (let index = shared; index < length; index += 1, at += 1) {
        spelling[index] = this.bytes[at] ?? 0;
      }
    }
    return spelling.toString("latin1", 0, length);
  }
}

function sharedPrefix(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let shared = 0;
  while (shared < most && left.charCodeAt(shared) === right.charCodeAt(shared)) shared += 1;
  return shared;
}
