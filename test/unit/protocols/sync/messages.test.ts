import { createHmac } from "node:crypto";
import t from "tap";
import { controllerId, siteId } from "../../../../src/domain/ids.ts";
import { openEventAck, sealEventAck } from "../../../../src/protocols/sync/ack-message.ts";
import {
  eventBatchBytesMax,
  eventBatchEntriesMax,
  openEventBatch,
  sealEventBatch,
  takeEventBatch,
} from "../../../../src/protocols/sync/event-message.ts";
import { hashEntry } from "../../../../src/protocols/sync/journal-chain.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { openTableAck, sealTableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import {
  drawRequest,
  openTableGet,
  sealTableGet,
  type TableGet,
  tableGetBytesMax,
} from "../../../../src/protocols/sync/table-get.ts";
import { entries, everyEvent, pairing } from "./samples.ts";

const { scope } = pairing();
const batch = entries({ count: everyEvent.length });

function reasonOf(opened: { ok: true } | { ok: false; fault: { reason: string } }): string {
  return opened.ok ? "accepted" : opened.fault.reason;
}

t.test("entries of every kind arrive as they were sent, and their hashes still hold", async (t) => {
  for (const oldest of [1, undefined]) {
    const opened = openEventBatch(scope, sealEventBatch(scope, batch, oldest));
    t.same(opened, { ok: true, value: { entries: batch, oldest } });
    if (opened.ok) for (const entry of opened.value.entries) t.equal(hashEntry(entry), entry.hash);
  }
});

t.test("a message of one purpose is refused where another is expected", async (t) => {
  const ack = sealEventAck(scope, { journal: "j1", number: 3 });
  t.equal(reasonOf(openEventBatch(scope, ack)), "altered");
  t.equal(reasonOf(openTableAck(scope, ack)), "altered");
  t.equal(reasonOf(openEventAck(scope, sealEventBatch(scope, batch.slice(0, 1)))), "altered");
});

t.test("a message from another controller's topic, site or key is refused", async (t) => {
  const message = sealEventBatch(scope, batch);
  const elsewhere = [
    { ...scope, controller: controllerId("two") },
    { ...scope, site: siteId("other") },
    { ...scope, messageKey: pairing(9).scope.messageKey },
  ];
  for (const other of elsewhere) t.equal(reasonOf(openEventBatch(other, message)), "altered");
});

t.test("the lengths of site and controller cannot be traded against each other", async (t) => {
  const ab = { ...scope, site: siteId("a"), controller: controllerId("bc") };
  const abc = { ...scope, site: siteId("ab"), controller: controllerId("c") };
  const message = sealEventAck(ab, { journal: "j1", number: 3 });
  t.equal(reasonOf(openEventAck(abc, message)), "altered");
});

t.test("a batch too long, too short or of another format is refused unread", async (t) => {
  t.equal(reasonOf(openEventBatch(scope, new Uint8Array(eventBatchBytesMax + 1))), "too_long");
  t.equal(reasonOf(openEventBatch(scope, new Uint8Array())), "malformed");
  t.equal(reasonOf(openEventBatch(scope, new Uint8Array(33).fill(1))), "malformed");
  const message = sealEventBatch(scope, batch);
  message[0] = 2;
  t.equal(reasonOf(openEventBatch(scope, message)), "malformed");
});

/** What a controller with a good key, but a fault, could send. */
function sealAnything(purpose: string, body: Uint8Array): Uint8Array {
  const signed = Buffer.concat([Uint8Array.of(1), body]);
  const mac = createHmac("sha256", scope.messageKey)
    .update(`postern/1\0${purpose}\0${scope.site}\0${scope.controller}\0`)
    .update(signed)
    .digest();
  return Buffer.concat([signed, mac]);
}

t.test("a good MAC does not excuse entries that make no sense", async (t) => {
  const [first] = batch;
  const bodies: readonly unknown[] = [
    {},
    [],
    [null],
    [{ ...first, number: 0 }],
    [{ ...first, number: 1.5 }],
    [{ ...first, hash: "00" }],
    [{ ...first, event: { kind: "door_melted", door: "front" } }],
    [{ ...first, event: { ...first?.event, pin: "1234" } }],
    [{ ...first, wall: { at: -1, quality: "trusted" } }],
    [{ ...first, journal: "../j" }],
    Array.from({ length: eventBatchEntriesMax + 1 }, () => first),
    { oldest: 1 },
    { oldest: 1, entries: [] },
    { oldest: 0, entries: batch },
    { oldest: 1.5, entries: batch },
    { oldest: "1", entries: batch },
    { oldest: 1, newest: 2, entries: batch },
    { oldest: 1, entries: [{ ...first, number: 0 }] },
  ];
  for (const body of bodies) {
    const message = sealAnything("event", encodeCbor(body));
    t.equal(
      reasonOf(openEventBatch(scope, message)),
      "invalid_content",
      JSON.stringify(body).slice(0, 60),
    );
  }
});

t.test("an entry that is another controller's, or of a second journal, is foreign", async (t) => {
  const foreign = entries({ count: 1, of: controllerId("two") });
  t.equal(reasonOf(openEventBatch(scope, sealEventBatch(scope, foreign))), "foreign");
  const mixed = [...batch.slice(0, 2), ...entries({ count: 1, journal: "j2" })];
  t.equal(reasonOf(openEventBatch(scope, sealEventBatch(scope, mixed))), "foreign");
});

t.test("a body that is not strict CBOR is malformed even under a good MAC", async (t) => {
  const indefinite = Uint8Array.of(0x9f, 0x01, 0xff);
  const longForm = Uint8Array.of(0x81, 0x18, 0x01);
  for (const body of [indefinite, longForm, Uint8Array.of(0x80, 0x00), Uint8Array.of(0xf7)]) {
    t.equal(reasonOf(openEventBatch(scope, sealAnything("event", body))), "malformed");
  }
});

