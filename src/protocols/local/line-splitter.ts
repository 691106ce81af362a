import { fail, type Result, succeed } from "../../domain/result.ts";

const newline = 0x0a;

/** Cuts a stream of bytes into lines and holds at most one unfinished line of `lineBytesMax`. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #pieces: Buffer[] = [];
  #pendingBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /**
   * The lines that `chunk` completes, without their ends. After the fault the stream has lost its
   * framing, so the caller ends it.
   */
  push(chunk: Buffer): Result<readonly string[], "too_long"> {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (this.#pendingBytes + piece.length > this.#lineBytesMax) return fail("too_long");
      this.#pieces.push(piece);
      this.#pendingBytes += piece.length;
      if (end === -1) return succeed(lines);
      lines.push(Buffer.concat(this.#pieces).toString("utf8").replace(/\r$/, ""));
      this.#pieces = [];
      this.#pendingBytes = 0;
      start = end + 1;
    }
  }
}
