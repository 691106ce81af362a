import { sign, verify } from "node:crypto";
import t from "tap";
import { controllerId, siteId } from "../../../../src/domain/ids.ts";
import { sealOpenly, sealSecretly } from "../../../../src/protocols/sync/site-seal.ts";
import { openManifest } from "../../../../src/protocols/sync/snapshot-manifest.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { openTableDelta } from "../../../../src/protocols/sync/table-delta.ts";
import { drawRequest } from "../../../../src/protocols/sync/table-get.ts";
import {
  openTableHead,
  sealTableHead,
  type TableHead,
  tableHeadBytesMax,
} from "../../../../src/protocols/sync/table-head.ts";
import { isNewer, isSameTable } from "../../../../src/protocols/sync/table-order.ts";
import { pairing } from "./samples.ts";

const { sealer, opener } = pairing();
const mark = { epoch: 1_780_000_000, version: 70_000, tag: 0xdead_beef };
const head: TableHead = { mark, deltasFrom: 69_000 };
const sealed = sealTableHead(sealer, head);

const reasonOf = (opened: { ok: true } | { ok: false; fault: { reason: string } }): string =>
  opened.ok ? "accepted" : opened.fault.reason;

t.test("a head that the site sealed opens as it was", async (t) => {
  t.same(openTableHead(opener, sealed), { ok: true, value: head });
  const first: TableHead = { mark: { epoch: 0, version: 0, tag: 0 }, deltasFrom: 1 };
  t.same(openTableHead(opener, sealTableHead(sealer, first)), { ok: true, value: first });
  t.ok(sealed.length <= tableHeadBytesMax);
  const answer: TableHead = { ...head, request: drawRequest() };
  t.same(openTableHead(opener, sealTableHead(sealer, answer)), { ok: true, value: answer });
});

t.test("a head for the controller next door, or another site's, is refused", async (t) => {
  const others = [
    { ...sealer, controller: controllerId("two") },
    { ...sealer, site: siteId("other") },
    { ...sealer, signingKey: pairing().signingKey },
  ];
  for (const other of others)
    t.equal(reasonOf(openTableHead(opener, sealTableHead(other, head))), "altered");
});

t.test("the lengths of site and controller cannot be traded against each other", async (t) => {
  const message = sealTableHead(
    { ...sealer, site: siteId("a"), controller: controllerId("bc") },
    head,
  );
  const read = { ...opener, site: siteId("ab"), controller: controllerId("c") };
  t.equal(reasonOf(openTableHead(read, message)), "altered");
});

t.test("a head is no delta and no manifest, nor they one another", async (t) => {
  t.equal(reasonOf(openTableDelta(opener, sealed)), "altered");
  t.equal(reasonOf(openManifest(opener, sealed)), "altered");
  const delta = sealSecretly(sealer, "table/delta", encodeCbor([1, 2, 3, 4]));
  t.equal(reasonOf(openTableHead(opener, delta)), "altered");
  t.equal(reasonOf(openManifest(opener, delta)), "altered");
  const manifest = sealSecretly(sealer, "table/manifest", encodeCbor([1, 2, 3, 4]));
  t.equal(reasonOf(openTableDelta(opener, manifest)), "altered");
});

t.test("what the site signs says for what, in which format, for whom, and then what", async (t) => {
  const { site, controller, sitePublicKey } = opener;
  const context = Buffer.from(`postern/1\0table/head\x001\0${site}\0${controller}\0`);
  const signed = Buffer.concat([context, sealed.subarray(65)]);
  t.ok(verify(null, signed, sitePublicKey, sealed.subarray(1, 65)));
});

t.test("what the site's key signed without saying for what is refused", async (t) => {
  const body = encodeCbor(head);
  const signature = sign(null, body, sealer.signingKey);
  const message = Buffer.concat([Uint8Array.of(1), signature, body]);
  t.equal(reasonOf(openTableHead(opener, message)), "altered");
});

t.test("a head without a signature is called unsigned", async (t) => {
  const message = new Uint8Array(sealed).fill(0, 1, 65);
  t.equal(reasonOf(openTableHead(opener, message)), "unsigned");
});

t.test("a head of another format, of too few bytes or too many is refused unread", async (t) => {
  t.equal(reasonOf(openTableHead(opener, new Uint8Array())), "malformed");
  t.equal(reasonOf(openTableHead(opener, sealed.subarray(0, 65))), "malformed");
  const other = new Uint8Array(sealed).fill(2, 0, 1);
  t.equal(reasonOf(openTableHead(opener, other)), "malformed");
  t.equal(reasonOf(openTableHead(opener, new Uint8Array(tableHeadBytesMax + 1))), "too_long");
});

t.test("a good signature does not excuse a head that makes no sense", async (t) => {
  const bodies: readonly unknown[] = [
    {},
    [],
    { mark },
    { mark: { epoch: 1, version: 7 }, deltasFrom: 7 },
    { mark: { ...mark, tag: 2 ** 32 }, deltasFrom: 1 },
    { mark: { ...mark, epoch: 2 ** 49 }, deltasFrom: 1 },
    { mark, deltasFrom: 0 },
    { mark, deltasFrom: mark.version + 2 },
    { mark, deltasFrom: 1, more: 1 },
    { mark, deltasFrom: 1, request: "0123" },
  ];
  for (const body of bodies) {
    const opened = openTableHead(opener, sealOpenly(sealer, "table/head", encodeCbor(body)));
    t.equal(reasonOf(opened), "invalid_content", JSON.stringify(body));
  }
  const twice = sealOpenly(sealer, "table/head", encodeCbor(undefined));
  t.equal(reasonOf(openTableHead(opener, twice)), "malformed");
});

t.test("an epoch outweighs any version", async (t) => {
  t.equal(isNewer({ epoch: 2, version: 1 }, { epoch: 1, version: 99 }), true);
  t.equal(isNewer({ epoch: 1, version: 99 }, { epoch: 2, version: 1 }), false);
  t.equal(isNewer({ epoch: 1, version: 2 }, { epoch: 1, version: 1 }), true);
  t.equal(isNewer({ epoch: 1, version: 1 }, { epoch: 1, version: 1 }), false);
});

t.test("two tables of one number are told apart by their tags", async (t) => {
  t.equal(isSameTable(mark, { ...mark }), true);
  t.equal(isSameTable(mark, { ...mark, tag: 1 }), false);
  t.equal(isSameTable(mark, { ...mark, version: 1 }), false);
  t.equal(isSameTable(mark, { ...mark, epoch: 1 }), false);
});
