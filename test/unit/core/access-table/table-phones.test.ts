import t from "tap";
import { buildAccessTable } from "../../../../src/core/access-table/access-table.ts";
import { newKeyBuffer, writeRawKey } from "../../../../src/core/access-table/credential-key.ts";
import { keyedHash } from "../../../../src/core/access-table/keyed-hash.ts";
import type { PassRecord } from "../../../../src/domain/access.ts";
import {
  phoneCredential,
  pinDigest,
  type RawCredential,
  rawCredential,
} from "../../../../src/domain/credential.ts";
import {
  cardPass,
  digestOf,
  phonePass,
  pinPass,
  tableContent,
  testHashKey,
  user,
} from "../sample-table.ts";

const build = (part: Parameters<typeof tableContent>[0]) =>
  buildAccessTable(tableContent(part), testHashKey);

t.test("a card, a PIN and a phone of the same digits are three", async (t) => {
  const digits = digestOf("7");
  const card = cardPass("card", "ada", `128:${digits}`);
  const phone = phonePass("phone", "ada", "7");
  const pin = pinPass("pin", "ada", digits);
  const find = (passes: readonly PassRecord[]) => {
    const table = build({ users: [user("ada")], passes });
    const idAt = (number: number) => (number < 0 ? "" : table.passes.id(number));
    return [
      idAt(table.passes.findCard(rawCredential(`128:${digits}`))),
      idAt(table.passes.findCard(phoneCredential(digits))),
      idAt(table.passes.findPin(pinDigest(digits))),
    ];
  };
  t.same(find([card, phone, pin]), ["card", "phone", "pin"]);
  t.same(find([card]), ["card", "", ""]);
  t.same(find([phone]), ["", "phone", ""]);
  t.same(find([pin]), ["", "", "pin"]);
});

t.test("what only looks like a phone is nobody's", async (t) => {
  const table = build({ users: [user("ada")], passes: [phonePass("p", "ada", "7")] });
  const digits = digestOf("7");
  t.equal(table.passes.findCard(rawCredential(`phone:${digits}`)), 0);
  for (const text of [
    "phone",
    "phone:",
    `phone:${digits.slice(1)}`,
    `phone:${digits}7`,
    `phone:${digits.slice(1)}G`,
    `phone;${digits}`,
    `Phone:${digits}`,
    `129:${digits}`,
    `129:0${digits}`,
  ]) {
    t.equal(table.passes.findCard(rawCredential(text)), -1, text);
  }
});

t.test("two phones whose hashes are equal are each found as themselves", async (t) => {
  const seen = new Map<number, string>();
  const key = newKeyBuffer();
  const pair = (): readonly [RawCredential, RawCredential] => {
    for (let number = 0; number < 1_000_000; number += 1) {
      const digits = number.toString(16).padStart(32, "0");
      writeRawKey(phoneCredential(digits), key);
      const hash = keyedHash(testHashKey, key, key.length);
      const other = seen.get(hash);
      if (other !== undefined) return [phoneCredential(other), phoneCredential(digits)];
      seen.set(hash, digits);
    }
    throw new Error("no two of a million phones collide, which cannot be");
  };
  const [one, other] = pair();
  const passes = [cardPass("a", "ada", one), cardPass("b", "bob", other)];
  const users = [user("ada"), user("bob")];
  const both = build({ users, passes });
  t.equal(both.passes.id(both.passes.findCard(one)), "a");
  t.equal(both.passes.id(both.passes.findCard(other)), "b");
  t.equal(build({ users, passes: passes.slice(1) }).passes.findCard(one), -1);
});

t.test("a table says what its readers show to phones, or that they show nothing", async (t) => {
  t.equal(build({}).mobileCertificate(), undefined);
  const certificate = Uint8Array.from({ length: 256 }, (_, at) => at);
  const text = Buffer.from(certificate).toString("base64url");
  t.same(build({ mobile: { certificate: text } }).mobileCertificate(), certificate);
});
