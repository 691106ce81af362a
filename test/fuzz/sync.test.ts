import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { epochMs } from "../../src/domain/time.ts";
import { openEventAck, sealEventAck } from "../../src/protocols/sync/ack-message.ts";
import { openEventBatch, sealEventBatch } from "../../src/protocols/sync/event-message.ts";
import {
  followHandOvers,
  listHandOvers,
  sealHandOver,
} from "../../src/protocols/sync/key-hand-over.ts";
import { parseProvision, serialiseProvision } from "../../src/protocols/sync/provision.ts";
import { sealOpenly, sealSecretly } from "../../src/protocols/sync/site-seal.ts";
import { openChunk, readChunkLabel, sealChunks } from "../../src/protocols/sync/snapshot-chunk.ts";
import { openManifest, sealManifest } from "../../src/protocols/sync/snapshot-manifest.ts";
import { decodeStatus, encodeStatus } from "../../src/protocols/sync/status-message.ts";
import { decodeCbor, encodeCbor } from "../../src/protocols/sync/strict-cbor.ts";
import { openTableAck, sealTableAck } from "../../src/protocols/sync/table-ack-message.ts";
import {
  decodeTableDelta,
  encodeTableDelta,
  openTableDelta,
  sealTableDelta,
} from "../../src/protocols/sync/table-delta.ts";
import { parseTableFrame } from "../../src/protocols/sync/table-frame.ts";
import { drawRequest, openTableGet, sealTableGet } from "../../src/protocols/sync/table-get.ts";
import { openTableHead, sealTableHead } from "../../src/protocols/sync/table-head.ts";
import { checkProperty } from "../unit/core/property.ts";
import {
  entries,
  everyChange,
  flipBit,
  fullFrame,
  pairing,
  site,
} from "../unit/protocols/sync/samples.ts";

