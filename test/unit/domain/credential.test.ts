import t from "tap";
import {
  isPhoneCredential,
  parsePhoneCredential,
  parseRawCredential,
  phoneCredential,
  rawFromBits,
} from "../../../src/domain/credential.ts";

t.test("raw data keeps its length, so leading zeros tell two cards apart", async (t) => {
  t.equal(rawFromBits("00000001"), "8:01");
  t.equal(rawFromBits("0000000001"), "10:001");
  t.not(rawFromBits("00000001"), rawFromBits("0000000001"));
});

t.test("raw data from outside is taken in its canonical form only", async (t) => {
  t.same(parseRawCredential("26:0190e0f"), { ok: true, value: "26:0190e0f" });
  for (const text of [
    "",
    "26",
    "26:",
    "0:0",
    "26:190e0f",
    "26:0190E0F",
    "26:4190e0f",
    "129:0",
    "x:0",
    `phone:${"0".repeat(32)}`,
  ]) {
    t.equal(parseRawCredential(text).ok, false, text);
  }
});

t.test("no card is a phone, whatever its bits, and no phone is a card", async (t) => {
  const phone = phoneCredential("00112233445566778899aabbccddeeff");
  t.same(parsePhoneCredential(phone), { ok: true, value: phone });
  t.ok(isPhoneCredential(phone));
  for (let bitCount = 1; bitCount <= 128; bitCount += 1) {
    const card = rawFromBits("1".repeat(bitCount));
    t.notOk(isPhoneCredential(card), card);
    t.notOk(parsePhoneCredential(card).ok, card);
  }
});

t.test("a phone from outside is taken in its canonical form only", async (t) => {
  for (const text of [
    "",
    "phone",
    "phone:",
    `phone:${"0".repeat(31)}`,
    `phone:${"0".repeat(33)}`,
    `phone:${"0".repeat(31)}A`,
    `phone:${"0".repeat(32)}\n`,
    `Phone:${"0".repeat(32)}`,
    ` phone:${"0".repeat(32)}`,
    `129:${"0".repeat(32)}`,
  ]) {
    t.equal(parsePhoneCredential(text).ok, false, JSON.stringify(text));
  }
});
