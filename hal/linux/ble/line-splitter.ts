/** Cuts a stream of bytes into lines of bounded length, whatever pieces it comes in. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that are whole now; or `too_long`, after which nothing can be made of the stream. */
  push(piece: Uint8Array): readonly string[] | "too_long" {
    const lines: string[] = [];
    let bytes = this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      if (end > this.#lineBytesMax) return "too_long";
      lines.push(bytes.toString("utf8", 0, end));
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > this.#lineBytesMax) return "too_long";
    this.#rest = Buffer.from(bytes);
    return lines;
  }
}
