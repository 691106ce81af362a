const lengthBytesMax = 4;

/**
 * Watches the byte stream of an MQTT connection and tells when a packet announces more bytes than we
 * take. The codec would collect up to 256 MB in memory before anybody could look at it.
 */
export class PacketGuard {
  readonly #bytesMax: number;
  /** Of the packet under way: bytes of it still to come, once its length is known. */
  #left = 0;
  /** Bytes of the length field seen; undefined before and after a packet's head. */
  #lengthByteCount: number | undefined;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False: the connection must be ended. What follows is not looked at any more. */
  accepts(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
      } else {
        if (!this.#takeHeadByte(chunk[at] ?? 0)) return false;
        at += 1;
      }
    }
    return true;
  }

  #takeHeadByte(byte: number): boolean {
    if (this.#lengthByteCount === undefined) {
      this.#lengthByteCount = 0;
      this.#length = 0;
      return true;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthByteCount;
    this.#lengthByteCount += 1;
    if ((byte & 0x80) !== 0) return this.#lengthByteCount < lengthBytesMax;
    this.#left = this.#length;
    this.#lengthByteCount = undefined;
    return this.#length <= this.#bytesMax;
  }
}
