/** Two 32-bit words, drawn at random for each table by whoever builds it: core draws no randomness. */
export type HashKey = readonly [number, number];

/**
 * HalfSipHash-2-4 with 32 bits out, of the first `byteCount` bytes (at most 255) [Aumasson and
 * Bernstein's reference]. Keyed, so that whoever may choose card numbers cannot choose them to fall
 * into one slot and make every decision slow. Returns 0 to 2^32 - 1.
 */
export function keyedHash(key: HashKey, bytes: Uint8Array, byteCount: number): number {
  let v0 = key[0] | 0;
  let v1 = key[1] | 0;
  let v2 = 0x6c796765 ^ key[0];
  let v3 = 0x74656462 ^ key[1];
  const wordCount = byteCount >>> 2;
  // One turn more than there are whole words: the last takes the tail and the length.
  for (let word = 0; word <= wordCount; word += 1) {
    const block = word < wordCount ? wordAt(bytes, word * 4) : tailOf(bytes, byteCount);
    v3 ^= block;
    for (let round = 0; round < 2; round += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= block;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 4; round += 1) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return (v1 ^ v3) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function tailOf(bytes: Uint8Array, byteCount: number): number {
  const from = byteCount & ~3;
  let tail = byteCount << 24;
  for (let at = from; at < byteCount; at += 1) tail |= (bytes[at] ?? 0) << ((at - from) * 8);
  return tail;
}
