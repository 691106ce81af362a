import { verify } from "node:crypto";
import t from "tap";
import { phoneCredential, rawCredential } from "../../../../src/domain/credential.ts";
import { controllerId, passId, siteId, userId } from "../../../../src/domain/ids.ts";
import type { TableChange } from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import { packChange } from "../../../../src/protocols/sync/packed-change.ts";
import { sealSecretly } from "../../../../src/protocols/sync/site-seal.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import {
  bytesMaxOf,
  decodeTableDelta,
  deltaBytesMax,
  encodeTableDelta,
  frameDeltaBytesMax,
  openTableDelta,
  readTableDelta,
  sealTableDelta,
  type TableStep,
} from "../../../../src/protocols/sync/table-delta.ts";
import { topicsFor } from "../../../../src/protocols/sync/topics.ts";
import { cardPass } from "../../core/sample-table.ts";
import { everyChange, fullFrame, pairing } from "./samples.ts";

const { sealer, opener } = pairing();
const from = { epoch: 1_780_000_000, version: 7, tag: 0x0102_0304 };
const step: TableStep = { from, compiledAt: epochMs(1_780_000_123_456), changes: everyChange() };
const sealed = sealTableDelta(sealer, step);

/** What is encrypted: where it begins and what changes. */
function bodyOf(...values: readonly unknown[]): Uint8Array {
  return Buffer.concat(values.map((value) => encodeCbor(value)));
}

function reasonOf(message: Uint8Array, by = opener): string {
  const opened = openTableDelta(by, message);
  return opened.ok ? "accepted" : opened.fault.reason;
}

t.test("a delta that the site sealed opens as it was, with the tag of its bytes", async (t) => {
  t.same(openTableDelta(opener, sealed.message), {
    ok: true,
    value: { ...step, to: sealed.to },
  });
  t.match(sealed.to, { epoch: from.epoch, version: from.version + 1 });
});

t.test("a delta on disk says the same as the one on the wire", async (t) => {
  const delta = { ...step, to: sealed.to };
  t.same(decodeTableDelta(encodeTableDelta(delta)), { ok: true, value: delta });
});

t.test("the same step gives the same bytes, another one another tag", async (t) => {
  t.same(sealTableDelta(sealer, step), sealed);
  const other = sealTableDelta(sealer, { ...step, changes: step.changes.slice(0, 3) });
  t.not(other.to.tag, sealed.to.tag);
});

t.test("nobody without the controller's key reads who or what from the wire", async (t) => {
  const wire = Buffer.from(sealed.message);
  for (const secret of ["ada", "card", Buffer.from("0190e0f", "hex"), "front"]) {
    t.equal(wire.includes(secret), false);
  }
});

t.test("a site restored from a copy encrypts nothing twice under one key", async (t) => {
  // The same number, and the same up to the last change: one key would show in the cipher text.
  const changes = [...step.changes.slice(0, -1), { kind: "pass_gone", pass: passId("x") } as const];
  const onceMore = sealTableDelta(sealer, { ...step, changes });
  const cipherText = (message: Uint8Array) => Buffer.from(message.subarray(65, 165));
  t.notOk(cipherText(onceMore.message).equals(cipherText(sealed.message)));
});

t.test("a guess at what a delta says is confirmed by no signature", async (t) => {
  const [version, tag] = [from.version, from.tag];
  // The instant in its form of milliseconds, as packed-values.ts has it.
  const compiledAt = new Uint8Array(
    Buffer.from((1_780_000_123_456).toString(16).padStart(12, "0"), "hex"),
  );
  const guess = bodyOf([from.epoch, version, tag, compiledAt], step.changes.map(packChange));
  t.equal(guess.length, sealed.message.length - 65, "the guess is right");
  const { site, controller, sitePublicKey } = opener;
  const context = Buffer.from(`postern/1\0table/delta\x001\0${site}\0${controller}\0`);
  const signature = sealed.message.subarray(1, 65);
  t.equal(verify(null, Buffer.concat([context, guess]), sitePublicKey, signature), false);
});

