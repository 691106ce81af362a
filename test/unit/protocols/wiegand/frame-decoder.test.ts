import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { edgeNs } from "../../../../src/domain/time.ts";
import { keypadShape } from "../../../../src/protocols/keypad/keypad-shape.ts";
import { standardFormats } from "../../../../src/protocols/wiegand/format.ts";
import { FrameDecoder } from "../../../../src/protocols/wiegand/frame-decoder.ts";
import { framesOf, ms, outcomes, shapesOf, us, vectorOf, vectors, Wire } from "./wire.ts";

const checkedNames = standardFormats
  .filter((format) => format.parity.length > 0)
  .map((format) => format.name);
const h10301 = vectorOf("H10301").bits;
const h10304 = vectorOf("H10304").bits;
const csn32 = vectorOf("CSN32").bits;
const csn56 = vectorOf("CSN56").bits;

for (const name of checkedNames) {
  t.test(`${name} alone is decided at its last bit's rising edge`, async (t) => {
    const { bits } = vectorOf(name);
    const { edges } = new Wire().send(bits);
    const decoder = new FrameDecoder({ shapes: shapesOf(name), openedAt: edgeNs(0) });
    const frames = edges.map((edge) => decoder.edge(edge));
    t.same(frames.slice(0, -1), Array(edges.length - 1).fill(undefined));
    t.match(frames.at(-1), { verdict: "ok", bits, at: edges.at(-1)?.at });
    t.equal(decoder.deadline(), undefined, "and waits for nothing");
  });
}

t.test("every format reads at every interval from 200 us to 20 ms", async (t) => {
  for (const { format, bits } of vectors) {
    for (const interval of [200 * us, 1 * ms, 2 * ms, 5 * ms, 20 * ms]) {
      const { edges } = new Wire().send(bits, { interval });
      t.same(outcomes(framesOf(shapesOf(format), edges)), [bits], `${format} at ${interval} ns`);
    }
  }
});

t.test("pulses of 20 to 100 us and an uneven reader's intervals read", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (const { format, bits } of vectors) {
    for (const pulseNs of [20 * us, 40 * us, 100 * us]) {
      const interval = () => random.between(850 * us, 1_150 * us);
      const { edges } = new Wire().send(bits, { interval, pulseNs });
      t.same(outcomes(framesOf(shapesOf(format), edges)), [bits], `${format} ${pulseNs} ns`);
    }
  }
});

t.test("with a longer format configured, a shorter card waits for the silence", async (t) => {
  const shapes = shapesOf("H10301", "H10304");
  const { edges } = new Wire().send(h10301);
  const decoder = new FrameDecoder({ shapes, openedAt: edgeNs(0) });
  t.ok(edges.every((edge) => decoder.edge(edge) === undefined));
  const lastFall = edges.at(-2)?.at ?? 0;
  t.equal(decoder.deadline(), lastFall + 3 * ms, "three of its own intervals");
  t.equal(decoder.deadlineReached(edgeNs(lastFall + 2.9 * ms)), undefined, "early is harmless");
  t.match(decoder.deadlineReached(edgeNs(lastFall + 3 * ms)), { verdict: "ok", bits: h10301 });
  t.equal(decoder.deadlineReached(edgeNs(lastFall + 9 * ms)), undefined, "twice is harmless");
});

t.test("the silence follows the reader's pace within its bounds", async (t) => {
  const gapAt = (interval: number) => {
    const { edges } = new Wire().send("0110", { interval });
    const decoder = new FrameDecoder({ shapes: shapesOf("H10301"), openedAt: edgeNs(0) });
    for (const edge of edges) decoder.edge(edge);
    return (decoder.deadline() ?? 0) - (edges.at(-2)?.at ?? 0);
  };
  t.equal(gapAt(200 * us), 3 * ms);
  t.equal(gapAt(2 * ms), 6 * ms);
  t.equal(gapAt(20 * ms), 50 * ms);
});

t.test("two formats of one length: the first that fits names the card", async (t) => {
  const names = [["H10302", "H10304"] as const, ["H10304", "H10302"] as const];
  for (const [first, second] of names) {
    const { edges } = new Wire().send(h10304);
    const [frame] = framesOf(shapesOf(first, second), edges);
    t.match(frame, { verdict: "ok", shape: { format: { name: first } } });
  }
});

