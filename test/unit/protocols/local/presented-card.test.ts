import t from "tap";
import { rawFromBits } from "../../../../src/domain/credential.ts";
import { presentedCard } from "../../../../src/protocols/local/presented-card.ts";
import { encodeCard, standardFormats } from "../../../../src/protocols/wiegand/format.ts";

function faultField(format: string, ...values: string[]): string | undefined {
  const presented = presentedCard(standardFormats, { format, values });
  return presented.ok ? undefined : presented.fault.field;
}

t.test("a card typed as format and fields is the one that the reader would send", async (t) => {
  const format = standardFormats.find(({ name }) => name === "H10301");
  if (format === undefined) throw new Error("no H10301");
  const bits = encodeCard(format, { facility: 12, number: 34567 });
  if (!bits.ok) throw new Error("not encoded");
  const typed = presentedCard(standardFormats, { format: "H10301", values: ["12", "34567"] });
  t.same(typed, { ok: true, value: rawFromBits(bits.value) });
  const named = { format: "H10301", fields: { number: 34567, facility: 12 } };
  t.same(presentedCard(standardFormats, named), typed, "by name, in any order");
  t.same(presentedCard([], { bits: "0011" }), { ok: true, value: "4:3" });
  const phone = "0123456789abcdef".repeat(2);
  t.same(presentedCard([], { phone }), { ok: true, value: `phone:${phone}` });
});

t.test("a serial number keeps its leading zeros", async (t) => {
  const typed = presentedCard(standardFormats, { format: "CSN32", values: ["00a1b2c3"] });
  t.same(typed, { ok: true, value: "32:00a1b2c3" });
});

t.test("a card that cannot be is refused with the field that is wrong", async (t) => {
  t.equal(faultField("H10301", "256", "1"), "args.card.facility");
  t.equal(faultField("H10301", "12", "65536"), "args.card.number");
  t.equal(faultField("H10301", "12", ""), "args.card.number");
  t.equal(faultField("H10301", "12", "0x10"), "args.card.number");
  t.equal(faultField("H10301", "12", "1e3"), "args.card.number");
  t.equal(faultField("H10301", "12"), "args.card.values");
  t.equal(faultField("H10301", "12", "1", "2"), "args.card.values");
  t.equal(faultField("CSN32", "xyz"), "args.card.uid");
  t.equal(faultField("H99999", "1"), "args.card.format");
});

t.test("a card by its fields' names is refused with the name that is wrong", async (t) => {
  for (const [fields, field] of [
    [{ facility: 12 }, "args.card.number"],
    [{ facility: 12, number: 65_536 }, "args.card.number"],
    [{ facility: 12, number: "1" }, "args.card.number"],
    [{ facility: 12, number: 1, uid: "00" }, "args.card.uid"],
  ] as const) {
    t.match(presentedCard(standardFormats, { format: "H10301", fields }), { fault: { field } });
  }
});