t.test("a delta for another controller, site or key is refused", async (t) => {
  t.equal(reasonOf(sealed.message, { ...opener, controller: controllerId("two") }), "altered");
  t.equal(reasonOf(sealed.message, { ...opener, site: siteId("other") }), "altered");
  t.equal(reasonOf(sealed.message, { ...opener, tableKey: pairing(9).tableKey }), "altered");
  const { sitePublicKey } = pairing().opener;
  t.equal(reasonOf(sealed.message, { ...opener, sitePublicKey }), "altered");
});

t.test("a delta too long, too short or without a signature is refused unread", async (t) => {
  t.equal(reasonOf(new Uint8Array(frameDeltaBytesMax + 1).fill(1)), "too_long");
  t.equal(reasonOf(sealed.message.subarray(0, 65)), "malformed");
  t.equal(reasonOf(new Uint8Array(sealed.message).fill(0, 1, 65)), "unsigned");
});

const uuid = (digit: string): string =>
  `${digit.repeat(8)}-${digit.repeat(4)}-4${digit.repeat(3)}-8${digit.repeat(3)}-${digit.repeat(12)}`;

/** Bytes of the MQTT 3.1.1 PUBLISH packet at QoS 1: type, length, topic, packet id, payload. */
function publishBytes(topic: string, payload: Uint8Array): number {
  const rest = 2 + Buffer.byteLength(topic) + 2 + payload.length;
  return 1 + (rest < 128 ? 1 : rest < 16_384 ? 2 : 3) + rest;
}

const sealedPassCases = [
  { what: "ids of 12 characters", pass: "pass-0123456", user: "user-0123456" },
  { what: "UUIDs", pass: uuid("a"), user: uuid("b") },
];

for (const { what, pass, user } of sealedPassCases) {
  t.test(`a changed card pass with dates and ${what} takes 200 bytes at most`, async (t) => {
    const of = {
      ...sealer,
      site: siteId("site-0123456"),
      controller: controllerId("ctrl-0123456"),
    };
    const dates = {
      startsAt: epochMs(Date.parse("2026-03-01T07:30:00Z")),
      endsAt: epochMs(Date.parse("2027-02-28T22:59:59Z")),
    };
    const { message } = sealTableDelta(of, {
      from: { epoch: 1_780_000_000, version: 65_535, tag: 0xffff_ffff },
      compiledAt: epochMs(1_780_000_123_456),
      // A serial number of 7 bytes.
      changes: [{ kind: "pass", pass: cardPass(pass, user, "56:04a1b2c3d4e5f6", dates) }],
    });
    const bytes = publishBytes(topicsFor(of.site, of.controller).tableDelta, message);
    t.comment(`${bytes} bytes, of them ${message.length} payload`);
    t.ok(bytes <= 200, `${bytes} bytes`);
  });
}

t.test("the codes and places of what a change says are those of every release", async (t) => {
  const hexOf = (change: TableChange): string =>
    Buffer.from(encodeCbor(packChange(change))).toString("hex");
  const pass = cardPass("p", "u", "26:0190e0f", {
    active: false,
    traits: ["toggle", "pass_through"],
    startsAt: epochMs(120_000),
    endsAt: epochMs(121_000),
    usesMax: 3,
    spentElsewhere: 1,
  });
  t.equal(hexOf({ kind: "pass", pass }), "8a0361706175181a451a00190e0f02387903f601");
  const phone = phoneCredential("00112233445566778899aabbccddeeff");
  t.equal(
    hexOf({ kind: "pass", pass: cardPass("p", "u", phone, { kind: "mobile" }) }),
    "850361706175045181" + "00112233445566778899aabbccddeeff",
  );
  t.equal(
    hexOf({
      kind: "user",
      user: { id: userId("u"), suspended: true, traits: ["manager"], rules: [] },
    }),
    "8301617511",
  );
  t.equal(hexOf({ kind: "user_gone", user: userId("u") }), "82026175");
  t.equal(
    hexOf({ kind: "pass_gone", pass: passId(uuid("a")) }),
    "820450aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa",
  );
});

