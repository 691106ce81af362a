import fc from "fast-check";
import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { rawFromBits } from "../../../../src/domain/credential.ts";
import {
  type CardFields,
  decodeCard,
  encodeCard,
  parityHolds,
  parseWiegandFormat,
  standardFormats,
  type WiegandFormat,
} from "../../../../src/protocols/wiegand/format.ts";
import { flipBit, formatNamed, vectorOf, vectors } from "./wire.ts";

/**
 * A second derivation, from the masks in the Proxmark3 client (client/src/wiegand_formats.c), whose
 * bit 0 is the last on the wire. Data bits come from the frame; parity bits are worked out here.
 */
const masks: Readonly<
  Record<string, readonly (readonly [bit: number, mask: bigint, odd: 0 | 1])[]>
> = {
  H10301: [
    [25, 0x1ffe000n, 0],
    [0, 0x1ffen, 1],
  ],
  H10306: [
    [33, 0x1fffe0000n, 0],
    [0, 0x1fffen, 1],
  ],
  H10302: [
    [36, 0xffffc0000n, 0],
    [0, 0x7fffen, 1],
  ],
  H10304: [
    [36, 0xffffc0000n, 0],
    [0, 0x7fffen, 1],
  ],
  "C1000-35": [
    [33, 0x1b6db6db6n, 0],
    [0, 0x36db6db6cn, 1],
    [34, 0x3ffffffffn, 1],
  ],
  "C1000-48": [
    [46, 0x1b6db6db6db6n, 0],
    [0, 0x36db6db6db6cn, 1],
    [47, 0x7fffffffffffn, 1],
  ],
};

function withProxmarkParity(format: WiegandFormat, bits: string): string {
  const parities = masks[format.name] ?? [];
  let frame = BigInt(`0b${bits}`);
  for (const [bit] of parities) frame &= ~(1n << BigInt(bit));
  for (const [bit, mask, odd] of parities) {
    const ones = (frame & mask).toString(2).replaceAll("0", "").length;
    if ((ones + odd) % 2 === 1) frame |= 1n << BigInt(bit);
  }
  return frame.toString(2).padStart(format.bitCount, "0");
}

const checkedFormats = standardFormats.filter((format) => format.parity.length > 0);

function randomFields(format: WiegandFormat, random: Seeded) {
  return Object.fromEntries(
    format.fields.map((field) => {
      const bits = random.bits(field.bitCount);
      const value = BigInt(`0b${bits}`);
      if (field.as === "number") return [field.name, Number(value)];
      return [field.name, value.toString(16).padStart(field.bitCount / 4, "0")];
    }),
  );
}

function frameOf(format: WiegandFormat, fields: CardFields): string {
  const encoded = encodeCard(format, fields);
  if (!encoded.ok) throw new Error(`${format.name} ${JSON.stringify(fields)}`);
  return encoded.value;
}

t.test("every standard format has a published frame", async (t) => {
  const names = new Set(vectors.map((vector) => vector.format));
  t.same(
    standardFormats.filter((format) => !names.has(format.name)),
    [],
  );
});

for (const { format: name, fields, bits, source } of vectors) {
  t.test(`${name} ${JSON.stringify(fields)} is the frame of ${source}`, async (t) => {
    const format = formatNamed(name);
    t.same(encodeCard(format, fields), { ok: true, value: bits });
    t.same(decodeCard(format, bits), { ok: true, value: fields });
  });
}

t.test("parity agrees with the masks of another implementation on random cards", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const different: string[] = [];
  for (const format of checkedFormats) {
    for (let count = 0; count < 500; count += 1) {
      const fields = randomFields(format, random);
      const bits = frameOf(format, fields);
      if (bits !== withProxmarkParity(format, bits)) different.push(`${format.name} ${bits}`);
    }
  }
  t.same(different, []);
});

t.test("every single-bit error of every frame with parity is a parity fault", async (t) => {
  const missed: string[] = [];
  for (const { format: name, bits } of vectors) {
    const format = formatNamed(name);
    if (format.parity.length === 0) continue;
    for (let bit = 0; bit < bits.length; bit += 1) {
      const decoded = decodeCard(format, flipBit(bits, bit));
      if (decoded.ok || decoded.fault !== "parity") missed.push(`${name} bit ${bit}`);
    }
  }
  t.same(missed, []);
});

t.test("10,000 random frames of each format with one bit flipped match no card", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (const format of standardFormats) {
    let matched = 0;
    for (let count = 0; count < 10_000; count += 1) {
      const bits = frameOf(format, randomFields(format, random));
      const flipped = flipBit(bits, random.between(0, format.bitCount - 1));
      const sameCard = rawFromBits(flipped) === rawFromBits(bits);
      const accepted = format.parity.length > 0 && decodeCard(format, flipped).ok;
      if (sameCard || accepted) matched += 1;
    }
    t.equal(matched, 0, format.name);
  }
});

t.test("every wrong length is refused", async (t) => {
  for (const format of standardFormats) {
    const { bits } = vectorOf(format.name);
    for (let length = 0; length < 140; length += 1) {
      if (length === format.bitCount) continue;
      const decoded = decodeCard(format, bits.repeat(6).slice(0, length));
      t.equal(!decoded.ok && decoded.fault, "length", `${format.name} of ${length} bits`);
    }
  }
});

