import t from "tap";
import {
  decodeKey,
  encodeKey,
  type KeypadKey,
} from "../../../../src/protocols/keypad/key-burst.ts";
import { keypadShape } from "../../../../src/protocols/keypad/keypad-shape.ts";
import { decodePinFrame, encodePinFrame } from "../../../../src/protocols/keypad/pin-frame.ts";
import { decodeCard } from "../../../../src/protocols/wiegand/format.ts";
import { flipBit, formatNamed } from "../wiegand/wire.ts";

/** CDVI KCPROXWLC installation manual, "ARK 8 bits output format". */
const cdvi: Readonly<Record<KeypadKey, string>> = {
  "0": "11110000",
  "1": "11100001",
  "2": "11010010",
  "3": "11000011",
  "4": "10110100",
  "5": "10100101",
  "6": "10010110",
  "7": "10000111",
  "8": "01111000",
  "9": "01101001",
  "*": "01011010",
  "#": "01001011",
};
const keys = Object.keys(cdvi) as KeypadKey[];

t.test("an 8-bit key is the published byte, both ways", async (t) => {
  for (const key of keys) {
    t.equal(encodeKey("burst_8", key), cdvi[key]);
    t.equal(decodeKey("burst_8", cdvi[key]), key);
  }
});

t.test("a 4-bit key is the low nibble of the 8-bit one", async (t) => {
  for (const key of keys) {
    t.equal(encodeKey("burst_4", key), cdvi[key].slice(4));
    t.equal(decodeKey("burst_4", cdvi[key].slice(4)), key);
  }
});

t.test("an 8-bit burst with any one bit wrong is no key", async (t) => {
  for (const key of keys) {
    for (let bit = 0; bit < 8; bit += 1) {
      t.equal(decodeKey("burst_8", flipBit(cdvi[key], bit)), undefined, `${key} bit ${bit}`);
    }
  }
});

t.test("a nibble that no key sends, and any other length, is no key", async (t) => {
  for (const nibble of ["1100", "1101", "1110", "1111"]) {
    t.equal(decodeKey("burst_4", nibble), undefined);
  }
  for (const bits of ["", "0", "101", "10101", "1110000", "111000010", "1x01"]) {
    t.equal(decodeKey("burst_4", bits), undefined);
    t.equal(decodeKey("burst_8", bits), undefined);
  }
});

t.test("a whole PIN travels as the number of a 26-bit card", async (t) => {
  const bits = encodePinFrame("24681");
  t.same(decodeCard(formatNamed("H10301"), bits), {
    ok: true,
    value: { facility: 0, number: 24_681 },
  });
  t.same(decodePinFrame(bits), { kind: "pin", digits: "24681" });
});

t.test("the keypad's own facility code does not matter", async (t) => {
  // H10301 68:41551 of test/vectors/wiegand.json.
  t.same(decodePinFrame("00100010010100010010011111"), { kind: "pin", digits: "41551" });
});

t.test("a PIN's leading zeros come back up to four digits", async (t) => {
  t.same(decodePinFrame(encodePinFrame("0042")), { kind: "pin", digits: "0042" });
  t.same(decodePinFrame(encodePinFrame("0000")), { kind: "pin", digits: "0000" });
  t.same(decodePinFrame(encodePinFrame("65534")), { kind: "pin", digits: "65534" });
});

t.test("an entry that does not fit is the error marker and never a PIN", async (t) => {
  for (const digits of ["65535", "65536", "99999", "123456", ""]) {
    t.same(decodePinFrame(encodePinFrame(digits)), { kind: "entry_error" }, digits);
  }
});

t.test("a PIN frame with any one bit wrong, or of another length, is no PIN", async (t) => {
  const bits = encodePinFrame("2468");
  for (let bit = 0; bit < 26; bit += 1) t.equal(decodePinFrame(flipBit(bits, bit)), undefined);
  for (const wrong of ["", bits.slice(1), `${bits}0`]) t.equal(decodePinFrame(wrong), undefined);
});

t.test("each keypad's frames are told apart by length and check", async (t) => {
  t.match(keypadShape("burst_4"), { kind: "key", bitCount: 4, checked: false });
  t.match(keypadShape("burst_8"), { kind: "key", bitCount: 8, checked: true });
  t.match(keypadShape("pin_26"), { kind: "pin", bitCount: 26, checked: true });
  t.equal(keypadShape("burst_8").accepts("11100001"), true);
  t.equal(keypadShape("burst_8").accepts("11100011"), false);
  t.equal(keypadShape("burst_4").accepts("1111"), false);
  t.equal(keypadShape("pin_26").accepts(encodePinFrame("1234")), true);
  t.equal(keypadShape("pin_26").accepts("1".repeat(26)), false);
});