const start = [1, 2, 3, 4];
const phoneBytes = (digestBytes: number) => Uint8Array.of(129, ...new Uint8Array(digestBytes));
const packedPass = [3, "p", "u", 6, Uint8Array.of(8, 0x42)];

/** What a broken site could sign. */
const nonsense: readonly { readonly what: string; readonly changes: readonly unknown[] }[] = [
  { what: "no list", changes: [7] },
  { what: "an unknown kind", changes: [[5, "p"]] },
  { what: "a kind alone", changes: [[2]] },
  { what: "an id too much", changes: [[2, "u", "v"]] },
  { what: "an id that is none", changes: [[4, "a/b"]] },
  { what: "a UUID as text", changes: [[4, uuid("a")]] },
  { what: "an id of 15 bytes", changes: [[4, new Uint8Array(15)]] },
  { what: "an unknown trait of a pass", changes: [packedPass.with(3, 70)] },
  { what: "an unknown trait of a user", changes: [[1, "u", 64]] },
  { what: "flags below 0", changes: [[1, "u", -1]] },
  { what: "a rule twice", changes: [[1, "u", 0, "r", "r"]] },
  { what: "a raw credential of no bits", changes: [packedPass.with(4, Uint8Array.of(0))] },
  { what: "raw bits padded for more", changes: [packedPass.with(4, Uint8Array.of(8, 0, 0x42))] },
  { what: "more raw bits than are there", changes: [packedPass.with(4, Uint8Array.of(9, 1))] },
  { what: "a raw bit beyond the count", changes: [packedPass.with(4, Uint8Array.of(4, 0x10))] },
  { what: "a phone of 15 bytes", changes: [packedPass.with(3, 4).with(4, phoneBytes(15))] },
  { what: "a phone of 17 bytes", changes: [packedPass.with(3, 4).with(4, phoneBytes(17))] },
  { what: "a phone as a card", changes: [packedPass.with(4, phoneBytes(16))] },
  {
    what: "a card of 130 bits",
    changes: [packedPass.with(4, Uint8Array.of(130, ...new Uint8Array(17)))],
  },
  { what: "a PIN's digest of 15 bytes", changes: [[3, "p", "u", 7, new Uint8Array(15)]] },
  { what: "duress of a card", changes: [packedPass.with(3, 6 + 32)] },
  { what: "an end before the start", changes: [[...packedPass, 3, 2]] },
  { what: "a whole minute in seconds", changes: [[...packedPass, -61]] },
  {
    what: "a whole second in milliseconds",
    changes: [[...packedPass, Uint8Array.of(0, 0, 0, 0, 3, 0xe8)]],
  },
  { what: "nothing at the end", changes: [[...packedPass, null]] },
  { what: "a field too much", changes: [[...packedPass, 1, 2, 3, 0, 0, 0]] },
  { what: "a use count of 0", changes: [[...packedPass, null, null, 0]] },
  { what: "a use spent less than never", changes: [[...packedPass, null, null, 3, -1]] },
  { what: "half a use spent", changes: [[...packedPass, null, null, 3, 0, 0.5]] },
  { what: "more uses than any pass has", changes: [[...packedPass, null, null, 2e9]] },
  { what: "a pass twice", changes: [packedPass, [4, "p"]] },
  {
    what: "a user twice",
    changes: [
      [1, "u", 0],
      [2, "u"],
    ],
  },
  {
    what: "a frame that is not first",
    changes: [
      [2, "u"],
      [0, fullFrame()],
    ],
  },
  {
    what: "two frames",
    changes: [
      [0, fullFrame()],
      [0, fullFrame()],
    ],
  },
  { what: "a broken frame", changes: [[0, { ...fullFrame(), doors: [] }]] },
  {
    what: "another controller's frame",
    changes: [[0, fullFrame({ controller: controllerId("two") })]],
  },
  { what: "another site's frame", changes: [[0, fullFrame({ site: siteId("other") })]] },
];

