const bytesAtFirst = 1_024;

/** Bytes that are appended to, by twice as much room whenever there is none left. */
export class GrowingBytes {
  private bytes = new Uint8Array(bytesAtFirst);
  private end = 0;

  get length(): number {
    return this.end;
  }

  push(byte: number): void {
    this.makeRoom(1);
    this.bytes[this.end] = byte;
    this.end += 1;
  }

  append(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** A view, good until more is appended. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.end);
  }

  private makeRoom(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.end + count));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
