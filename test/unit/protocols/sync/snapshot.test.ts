import { createHash } from "node:crypto";
import t from "tap";
import { sealSecretly } from "../../../../src/protocols/sync/site-seal.ts";
import {
  chunkBytes,
  openChunk,
  readChunkLabel,
  sealChunks,
  snapshotChunksMax,
  snapshotName,
} from "../../../../src/protocols/sync/snapshot-chunk.ts";
import {
  manifestBytesMax,
  openManifest,
  type SnapshotManifest,
  sealManifest,
} from "../../../../src/protocols/sync/snapshot-manifest.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { flipBit, pairing } from "./samples.ts";

const { sealer, opener, tableKey } = pairing();
const mark = { epoch: 1_780_000_000, version: 7, tag: 9 };

/** Bytes that repeat nowhere, so that a chunk in the wrong place shows. */
function imageOf(length: number): Uint8Array {
  const image = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) image.writeUInt32LE((at * 0x9e37 + 1) % 2 ** 32, at);
  return image;
}

const image = imageOf(2 * chunkBytes + 1_000);
const chunks = sealChunks(tableKey, image);
const manifest: SnapshotManifest = { mark, ...chunks.parts };

const reasonOf = (opened: { ok: true } | { ok: false; fault: { reason: string } }): string =>
  opened.ok ? "accepted" : opened.fault.reason;

t.test("a manifest opens as it was, and its chunks make the image again", async (t) => {
  t.same(openManifest(opener, sealManifest(sealer, manifest)), { ok: true, value: manifest });
  const plain = manifest.chunkHashes.map((_, index) => {
    const message = chunks.chunk(index);
    t.same(readChunkLabel(message), {
      ok: true,
      value: { snapshot: snapshotName(manifest), index },
    });
    const opened = openChunk(tableKey, manifest, index, message);
    return opened.ok ? opened.value : new Uint8Array();
  });
  const whole = Buffer.concat(plain);
  t.ok(whole.equals(image));
  t.equal(createHash("sha256").update(whole).digest("hex"), manifest.imageHash);
});

t.test("an image of one byte, or of whole chunks, has no empty chunk", async (t) => {
  t.equal(sealChunks(tableKey, imageOf(1)).parts.chunkHashes.length, 1);
  t.equal(sealChunks(tableKey, imageOf(2 * chunkBytes)).parts.chunkHashes.length, 2);
  t.throws(() => sealChunks(tableKey, new Uint8Array()));
  t.throws(() => chunks.chunk(3));
});

t.test("a site that was restarted makes the same chunks of the same image", async (t) => {
  const again = sealChunks(tableKey, imageOf(image.length));
  t.same(again.parts, chunks.parts);
  t.same(again.chunk(2), chunks.chunk(2));
});

t.test("images that differ in their last byte share no cipher text", async (t) => {
  const other = sealChunks(tableKey, Buffer.from(image).fill(0xaa, image.length - 1));
  const body = (message: Uint8Array) => Buffer.from(message.subarray(13, 13 + 64));
  t.notOk(body(other.chunk(0)).equals(body(chunks.chunk(0))));
  t.notOk(Buffer.from(chunks.chunk(0)).includes(Buffer.from(image.subarray(0, 16))));
});

t.test("chunks of one image that say the same share no cipher text", async (t) => {
  const even = sealChunks(tableKey, new Uint8Array(2 * chunkBytes));
  const body = (message: Uint8Array) => Buffer.from(message.subarray(13, 13 + 64));
  t.notOk(body(even.chunk(0)).equals(body(even.chunk(1))));
});

t.test("a chunk that the manifest does not vouch for is refused", async (t) => {
  const [, ...others] = manifest.chunkHashes;
  const unlike = { ...manifest, chunkHashes: ["ab".repeat(32), ...others] };
  t.equal(reasonOf(openChunk(tableKey, unlike, 0, chunks.chunk(0))), "altered");
});

t.test("a chunk in another's place, or of another image, is refused", async (t) => {
  t.equal(reasonOf(openChunk(tableKey, manifest, 1, chunks.chunk(0))), "altered");
  const other = sealChunks(tableKey, Buffer.from(image).fill(0xaa, image.length - 1));
  t.equal(reasonOf(openChunk(tableKey, manifest, 0, other.chunk(0))), "altered");
  const label = readChunkLabel(other.chunk(0));
  t.not(label.ok && label.value.snapshot, snapshotName(manifest));
});