t.test("a pass and a user of one id are two", async (t) => {
  const message = sealSecretly(sealer, "table/delta", bodyOf(start, [packedPass, [2, "p"]]));
  t.equal(reasonOf(message), "accepted");
});

for (const { what, changes } of nonsense) {
  t.test(`a good signature does not excuse ${what}`, async (t) => {
    const message = sealSecretly(sealer, "table/delta", bodyOf(start, changes));
    t.equal(reasonOf(message), "invalid_content");
  });
}

t.test("a good signature does not excuse a delta from nowhere", async (t) => {
  for (const from of [
    {},
    [],
    [1, 2, 3],
    [1, 2, 3, 4, 5],
    [-1, 2, 3, 4],
    [1, 2 ** 48, 3, 4],
    [1, 2, 2 ** 32, 4],
    [1, 2, 3, "4"],
  ]) {
    const message = sealSecretly(sealer, "table/delta", bodyOf(from, [packedPass]));
    t.equal(reasonOf(message), "invalid_content", JSON.stringify(from));
  }
});

t.test("a good signature does not excuse changes that are none, or anything after", async (t) => {
  const reasonOfBody = (...values: readonly unknown[]): string =>
    reasonOf(sealSecretly(sealer, "table/delta", bodyOf(start, ...values)));
  t.equal(reasonOfBody(), "malformed");
  t.equal(reasonOfBody({}), "invalid_content");
  t.equal(reasonOfBody([packedPass], [packedPass]), "malformed");
});

t.test("what a delta leads to is read without its changes", async (t) => {
  const read = readTableDelta(opener, sealed.message);
  if (!read.ok) throw new Error(read.fault.reason);
  const { from, to, compiledAt, unpack } = read.value;
  t.same({ from, to, compiledAt }, { from: step.from, to: sealed.to, compiledAt: step.compiledAt });
  t.same(unpack(), { ok: true, value: { ...step, to } });
  const spoilt = sealSecretly(sealer, "table/delta", bodyOf(start, [7]));
  const other = readTableDelta(opener, spoilt);
  t.ok(other.ok, "nothing of the changes is looked at");
  t.match(other.ok && other.value.unpack(), { ok: false, fault: { reason: "invalid_content" } });
});

t.test("only a delta with a frame may be long", async (t) => {
  const gone = Array.from({ length: 6_000 }, (_, index) => ({
    kind: "pass_gone" as const,
    pass: passId(`pass-${String(index).padStart(7, "0")}`),
  }));
  const frame = { kind: "frame", frame: fullFrame() } as const;
  t.equal(reasonOf(sealTableDelta(sealer, { ...step, changes: gone }).message), "too_long");
  t.equal(
    reasonOf(sealTableDelta(sealer, { ...step, changes: [frame, ...gone] }).message),
    "accepted",
  );
  t.equal(bytesMaxOf(gone), deltaBytesMax);
  t.equal(bytesMaxOf([frame, ...gone]), frameDeltaBytesMax);
});

t.test("a refusal names the field and never what stood there", async (t) => {
  const raw = rawCredential("26:0190e0f");
  const pass = cardPass("p", "u", raw, { startsAt: epochMs(2_000), endsAt: epochMs(1_000) });
  const { message } = sealTableDelta(sealer, { ...step, changes: [{ kind: "pass", pass }] });
  t.same(openTableDelta(opener, message), {
    ok: false,
    fault: {
      reason: "invalid_content",
      detail: "changes.0: pass.endsAt: expected no earlier than startsAt",
    },
  });
});
