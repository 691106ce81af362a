import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { openEventAck, sealEventAck } from "../../src/protocols/sync/ack-message.ts";
import { openEventBatch, sealEventBatch } from "../../src/protocols/sync/event-message.ts";
import { parseProvision, serialiseProvision } from "../../src/protocols/sync/provision.ts";
import { decodeStatus, encodeStatus } from "../../src/protocols/sync/status-message.ts";
import { decodeCbor, encodeCbor } from "../../src/protocols/sync/strict-cbor.ts";
import { openTableAck, sealTableAck } from "../../src/protocols/sync/table-ack-message.ts";
import { parseTableContent } from "../../src/protocols/sync/table-content.ts";
import { openTable, sealTable } from "../../src/protocols/sync/table-message.ts";
import { entries, flipBit, fullTable, pairing } from "../unit/protocols/sync/samples.ts";

const runCount = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const seed = seedFor(process.env["FUZZ_SEED"]);
t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runCount}`);

const { provision, signingKey, tableKey, scope } = pairing();

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
    name: "table",
    message: sealTable({ content: fullTable(), signingKey, tableKey }),
    isTaken: (message) => openTable({ message, provision }).ok,
  },
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
    name: "controller's acknowledgement",
    message: sealTableAck(scope, { outcome: "complete", table: { epoch: 1, version: 7 } }),
    isTaken: (message) => openTableAck(scope, message).ok,
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

t.test("a table's content spoilt anywhere never throws where it is parsed", async (t) => {
  const random = new Seeded(seed);
  const good = encodeCbor(fullTable());
  for (let run = 0; run < runCount; run += 1) {
    const bytes = new Uint8Array(good);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    }
    const decoded = decodeCbor(bytes);
    if (decoded.ok) parseTableContent(decoded.value);
  }
  t.pass(`${runCount} contents`);
});

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