t.test("a chunk that there is not is refused, whatever comes for it", async (t) => {
  for (const index of [3, 4, 2_047]) {
    t.not(reasonOf(openChunk(tableKey, manifest, index, chunks.chunk(2))), "accepted");
  }
});

t.test(
  "a chunk with any of its first or last bits flipped, cut or longer is refused",
  async (t) => {
    const message = chunks.chunk(2);
    const edge = 40 * 8;
    for (let bit = 0; bit < edge; bit += 1) {
      for (const at of [bit, message.length * 8 - 1 - bit]) {
        t.equal(reasonOf(openChunk(tableKey, manifest, 2, flipBit(message, at))), "altered");
      }
    }
    for (const length of [0, 1, 28, 29, message.length - 1]) {
      const cut = message.subarray(0, length);
      t.equal(reasonOf(openChunk(tableKey, manifest, 2, cut)), "malformed");
    }
    const longer = Buffer.concat([message, Uint8Array.of(0)]);
    t.equal(reasonOf(openChunk(tableKey, manifest, 2, longer)), "too_long");
  },
);

t.test("a chunk of the manifest's is of no use without the controller's key", async (t) => {
  const { tableKey: otherKey } = pairing(9);
  t.equal(reasonOf(openChunk(otherKey, manifest, 0, chunks.chunk(0))), "altered");
});

t.test("what is no chunk has no label", async (t) => {
  const message = chunks.chunk(2);
  t.equal(reasonOf(readChunkLabel(new Uint8Array())), "malformed");
  t.equal(reasonOf(readChunkLabel(message.subarray(0, 29))), "malformed");
  t.equal(reasonOf(readChunkLabel(new Uint8Array(message).fill(2, 0, 1))), "malformed");
  t.equal(reasonOf(readChunkLabel(new Uint8Array(message).fill(0xff, 9, 13))), "malformed");
});

t.test("a manifest hides the hash of the image that it is of", async (t) => {
  const wire = Buffer.from(sealManifest(sealer, manifest));
  t.notOk(wire.includes(Buffer.from(manifest.imageHash, "hex")));
});

t.test("a manifest of the largest image fits its message", async (t) => {
  const hash = "ab".repeat(32);
  const largest: SnapshotManifest = {
    mark: { epoch: 2 ** 48, version: 2 ** 48, tag: 0xffff_ffff },
    imageBytes: snapshotChunksMax * chunkBytes,
    imageHash: hash,
    chunkBytes,
    chunkHashes: Array.from({ length: snapshotChunksMax }, () => hash),
  };
  const message = sealManifest(sealer, largest);
  t.ok(message.length <= manifestBytesMax, `${message.length} bytes`);
  t.same(openManifest(opener, message), { ok: true, value: largest });
});

t.test("a good signature does not excuse a manifest that does not add up", async (t) => {
  const hash = new Uint8Array(32);
  const good = { mark, imageBytes: 10, imageHash: hash, chunkBytes, chunkHashes: hash };
  t.equal(
    reasonOf(openManifest(opener, sealSecretly(sealer, "table/manifest", encodeCbor(good)))),
    "accepted",
  );
  const bodies: readonly unknown[] = [
    [],
    { ...good, imageBytes: 0 },
    { ...good, imageBytes: chunkBytes + 1 },
    { ...good, imageBytes: 2 ** 40 },
    { ...good, imageHash: new Uint8Array(31) },
    { ...good, imageHash: "ab".repeat(32) },
    { ...good, chunkBytes: 0 },
    { ...good, chunkBytes: 2 ** 30 },
    { ...good, chunkHashes: new Uint8Array(33) },
    { ...good, chunkHashes: new Uint8Array(64) },
    { ...good, chunkHashes: new Uint8Array(0) },
    { ...good, mark: { epoch: 1, version: 1 } },
    { ...good, more: 1 },
  ];
  for (const body of bodies) {
    const opened = openManifest(opener, sealSecretly(sealer, "table/manifest", encodeCbor(body)));
    t.equal(reasonOf(opened), "invalid_content", JSON.stringify(body).slice(0, 80));
  }
});
