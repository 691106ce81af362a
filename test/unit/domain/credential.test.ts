import t from "tap";
import { parseRawCredential, rawFromBits } from "../../../src/domain/credential.ts";

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
  ]) {
    t.equal(parseRawCredential(text).ok, false, text);
  }
});
