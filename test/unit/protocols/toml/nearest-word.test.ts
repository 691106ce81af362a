import t from "tap";
import { nearestWord } from "../../../../src/protocols/toml/nearest-word.ts";

t.test("a slip of the keyboard leads to the word that was meant", async (t) => {
  const words = ["unlock_ms", "held_open_ms", "relock", "rex", "d0", "d1"];
  t.equal(nearestWord("unlok_ms", words), "unlock_ms", "a letter left out");
  t.equal(nearestWord("unlokc_ms", words), "unlock_ms", "neighbours swapped");
  t.equal(nearestWord("unlockMs", words), "unlock_ms", "the other convention");
  t.equal(nearestWord("rax", words), "rex");
  t.equal(nearestWord("do", words), "d0");
  t.equal(nearestWord("d_1", words), "d1");
});

t.test("nothing is suggested for a word that is like none", async (t) => {
  t.equal(nearestWord("colour", ["unlock_ms", "rex", "d0"]), undefined);
  t.equal(nearestWord("zz", ["d0", "d1"]), undefined);
  t.equal(nearestWord("", ["rex"]), undefined);
  t.equal(nearestWord("rex", []), undefined);
});