t.test("a 7-byte serial number is never cut to a 4-byte card", async (t) => {
  const { edges } = new Wire().send(csn56);
  t.same(outcomes(framesOf(shapesOf("CSN32"), edges)), ["length"]);
  t.same(outcomes(framesOf(shapesOf("CSN32", "CSN56"), edges)), [csn56]);
  t.same(outcomes(framesOf(shapesOf("H10301", "CSN32", "CSN80"), edges)), ["length"]);
});

t.test("two cards one after the other are two cards", async (t) => {
  for (const { format, bits } of vectors) {
    const { edges } = new Wire()
      .send(bits)
      .wait(10 * ms)
      .send(bits);
    t.same(outcomes(framesOf(shapesOf(format), edges)), [bits, bits], format);
  }
});

t.test("a frame that was under way at opening is no card, the next one is", async (t) => {
  for (const { format, bits } of vectors) {
    // Long enough that what is seen of it has the format's length and parity.
    const wire = new Wire().send("0110").wait(950 * us);
    const openedAt = wire.now - 300 * us;
    wire
      .send(bits)
      .wait(300 * ms)
      .send(bits);
    const seen = wire.edges.filter((edge) => edge.at >= openedAt);
    const read = outcomes(framesOf(shapesOf(format), seen, { openedAt }));
    t.same(read, ["length", bits], format);
  }
});

t.test("the first frame after opening is read whole", async (t) => {
  for (const { format, bits } of vectors) {
    const wire = new Wire().wait(2 * ms).send(bits);
    const read = framesOf(shapesOf(format), wire.edges, { openedAt: 1_000 * ms });
    t.same(outcomes(read), [bits], format);
  }
});

t.test("a line that is low at opening invents no bit", async (t) => {
  const openedAt = edgeNs(1_000 * ms);
  const shapes = shapesOf("H10301");
  const decoder = new FrameDecoder({ shapes, openedAt, lowAtOpening: [true, false] });
  t.equal(decoder.deadline(), undefined);
  const wire = new Wire(openedAt + 20 * us)
    .edge(0, 1)
    .wait(300 * ms)
    .send(h10301);
  const read = wire.edges.map((edge) => decoder.edge(edge)).filter((frame) => frame);
  t.same(outcomes(read as never), [h10301]);

  const late = new FrameDecoder({ shapes, openedAt, lowAtOpening: [true, false] });
  const middle = new Wire(openedAt + 20 * us)
    .edge(0, 1)
    .wait(950 * us)
    .send(h10301);
  t.same(outcomes(middle.edges.map((edge) => late.edge(edge)).filter((f) => f) as never), [
    "length",
  ]);
});

t.test("keys and cards come from one reader in the order they happened", async (t) => {
  for (const keypad of ["burst_4", "burst_8"] as const) {
    const one = keypad === "burst_4" ? "0001" : "11100001";
    const shapes = [...shapesOf("H10301"), keypadShape(keypad)];
    const wire = new Wire()
      .send(one)
      .wait(80 * ms)
      .send(h10301)
      .wait(80 * ms)
      .send(one);
    t.same(outcomes(framesOf(shapes, wire.edges)), [one, h10301, one]);
  }
});

t.test("edges read late or in a batch give the same frames", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const shapes = [...shapesOf("H10301", "H10304", "CSN56"), keypadShape("burst_4")];
  for (let run = 0; run < 300; run += 1) {
    const wire = new Wire();
    for (let frame = 0; frame < 6; frame += 1) {
      const interval = random.between(200 * us, 20 * ms);
      wire.send(random.pick([h10301, h10304, csn56, "0101", h10304.slice(0, 20)]), { interval });
      wire.wait(random.between(0, 400) * ms);
    }
    const edges = wire.edges.filter(() => random.chance(0.99));
    const late = framesOf(shapes, edges, { deadlines: "at_end" });
    if (edges.length === wire.edges.length) t.same(late, framesOf(shapes, edges));
  }
});

t.test("a serial number alone is not decided before the silence", async (t) => {
  const decoder = new FrameDecoder({ shapes: shapesOf("CSN32"), openedAt: edgeNs(0) });
  const { edges } = new Wire().send(csn32);
  t.ok(edges.every((edge) => decoder.edge(edge) === undefined));
  t.match(decoder.deadlineReached(decoder.deadline() ?? edgeNs(0)), { bits: csn32 });
});
