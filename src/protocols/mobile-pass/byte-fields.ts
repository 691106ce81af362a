/**
 * Takes fields off the front of bytes from outside. Once one is not there, or not as it should be, all
 * that follow are empty and `isWhole` is false: the caller asks once, at the end.
 */
export class ByteFields {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isGood = true;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the next field begins. */
  get at(): number {
    return this.#at;
  }

  /** Whether every field was there and nothing is behind the last. */
  get isWhole(): boolean {
    return this.#isGood && this.#at === this.#bytes.length;
  }

  take(count: number): Uint8Array {
    if (!this.#isGood || this.#bytes.length - this.#at < count) {
      this.#isGood = false;
      return new Uint8Array();
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** One byte that says how many follow, then those. */
  counted(): Uint8Array {
    return this.take(this.byte());
  }

  /** As `counted`, of ASCII text that `isAllowed`. */
  text(isAllowed: (text: string) => boolean): string {
    // Every byte is one character, so that two byte strings are never the same text.
    const text = Buffer.from(this.counted()).toString("latin1");
    if (!isAllowed(text)) this.#isGood = false;
    return text;
  }

  /** 8 bytes, big-endian; at most `most`. */
  wholeNumber(most: number): number {
    const bytes = this.take(8);
    const number = bytes.length === 8 ? Buffer.from(bytes).readBigUInt64BE() : 0n;
    if (number > BigInt(most)) this.#isGood = false;
    return this.#isGood ? Number(number) : 0;
  }
}

/** What `counted` and `text` read: at most 255 bytes. */
export function countedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 255) throw new Error(`${bytes.length} bytes do not fit a counted field`);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

export function countedText(text: string): Uint8Array {
  return countedBytes(Buffer.from(text, "latin1"));
}

/** What `wholeNumber` reads. */
export function wholeNumberBytes(number: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}
