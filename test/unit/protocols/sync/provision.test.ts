import { createHmac, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import t from "tap";
import {
  deriveKeys,
  digestPin,
  parseProvision,
  serialiseProvision,
} from "../../../../src/protocols/sync/provision.ts";
import { decodeStatus, encodeStatus } from "../../../../src/protocols/sync/status-message.ts";
import {
  controllerOfTopic,
  filtersForSite,
  siteKeyTopic,
  topicsFor,
} from "../../../../src/protocols/sync/topics.ts";
import { controller, pairing, site } from "./samples.ts";

const { provision } = pairing();
/** Of P-256: SP 800-186, 3.2.1.3. */
const order = BigInt(
  "115792089210356248762697446949407573529996955224135760342422259061068512044369",
);

t.test("a provision file gives back what was written into it", async (t) => {
  t.same(parseProvision(serialiseProvision(provision)), { ok: true, value: provision });
});

t.test("a provision file with a fault is refused by field, without its secrets", async (t) => {
  const file: Record<string, unknown> = JSON.parse(serialiseProvision(provision));
  const { privateKey } = generateKeyPairSync("ed25519");
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  const cases: readonly (readonly [string, unknown])[] = [
    ["format", 2],
    ["site", "a b"],
    ["controller", ""],
    ["site_public_key", "no key"],
    ["site_public_key", privateKey.export({ type: "pkcs8", format: "pem" })],
    ["site_public_key", p256.export({ type: "spki", format: "pem" })],
    ["controller_key", "c2hvcnQ"],
    ["pin_key", undefined],
    ["extra", "secret words"],
  ];
  for (const [field, value] of cases) {
    const parsed = parseProvision(JSON.stringify({ ...file, [field]: value }));
    t.equal(parsed.ok ? "accepted" : parsed.fault.field, field);
    t.notMatch(JSON.stringify(parsed), /c2hvcnQ|secret words|PRIVATE/);
  }
  for (const text of ["", "{", "null"]) {
    const parsed = parseProvision(text);
    t.equal(parsed.ok ? "accepted" : parsed.fault.field, "the file", text);
  }
});

t.test("tables and messages have keys of their own, different for each controller", async (t) => {
  const one = deriveKeys(provision.controllerKey);
  const two = deriveKeys(new Uint8Array(32).fill(9));
  const texts = [one.tableKey, one.messageKey, two.tableKey, two.messageKey].map((key) =>
    key.export().toString("hex"),
  );
  t.equal(new Set(texts).size, 4);
  t.notOk(texts.includes(Buffer.from(provision.controllerKey).toString("hex")));
});

t.test(
  "a controller's key for phones is a P-256 key that only its own secret leads to",
  async (t) => {
    const { mobileKey } = deriveKeys(new Uint8Array(32).fill(9));
    t.equal(mobileKey.type, "private");
    t.equal(mobileKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
    const drawn = hkdfByHand(Buffer.alloc(32, 9), "postern/1", "mobile", 48);
    const scalar = (BigInt(`0x${drawn.toString("hex")}`) % (order - 1n)) + 1n;
    const { d } = mobileKey.export({ format: "jwk" });
    t.equal(BigInt(`0x${Buffer.from(d ?? "", "base64url").toString("hex")}`), scalar);
    const signature = sign("sha256", Buffer.from("a door"), mobileKey);
    t.ok(verify("sha256", Buffer.from("a door"), createPublicKey(mobileKey), signature));
    const other = createPublicKey(deriveKeys(provision.controllerKey).mobileKey);
    t.notOk(verify("sha256", Buffer.from("a door"), other, signature));
  },
);

/** RFC 5869 with SHA-256, one HMAC at a time. */
function hkdfByHand(secret: Buffer, salt: string, info: string, bytes: number): Buffer {
  const mac = (key: Buffer, ...parts: readonly Buffer[]) =>
    createHmac("sha256", key).update(Buffer.concat(parts)).digest();
  const pseudoRandom = mac(Buffer.from(salt), secret);
  const blocks: Buffer[] = [];
  for (let count = 1; Buffer.concat(blocks).length < bytes; count += 1) {
    const before = blocks.at(-1) ?? Buffer.alloc(0);
    blocks.push(mac(pseudoRandom, before, Buffer.from(info), Buffer.of(count)));
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}

t.test("a PIN's digest is keyed, and leading zeros count", async (t) => {
  const key = new Uint8Array(32);
  t.match(digestPin(key, "1234"), /^[0-9a-f]{32}$/);
  t.not(digestPin(key, "1234"), digestPin(key, "01234"));
  t.not(digestPin(key, "1234"), digestPin(new Uint8Array(32).fill(1), "1234"));
});

t.test("each topic stands below its site and controller", async (t) => {
  t.same(topicsFor(site, controller), {
    status: "postern/1/test/c/one/status",
    tableHead: "postern/1/test/c/one/table/head",
    tableDelta: "postern/1/test/c/one/table/delta",
    tableGet: "postern/1/test/c/one/table/get",
    tableManifest: "postern/1/test/c/one/table/manifest",
    tableChunk: "postern/1/test/c/one/table/chunk",
    tableAck: "postern/1/test/c/one/table/ack",
    event: "postern/1/test/c/one/event",
    eventAck: "postern/1/test/c/one/event/ack",
    commandAsk: "postern/1/test/c/one/command/ask",
    commandOffer: "postern/1/test/c/one/command/offer",
    command: "postern/1/test/c/one/command",
    commandAnswer: "postern/1/test/c/one/command/answer",
  });
  t.equal(siteKeyTopic(site), "postern/1/test/key");
  t.equal(filtersForSite(site).event, "postern/1/test/c/+/event");
  t.equal(controllerOfTopic(site, "postern/1/test/c/one/event"), "one");
  for (const topic of [
    "",
    "postern/1/other/c/one/event",
    "postern/1/test/c/o ne/event",
    "postern/1/test/c/",
  ]) {
    t.equal(controllerOfTopic(site, topic), undefined, topic);
  }
});

t.test("a status is read back, and junk in its place is not", async (t) => {
  const status = {
    online: true,
    software: "postern 0.1.0",
    table: { epoch: 1, version: 7 },
    tableAgeMs: 5,
    clock: "trusted",
    troubles: ["rex stuck"],
  } as const;
  t.same(decodeStatus(encodeStatus(status)), { ok: true, value: status });
  t.same(decodeStatus(encodeStatus({ online: false })), { ok: true, value: { online: false } });
  for (const junk of [
    "",
    "null",
    "[]",
    "{",
    '{"format":1,"online":"yes"}',
    '{"format":1,"online":true}',
  ]) {
    t.equal(decodeStatus(Buffer.from(junk)).ok, false, junk);
  }
  t.equal(decodeStatus(new Uint8Array(20_000)).ok, false);
});
