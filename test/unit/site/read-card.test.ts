import fc from "fast-check";
import t from "tap";
import { rawCredential, rawFromBits } from "../../../src/domain/credential.ts";
import {
  encodeCard,
  standardFormats,
  type WiegandFormat,
} from "../../../src/protocols/wiegand/format.ts";
import { readCard } from "../../../src/site/read-card.ts";
import { checkProperty } from "../core/property.ts";

function formatNamed(name: string): WiegandFormat {
  const format = standardFormats.find((one) => one.name === name);
  if (format === undefined) throw new Error(`no ${name}`);
  return format;
}

function cardOf(name: string, fields: Readonly<Record<string, number | string>>) {
  const bits = encodeCard(formatNamed(name), fields);
  if (!bits.ok) throw new Error(bits.fault.expected);
  return rawFromBits(bits.value);
}

t.test("a card is what its format prints, whichever of the standard ones it is", async (t) => {
  const cards = [
    ["H10301", { facility: 12, number: 34567 }, "34567"],
    ["H10306", { facility: 12, number: 34567 }, "34567"],
    ["C1000-35", { facility: 1, number: 9 }, "9"],
    ["CSN32", { uid: "0a0b0c0d" }, "0a0b0c0d"],
    ["CSN56", { uid: "04a1b2c3d4e5f6" }, "04a1b2c3d4e5f6"],
    ["CSN80", { uid: "04a1b2c3d4e5f6070809" }, "04a1b2c3d4e5f6070809"],
  ] as const;
  for (const [format, fields, number] of cards) {
    const raw = cardOf(format, fields);
    t.same(readCard(raw, standardFormats), {
      raw,
      bitCount: formatNamed(format).bitCount,
      decoded: { format, fields },
      number,
    });
  }
});

t.test("of two formats of one length the reader's word decides, as far as it fits", async (t) => {
  const raw = cardOf("H10304", { facility: 5, number: 77 });
  t.equal(readCard(raw, standardFormats, "H10304").decoded?.format, "H10304");
  t.equal(readCard(raw, standardFormats, "H10304").number, "77");
  t.equal(readCard(raw, standardFormats).decoded?.format, "H10302", "else the first");
  t.equal(readCard(raw, standardFormats, "H10301").decoded?.format, "H10302");
  t.equal(readCard(raw, standardFormats, "ours").decoded?.format, "H10302");
});

t.test("a card of no format, or of a parity that does not hold, is its data alone", async (t) => {
  const odd = rawCredential("41:1f00000000a");
  t.same(readCard(odd, standardFormats), { raw: odd, bitCount: 41, number: "1f00000000a" });
  const good = encodeCard(formatNamed("H10301"), { facility: 12, number: 34567 });
  const bits = good.ok ? good.value : "";
  const flipped = rawFromBits(`${bits.slice(0, -1)}${bits.endsWith("0") ? "1" : "0"}`);
  t.equal(readCard(flipped, standardFormats).decoded, undefined);
});

t.test("a format of the site's own is read, too", async (t) => {
  const own: WiegandFormat = {
    name: "ours",
    bitCount: 41,
    fields: [{ name: "number", firstBit: 0, bitCount: 41, as: "number" }],
    parity: [],
  };
  t.equal(readCard(rawCredential("41:0000000002a"), [...standardFormats, own]).number, "42");
});

t.test("whatever a reader sends is read, and what is decoded encodes to the same", async (t) => {
  const bits = fc
    .array(fc.constantFrom("0", "1"), { minLength: 1, maxLength: 128 })
    .map((each) => each.join(""));
  checkProperty(
    t,
    3_000,
    fc.property(bits, (sent) => {
      const raw = rawFromBits(sent);
      const { bitCount, decoded } = readCard(raw, standardFormats);
      if (bitCount !== sent.length) return false;
      if (decoded === undefined) return true;
      const again = encodeCard(formatNamed(decoded.format), decoded.fields);
      return again.ok && again.value === sent;
    }),
  );
});
