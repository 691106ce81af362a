import t from "tap";
import { keyedHash } from "../../../../src/core/access-table/keyed-hash.ts";

/** HalfSipHash-2-4-32, key 00 01 .. 07, input 00 01 .. of rising length [veorq/SipHash vectors.h]. */
const vectors = [
  0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a, 0x89466e2a, 0x69b6fac5, 0x23fc6358, 0xc563cf8b,
  0x8f84b8d0, 0x79e706f8, 0x3479b094, 0x50300808, 0x2f87f057, 0xff63e677, 0x7cf8ffd6, 0x972bfe74,
  0x84acb5d9, 0x5b6474c4, 0x9b8d5b46, 0x87e3ef7b, 0x45104de3,
];

t.test("the hash is HalfSipHash-2-4, by its authors' vectors", async (t) => {
  const input = Uint8Array.from({ length: 32 }, (_, index) => index);
  for (const [byteCount, hash] of vectors.entries()) {
    t.equal(keyedHash([0x03020100, 0x07060504], input, byteCount), hash, `${byteCount} bytes`);
  }
});

t.test("another key gives other hashes", async (t) => {
  const input = Uint8Array.of(26, 0, 1, 2, 3);
  t.not(keyedHash([1, 2], input, 5), keyedHash([1, 3], input, 5));
  t.not(keyedHash([1, 2], input, 5), keyedHash([2, 2], input, 5));
});