t.test("a batch is cut where one message is full", async (t) => {
  const many = entries({ count: eventBatchEntriesMax + 50 });
  t.equal(takeEventBatch(many).length, eventBatchEntriesMax);
  t.equal(takeEventBatch([]).length, 0);
  const heavy = batch
    .flatMap((entry) => Array.from({ length: 9 }, () => entry))
    .map((entry) => ({
      ...entry,
      event: { kind: "table_refused", reason: "altered", detail: "x".repeat(9_000) } as const,
    }));
  const taken = takeEventBatch(heavy);
  t.ok(taken.length > 1 && taken.length < heavy.length, `${taken.length} of ${heavy.length}`);
  t.ok(sealEventBatch(scope, taken, Number.MAX_SAFE_INTEGER).length <= eventBatchBytesMax);
});

t.test("an acknowledgement says which journal and how far", async (t) => {
  const ack = { journal: "j1", number: 3 };
  t.same(openEventAck(scope, sealEventAck(scope, ack)), { ok: true, value: ack });
  const bodies = [
    { ...ack, number: -1 },
    { ...ack, number: "3" },
    { number: 3 },
    { ...ack, all: true },
    { ...ack, hash: "ab" },
    { ...ack, hash: "AB".repeat(16) },
    { ...ack, forkedAt: 3 },
    { journal: "j1" },
    { journal: "j1", forkedAt: 0 },
    { journal: "j1", forkedAt: 3, previous: "ab".repeat(32) },
  ];
  for (const body of bodies) {
    const message = sealAnything("event/ack", encodeCbor(body));
    t.equal(reasonOf(openEventAck(scope, message)), "invalid_content");
  }
});

t.test(
  "an acknowledgement names the entry by its hash, and so does what says of a fork",
  async (t) => {
    const hash = "ab".repeat(16);
    const acks = [
      { journal: "j1", number: 3, hash },
      { journal: "j1", forkedAt: 1, previous: "0".repeat(32), hash },
      { journal: "j1", forkedAt: Number.MAX_SAFE_INTEGER },
    ];
    for (const ack of acks) {
      t.same(openEventAck(scope, sealEventAck(scope, ack)), { ok: true, value: ack });
    }
  },
);

t.test("a controller says which table is in force, and why another is not", async (t) => {
  const table = { epoch: 1, version: 7, tag: 0xffff_ffff };
  const wanted = { epoch: 1, version: 9 };
  const acks = [
    { outcome: "complete", table },
    { outcome: "progress", wanted, percent: 0 },
    { outcome: "progress", table: { epoch: 1, version: 7 }, wanted, percent: 100 },
    { outcome: "refused", table, reason: "altered", detail: "no match" },
    { outcome: "refused", reason: "malformed", detail: "" },
  ] as const;
  for (const ack of acks) {
    t.same(openTableAck(scope, sealTableAck(scope, ack)), { ok: true, value: ack });
  }
  const long = { outcome: "refused", reason: "altered", detail: "x".repeat(5_000) } as const;
  t.equal(reasonOf(openTableAck(scope, sealTableAck(scope, long))), "accepted");
  const bodies = [
    { outcome: "complete", table: { epoch: 1, version: 7 } },
    { outcome: "complete", table: { ...table, tag: 2 ** 32 } },
    { outcome: "progress", wanted, percent: 100.5 },
    { outcome: "progress", wanted, percent: 101 },
    { outcome: "progress", percent: 1 },
  ];
  for (const body of bodies) {
    const message = sealAnything("table/ack", encodeCbor(body));
    t.equal(reasonOf(openTableAck(scope, message)), "invalid_content", JSON.stringify(body));
  }
});

t.test("a controller asks for a head, deltas, a manifest or some chunks", async (t) => {
  const request = drawRequest();
  const after = { epoch: 1_780_000_000, version: 7, tag: 5 };
  const gets: readonly TableGet[] = [
    { want: "head", request },
    { want: "deltas", after, request },
    { want: "snapshot", request },
    { want: "chunks", snapshot: "0123456789abcdef", from: 2_047, count: 16, request },
  ];
  for (const get of gets) {
    const message = sealTableGet(scope, get);
    t.ok(message.length <= tableGetBytesMax);
    t.same(openTableGet(scope, message), { ok: true, value: get });
    t.equal(reasonOf(openTableAck(scope, message)), "altered");
  }
  t.not(drawRequest(), request);
});

t.test("a request that asks for what there cannot be is refused", async (t) => {
  const request = drawRequest();
  const chunks = { want: "chunks", snapshot: "0123456789abcdef", from: 0, count: 1, request };
  const bodies = [
    { want: "head" },
    { want: "head", request: "0" },
    { want: "everything", request },
    { want: "deltas", after: { epoch: 1, version: 7 }, request },
    { ...chunks, count: 0 },
    { ...chunks, count: 17 },
    { ...chunks, from: -1 },
    { ...chunks, from: 2_048 },
    { ...chunks, snapshot: "0123456789ABCDEF" },
    { ...chunks, all: true },
  ];
  for (const body of bodies) {
    const message = sealAnything("table/get", encodeCbor(body));
    t.equal(reasonOf(openTableGet(scope, message)), "invalid_content", JSON.stringify(body));
  }
  const long = sealAnything("table/get", encodeCbor({ ...chunks, snapshot: "0".repeat(300) }));
  t.equal(reasonOf(openTableGet(scope, long)), "too_long");
});