const runCount = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const seed = seedFor(process.env["FUZZ_SEED"]);
t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runCount}`);

const { provision, signingKey, tableKey, scope, sealer, opener } = pairing();

const mark = { epoch: 1_780_000_000, version: 7, tag: 0xdead_beef };
const step = { from: mark, compiledAt: epochMs(1_780_000_123_456), changes: everyChange() };
const chunks = sealChunks(tableKey, new Uint8Array(200).fill(7));
const manifest = { mark, ...chunks.parts };
const firstKey = generateKeyPairSync("ed25519");
const handOver = sealHandOver({ site, from: firstKey.privateKey, to: signingKey });
const firstPem = String(firstKey.publicKey.export({ type: "spki", format: "pem" }));

/**
 * A message as the broker carries it, and whether its receiver takes it. Throwing fails the test.
 */
interface Sealed {
  readonly name: string;
  readonly message: Uint8Array;
  readonly isTaken: (message: Uint8Array) => boolean;
}

const sealed: readonly Sealed[] = [
  {
    name: "batch of events",
    message: sealEventBatch(scope, entries({ count: 3 })),
    isTaken: (message) => openEventBatch(scope, message).ok,
  },
  {
    name: "site's acknowledgement",
    message: sealEventAck(scope, { journal: "j1", number: 3 }),
    isTaken: (message) => openEventAck(scope, message).ok,
  },
  {
    name: "site's acknowledgement of a fork",
    message: sealEventAck(scope, { journal: "j1", forkedAt: 3, hash: "ab".repeat(16) }),
    isTaken: (message) => openEventAck(scope, message).ok,
  },
  {
    name: "controller's acknowledgement",
    message: sealTableAck(scope, { outcome: "complete", table: mark }),
    isTaken: (message) => openTableAck(scope, message).ok,
  },
  {
    name: "controller's request",
    message: sealTableGet(scope, { want: "deltas", after: mark, request: drawRequest() }),
    isTaken: (message) => openTableGet(scope, message).ok,
  },
  {
    name: "head",
    message: sealTableHead(sealer, { mark, deltasFrom: 3 }),
    isTaken: (message) => openTableHead(opener, message).ok,
  },
  {
    name: "delta",
    message: sealTableDelta(sealer, { ...step, changes: step.changes.slice(1) }).message,
    isTaken: (message) => openTableDelta(opener, message).ok,
  },
  {
    name: "manifest",
    message: sealManifest(sealer, manifest),
    isTaken: (message) => openManifest(opener, message).ok,
  },
  {
    name: "chunk",
    message: chunks.chunk(0),
    isTaken: (message) => {
      readChunkLabel(message);
      return openChunk(tableKey, manifest, 0, message).ok;
    },
  },
  {
    name: "key hand-over",
    message: handOver,
    isTaken: (message) => {
      listHandOvers(message);
      return followHandOvers(site, firstPem, message).ok;
    },
  },
];

for (const { name, message, isTaken } of sealed) {
  t.test(`a ${name} with any one bit flipped is refused`, async (t) => {
    t.ok(isTaken(message), "as it was sent");
    const taken: number[] = [];
    for (let bit = 0; bit < message.length * 8; bit += 1) {
      if (isTaken(flipBit(message, bit))) taken.push(bit);
    }
    t.same(taken, []);
  });

  t.test(`a ${name} cut short anywhere, or with anything behind it, is refused`, async (t) => {
    const taken: number[] = [];
    for (let length = 0; length < message.length; length += 1) {
      if (isTaken(message.subarray(0, length))) taken.push(length);
      if (isTaken(message.subarray(message.length - length))) taken.push(-length);
    }
    t.same(taken, []);
    for (let byte = 0; byte < 256; byte += 1) {
      t.notOk(isTaken(Buffer.concat([message, Uint8Array.of(byte)])));
    }
  });

  t.test(`arbitrary bytes are no ${name}`, async (t) => {
    const random = new Seeded(seed);
    for (let run = 0; run < runCount; run += 1) {
      const bytes = arbitraryBytes(random, message);
      if (!isTaken(bytes)) continue;
      t.fail(`seed ${seed}, run ${run}: ${Buffer.from(bytes).toString("hex")}`);
      return;
    }
    t.pass(`${runCount} refused`);
  });
}

/**
 * Noise, or the good message with a stretch of noise in it, so that the deeper checks see some too.
 */
function arbitraryBytes(random: Seeded, good: Uint8Array): Uint8Array {
  const noise = Uint8Array.from({ length: random.between(1, 300) }, () => random.between(0, 255));
  if (random.chance(0.3)) return noise;
  if (random.chance(0.3)) return Buffer.concat([Uint8Array.of(1), noise]);
  const at = random.between(0, good.length - 1);
  const bytes = new Uint8Array(good);
  bytes.set(noise.subarray(0, Math.min(noise.length, good.length - at)), at);
  // Noise that happens to be what was there already would be the good message.
  return Buffer.compare(bytes, good) === 0 ? noise : bytes;
}

t.test("a frame spoilt anywhere never throws where it is parsed", async (t) => {
  const random = new Seeded(seed);
  const good = encodeCbor(fullFrame());
  for (let run = 0; run < runCount; run += 1) {
    const bytes = new Uint8Array(good);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    }
    const decoded = decodeCbor(bytes);
    if (decoded.ok) parseTableFrame(decoded.value);
  }
  t.pass(`${runCount} frames`);
});

t.test("a delta spoilt anywhere behind its signature never throws where it is read", async (t) => {
  const random = new Seeded(seed);
  const good = encodeTableDelta({ ...step, to: { ...mark, version: 8 } });
  for (let run = 0; run < runCount; run += 1) {
    const bytes = new Uint8Array(good);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    }
    const decoded = decodeTableDelta(bytes);
    if (!decoded.ok) continue;
    const again = decodeTableDelta(encodeTableDelta(decoded.value));
    t.same(again, decoded, `seed ${seed}, run ${run}`);
  }
  t.pass(`${runCount} deltas`);
});

t.test("whatever the site signs by mistake never throws where it is opened", async (t) => {
  const wild = fc.anything({ withDate: false, maxDepth: 4 }).map(asCbor);
  checkProperty(
    t,
    Math.ceil(runCount / 4),
    fc.property(wild, (body) => {
      const plain = encodeCbor(body);
      openTableHead(opener, sealOpenly(sealer, "table/head", plain));
      openTableDelta(opener, sealSecretly(sealer, "table/delta", plain));
      const start = encodeCbor([1, 2, 3, 4]);
      for (const changes of [body, [body], [[3, body, body]]]) {
        const both = Buffer.concat([start, encodeCbor(changes)]);
        openTableDelta(opener, sealSecretly(sealer, "table/delta", both));
      }
      openManifest(opener, sealSecretly(sealer, "table/manifest", plain));
      parseTableFrame(body);
    }),
  );
});

/** What CBOR has a form for: the rest of JavaScript cannot come over the wire. */
function asCbor(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? null : JSON.parse(text);
}

t.test("a status or a provision file spoilt anywhere never throws", async (t) => {
  const random = new Seeded(seed);
  const status = encodeStatus({ online: true, software: "x", clock: "trusted", troubles: ["y"] });
  const file = Buffer.from(serialiseProvision(provision));
  for (let run = 0; run < runCount; run += 1) {
    decodeStatus(arbitraryBytes(random, status));
    parseProvision(Buffer.from(arbitraryBytes(random, file)).toString("latin1"));
  }
  t.pass(`${runCount} of each`);
});
