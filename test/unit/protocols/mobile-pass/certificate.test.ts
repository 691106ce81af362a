import { generateKeyPairSync, randomBytes } from "node:crypto";
import t from "tap";
import { controllerId, readerId, siteId } from "../../../../src/domain/ids.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import { helloBytesMax } from "../../../../src/protocols/mobile-pass/hello.ts";
import { pointOf, privateKeyFrom } from "../../../../src/protocols/mobile-pass/p256.ts";
import { prepareHello } from "../../../../src/protocols/mobile-pass/prepared-hello.ts";
import {
  issueReaderCertificate,
  openReaderCertificate,
  readReaderCertificate,
} from "../../../../src/protocols/mobile-pass/reader-certificate.ts";
import { flipped, premises } from "./meeting.ts";

const place = premises();
const { certificate, siteKey, controllerKey } = place;
const entropy = (count: number) => randomBytes(count);

t.test("a certificate says what the site has signed", async (t) => {
  t.match(openReaderCertificate(siteKey, certificate), {
    ok: true,
    value: {
      site: "home",
      controller: "box-1",
      readerKey: pointOf(controllerKey),
      issuedAt: 1_780_000_000_000,
    },
  });
});

t.test("a certificate with any one bit flipped is refused", async (t) => {
  const taken: number[] = [];
  for (let bit = 0; bit < certificate.length * 8; bit += 1) {
    if (openReaderCertificate(siteKey, flipped(certificate, bit)).ok) taken.push(bit);
  }
  t.same(taken, []);
});

t.test("a certificate cut short anywhere, or with anything behind it, is refused", async (t) => {
  for (let length = 0; length < certificate.length; length += 1) {
    t.notOk(openReaderCertificate(siteKey, certificate.subarray(0, length)).ok);
  }
  t.notOk(openReaderCertificate(siteKey, Buffer.concat([certificate, Uint8Array.of(0)])).ok);
});

t.test("a certificate of another site's key is not authentic", async (t) => {
  const { publicKey } = generateKeyPairSync("ed25519");
  t.same(openReaderCertificate(publicKey, certificate), {
    ok: false,
    fault: "certificate_not_authentic",
  });
});

t.test("a certificate of another version is told apart from a broken one", async (t) => {
  const newer = certificate.with(0, 2);
  t.same(readReaderCertificate(newer), { ok: false, fault: "version_unknown" });
  t.same(readReaderCertificate(new Uint8Array()), { ok: false, fault: "certificate_malformed" });
});

t.test("names that are none are refused, whoever signed them", async (t) => {
  for (const name of ["", "a/b", "ü", "x".repeat(65), "a\0b"]) {
    const bytes = issueReaderCertificate({
      site: siteId(name),
      controller: controllerId("box-1"),
      readerKey: controllerKey,
      issuedAt: epochMs(0),
      mobileKey: place.mobileKey,
    });
    t.same(openReaderCertificate(siteKey, bytes), { ok: false, fault: "certificate_malformed" });
  }
});

t.test("the longest names leave a hello within what one attribute holds", async (t) => {
  const longest = issueReaderCertificate({
    site: siteId("s".repeat(64)),
    controller: controllerId("c".repeat(64)),
    readerKey: controllerKey,
    issuedAt: epochMs(253_402_300_799_999),
    mobileKey: place.mobileKey,
  });
  const reader = readerId("r".repeat(64));
  const made = prepareHello({ certificate: longest, controllerKey, reader, entropy });
  if (!made.ok) throw new Error(made.fault);
  t.equal(made.value.bytes.length, 417);
  t.ok(made.value.bytes.length <= helloBytesMax);
});

t.test(
  "a controller offers no hello under a certificate of another key than its own",
  async (t) => {
    const other = privateKeyFrom(randomBytes(48));
    const reader = readerId("front");
    t.same(prepareHello({ certificate, controllerKey: other, reader, entropy }), {
      ok: false,
      fault: "certificate_of_another_key",
    });
    const broken = certificate.subarray(1);
    t.same(prepareHello({ certificate: broken, controllerKey, reader, entropy }), {
      ok: false,
      fault: "certificate_malformed",
    });
  },
);