t.test("any card that can be encoded decodes to the same fields", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  for (const format of standardFormats) {
    const fields = fc.record(
      Object.fromEntries(
        format.fields.map((field) => [
          field.name,
          field.as === "number"
            ? fc.maxSafeNat().map((value) => value % 2 ** field.bitCount)
            : fc
                .uint8Array({ minLength: field.bitCount / 8, maxLength: field.bitCount / 8 })
                .map((bytes) => Buffer.from(bytes).toString("hex")),
        ]),
      ),
    );
    fc.assert(
      fc.property(fields, (card) => {
        const encoded = encodeCard(format, card);
        const decoded = encoded.ok ? decodeCard(format, encoded.value) : undefined;
        return decoded?.ok === true && JSON.stringify(decoded.value) === JSON.stringify(card);
      }),
      { seed, numRuns: 200 },
    );
  }
});

t.test("7-byte serial numbers that begin alike are different cards", async (t) => {
  const format = formatNamed("CSN56");
  const one = encodeCard(format, { uid: "04782e21801d80" });
  const other = encodeCard(format, { uid: "04782e21801d81" });
  t.ok(one.ok && other.ok && rawFromBits(one.value) !== rawFromBits(other.value));
  t.match(decodeCard(format, one.ok ? one.value : ""), { value: { uid: "04782e21801d80" } });
});

t.test("a field that does not fit is refused by name, with what would fit", async (t) => {
  const refusals = [
    ["H10301", { facility: 256, number: 1 }, "facility", "a whole number from 0 to 255"],
    ["H10301", { facility: 1, number: 65_536 }, "number", "a whole number from 0 to 65535"],
    ["H10301", { facility: 1 }, "number", "a whole number from 0 to 65535"],
    ["H10301", { facility: -1, number: 1 }, "facility", "a whole number from 0 to 255"],
    ["H10301", { facility: 1.5, number: 1 }, "facility", "a whole number from 0 to 255"],
    ["H10301", { facility: "12", number: 1 }, "facility", "a whole number from 0 to 255"],
    ["H10301", { facility: Number.NaN, number: 1 }, "facility", "a whole number from 0 to 255"],
    ["H10302", { facility: 1, number: 1 }, "facility", "one of H10302's fields: number"],
    ["H10302", { number: 2 ** 35 }, "number", "a whole number from 0 to 34359738367"],
    ["CSN56", { uid: "04782e21" }, "uid", "14 hexadecimal digits"],
    ["CSN32", { uid: "0478zz21" }, "uid", "8 hexadecimal digits"],
  ] as const;
  for (const [name, fields, field, expected] of refusals) {
    t.same(encodeCard(formatNamed(name), fields), { ok: false, fault: { field, expected } });
  }
});

const siteFormat = {
  name: "site-27",
  bitCount: 27,
  fields: [
    { name: "facility", firstBit: 1, bitCount: 13, as: "number" },
    { name: "number", firstBit: 14, bitCount: 12, as: "number" },
  ],
  parity: [
    { bit: 0, covers: [1, 2, 3], sense: "even" },
    { bit: 26, covers: [0, 24, 25], sense: "odd" },
  ],
};

t.test("a site's own format works like a standard one", async (t) => {
  const parsed = parseWiegandFormat(siteFormat);
  t.ok(parsed.ok);
  const format = parsed.ok ? parsed.value : formatNamed("H10301");
  const bits = frameOf(format, { facility: 5_000, number: 7 });
  t.ok(parityHolds(format, bits));
  t.match(decodeCard(format, bits), { value: { facility: 5_000, number: 7 } });
});

t.test("every standard format would pass as a site's own", async (t) => {
  for (const format of standardFormats) {
    t.same(parseWiegandFormat(structuredClone(format)), { ok: true, value: format });
  }
});

t.test("a format that could not work is refused at the place that is wrong", async (t) => {
  const [facility, number] = siteFormat.fields;
  const [even, odd] = siteFormat.parity;
  const refusals = [
    ["a word", "format"],
    [{ ...siteFormat, bitCount: 4 }, "bitCount"],
    [{ ...siteFormat, bitCount: 129 }, "bitCount"],
    [{ ...siteFormat, colour: "red" }, "colour"],
    [{ ...siteFormat, fields: [] }, "fields"],
    [{ ...siteFormat, fields: [facility] }, "fields"],
    [{ ...siteFormat, fields: [facility, { ...number, name: "facility" }] }, "fields.1.name"],
    [{ ...siteFormat, fields: [facility, { ...number, firstBit: 20 }] }, "fields.1"],
    [
      { ...siteFormat, fields: [facility, { ...number, as: "hex", bitCount: 11 }] },
      "fields.1.bitCount",
    ],
    [{ ...siteFormat, parity: [even, { ...odd, bit: 27 }] }, "parity.1.bit"],
    [{ ...siteFormat, parity: [even, { ...odd, covers: [26] }] }, "parity.1.covers"],
    [{ ...siteFormat, parity: [even, { ...odd, covers: [1, 1] }] }, "parity.1.covers"],
    [{ ...siteFormat, parity: [even, { ...odd, covers: [27] }] }, "parity.1.covers"],
    [{ ...siteFormat, parity: [{ ...even, covers: [26] }, odd] }, "parity.0.covers"],
    [{ ...siteFormat, parity: [{ ...even, sense: "none" }, odd] }, "parity.0.sense"],
  ] as const;
  for (const [value, field] of refusals) {
    const parsed = parseWiegandFormat(value);
    t.equal(!parsed.ok && parsed.fault.field, field);
  }
});
