import { createCipheriv, type KeyObject, randomBytes, sign } from "node:crypto";
import { decode } from "cborg";
import t from "tap";
import { controllerId, siteId } from "../../../../src/domain/ids.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import {
  isNewer,
  openTable,
  sealTable,
  tableMessageBytesMax,
} from "../../../../src/protocols/sync/table-message.ts";
import { fullTable, pairing } from "./samples.ts";

const { provision, signingKey, tableKey } = pairing();
const content = fullTable();
const sealed = sealTable({ content, signingKey, tableKey });

function refusalOf(message: Uint8Array, by = provision): string {
  const opened = openTable({ message, provision: by });
  return opened.ok ? "accepted" : opened.fault.reason;
}

/** What an attacker at the broker has: the parts, to be put together in another way. */
function partsOf(message: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  return decode(message.subarray(1));
}

const messageOf = (...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Uint8Array.of(1), encodeCbor(parts.map((part) => new Uint8Array(part)))]);

t.test("a table that the site sealed opens as it was", async (t) => {
  t.same(openTable({ message: sealed, provision }), { ok: true, value: content });
});

t.test("two tables of one content never share a nonce or a ciphertext", async (t) => {
  const again = sealTable({ content, signingKey, tableKey });
  t.notSame(partsOf(again)[0], partsOf(sealed)[0]);
  t.notSame(partsOf(again)[1], partsOf(sealed)[1]);
});

t.test("nobody without the controller's key reads a pass from the wire", async (t) => {
  const wire = Buffer.from(sealed);
  t.equal(wire.includes("csn_card"), false);
  t.equal(wire.includes("26:0190e0f"), false);
  t.equal(wire.includes("ada"), false);
});

t.test("a header that claims another version than the site signed is refused", async (t) => {
  const [header, body, signature] = partsOf(sealed);
  const raised = { ...decode(header), table: { epoch: 1, version: 8 } };
  t.equal(refusalOf(messageOf(encodeCbor(raised), body, signature)), "altered");
  const newEpoch = { ...decode(header), table: { epoch: 2, version: 7 } };
  t.equal(refusalOf(messageOf(encodeCbor(newEpoch), body, signature)), "altered");
});

t.test("a signature taken from another good table does not fit", async (t) => {
  const other = sealTable({
    content: fullTable({ table: { epoch: 1, version: 9 } }),
    signingKey,
    tableKey,
  });
  const [header, body] = partsOf(sealed);
  const [otherHeader, otherBody, otherSignature] = partsOf(other);
  t.equal(refusalOf(messageOf(header, body, otherSignature)), "altered");
  t.equal(refusalOf(messageOf(otherHeader, body, otherSignature)), "altered");
  t.equal(refusalOf(messageOf(header, otherBody, otherSignature)), "altered");
});

t.test("bytes moved from the header into the body do not keep the signature", async (t) => {
  const [header, body, signature] = partsOf(sealed);
  const shorter = header.subarray(0, header.length - 1);
  const longer = Buffer.concat([header.subarray(header.length - 1), body]);
  t.not(refusalOf(messageOf(shorter, longer, signature)), "accepted");
});

t.test("a table without a signature is called unsigned", async (t) => {
  const [header, body] = partsOf(sealed);
  t.equal(refusalOf(messageOf(header, body)), "unsigned");
  t.equal(refusalOf(messageOf(header, body, new Uint8Array())), "unsigned");
});

t.test("a table signed by somebody else's key is refused", async (t) => {
  const stranger = pairing().signingKey;
  t.equal(refusalOf(sealTable({ content, signingKey: stranger, tableKey })), "altered");
});

t.test("a table sealed for the controller next door is refused, whatever it claims", async (t) => {
  const next = fullTable({ controller: controllerId("two") });
  t.equal(refusalOf(sealTable({ content: next, signingKey, tableKey })), "wrong_controller");
  const otherKey = pairing(9).tableKey;
  t.equal(refusalOf(sealTable({ content, signingKey, tableKey: otherKey })), "altered");
});

t.test("another site's table is refused by name", async (t) => {
  const other = fullTable({ site: siteId("other") });
  t.equal(refusalOf(sealTable({ content: other, signingKey, tableKey })), "wrong_site");
});

t.test("a message of another format, of no bytes or too many is malformed", async (t) => {
  t.equal(refusalOf(new Uint8Array()), "malformed");
  t.equal(refusalOf(Uint8Array.of(1)), "malformed");
  t.equal(refusalOf(Buffer.concat([Uint8Array.of(2), sealed.subarray(1)])), "malformed");
  t.equal(refusalOf(Buffer.concat([sealed, Uint8Array.of(0)])), "malformed");
  t.equal(refusalOf(new Uint8Array(tableMessageBytesMax + 1).fill(1)), "too_long");
});

t.test("what hangs thousands of lists deep is refused without an exception", async (t) => {
  t.equal(refusalOf(new Uint8Array(200_000).fill(0x81).fill(1, 0, 1)), "malformed");
});

/** Seals any body at all, as a broken or hostile site could. */
function sealAnything(body: unknown, key: KeyObject = signingKey): Uint8Array {
  const nonce = randomBytes(12);
  const { site, controller, table } = content;
  const header = encodeCbor({ site, controller, table, nonce: new Uint8Array(nonce) });
  const cipher = createCipheriv("aes-256-gcm", tableKey, nonce, { authTagLength: 16 });
  cipher.setAAD(header);
  const bytes = body instanceof Uint8Array ? body : encodeCbor(body);
  const sealedBody = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(header.length, 0);
  lengths.writeUInt32BE(sealedBody.length, 4);
  const signed = Buffer.concat([
    Buffer.from("postern/1\0table\x001\0"),
    lengths,
    header,
    sealedBody,
  ]);
  return messageOf(header, sealedBody, sign(null, signed, key));
}

t.test("the site's own signature does not excuse a content that makes no sense", async (t) => {
  t.same(openTable({ message: sealAnything(content), provision }), { ok: true, value: content });
  t.equal(
    refusalOf(sealAnything({ ...content, table: { epoch: 1, version: 8 } })),
    "invalid_content",
  );
  t.equal(refusalOf(sealAnything({ ...content, zone: "Mars/Olympus" })), "invalid_content");
  t.equal(refusalOf(sealAnything([])), "invalid_content");
});

t.test("a body with a key twice or bytes behind it is refused", async (t) => {
  const twice = Uint8Array.of(0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02);
  t.same(openTable({ message: sealAnything(twice), provision }), {
    ok: false,
    fault: { reason: "invalid_content", detail: 'CBOR decode error: found repeat map key "a"' },
  });
  const trailing = Buffer.concat([encodeCbor(content), Uint8Array.of(0)]);
  t.equal(refusalOf(sealAnything(trailing)), "invalid_content");
});

t.test("an epoch outweighs any version", async (t) => {
  t.equal(isNewer({ epoch: 2, version: 1 }, { epoch: 1, version: 99 }), true);
  t.equal(isNewer({ epoch: 1, version: 99 }, { epoch: 2, version: 1 }), false);
  t.equal(isNewer({ epoch: 1, version: 2 }, { epoch: 1, version: 1 }), true);
  t.equal(isNewer({ epoch: 1, version: 1 }, { epoch: 1, version: 1 }), false);
});
