import t from "tap";
import { LineSplitter } from "../../../../src/protocols/local/line-splitter.ts";

t.test("lines are the same however the bytes are cut, also inside of a character", async (t) => {
  const bytes = Buffer.from("first\n\nzwölf Türen 🚪\r\nlast\nrest");
  for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes += 1) {
    const splitter = new LineSplitter(64);
    const lines: string[] = [];
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      const pushed = splitter.push(bytes.subarray(start, start + pieceBytes));
      if (pushed.ok) lines.push(...pushed.value);
    }
    t.same(lines, ["first", "", "zwölf Türen 🚪", "last"], `pieces of ${pieceBytes}`);
  }
});

t.test("a line of the greatest length is whole, one byte more is a fault", async (t) => {
  t.same(new LineSplitter(4).push(Buffer.from("1234\n")), { ok: true, value: ["1234"] });
  t.equal(new LineSplitter(4).push(Buffer.from("12345\n")).ok, false);
  const splitter = new LineSplitter(4);
  t.equal(splitter.push(Buffer.from("123")).ok, true);
  t.equal(splitter.push(Buffer.from("45")).ok, false, "without its end, so that memory is bounded");
});
