import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { edgeNs } from "../../../../src/domain/time.ts";
import { encodeCard, standardFormats } from "../../../../src/protocols/wiegand/format.ts";
import { FrameDecoder, misreadQuietNs } from "../../../../src/protocols/wiegand/frame-decoder.ts";
import {
  flipBit,
  formatNamed,
  framesOf,
  ms,
  outcomes,
  renumber,
  shapesOf,
  us,
  vectorOf,
  vectors,
  Wire,
} from "./wire.ts";

const checkedNames = standardFormats
  .filter((format) => format.parity.length > 0)
  .map((format) => format.name);
const h10301 = vectorOf("H10301").bits;
const h10304 = vectorOf("H10304").bits;
const csn56 = vectorOf("CSN56").bits;
const isBits = (outcome: string) => /^[01]+$/.test(outcome);

t.test("bad parity at the longest length is told at once and the rest is swallowed", async (t) => {
  for (const name of checkedNames) {
    const { bits } = vectorOf(name);
    for (let bit = 0; bit < bits.length; bit += 1) {
      const { edges } = new Wire().send(`${flipBit(bits, bit)}0110`);
      const frames = framesOf(shapesOf(name), edges);
      t.same(outcomes(frames), ["parity"], `${name} bit ${bit}`);
      t.equal(frames[0]?.at, edges[bits.length * 2 - 1]?.at);
    }
  }
});

t.test("a frame of any other length is no card", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (const { name, bitCount } of standardFormats) {
    for (let length = 1; length <= 130; length += 1) {
      if (length === bitCount) continue;
      // A frame that is too long may begin like a card: only its extra bits give it away.
      const { edges } = new Wire().send(random.bits(length));
      const frames = outcomes(framesOf(shapesOf(name), edges));
      const [first = "", ...rest] = frames;
      const parts = ["length", "parity"].includes(first) ? [first] : [first, "length"];
      t.same([first, ...rest], parts, `${name}, ${length} bits`);
      if (length < bitCount) t.equal(first, "length");
    }
  }
});

t.test("bits after an early decision are a fault, counted, and never a new card", async (t) => {
  const decoder = new FrameDecoder({ shapes: shapesOf("H10301"), openedAt: edgeNs(0) });
  const wire = new Wire()
    .send(h10301)
    .wait(950 * us)
    .send(h10301);
  const frames = wire.edges.map((edge) => decoder.edge(edge)).filter((frame) => frame);
  t.same(outcomes(frames as never), [h10301], "the second run is no second card");
  const fault = decoder.deadlineReached(decoder.deadline() ?? edgeNs(0));
  t.match(fault, { verdict: "length", bitCount: 52, at: wire.edges.at(-1)?.at });
  t.equal(decoder.extraBitCount, 26);
});

t.test("after extra bits and a rest the next card reads", async (t) => {
  const wire = new Wire()
    .send(h10301)
    .wait(950 * us)
    .send("1")
    .wait(300 * ms)
    .send(h10301);
  t.same(outcomes(framesOf(shapesOf("H10301"), wire.edges)), [h10301, "length", h10301]);
});

t.test("an edge that the kernel lost never leaves a card, wherever it was", async (t) => {
  for (const { format, bits } of vectors) {
    const { edges } = new Wire()
      .send(bits)
      .wait(300 * ms)
      .send(bits);
    for (let lost = 0; lost < bits.length * 2; lost += 1) {
      const rest = edges.filter((_, index) => index !== lost);
      const seen = outcomes(framesOf(shapesOf(format), rest));
      const unseen = outcomes(framesOf(shapesOf(format), renumber(rest)));
      // The very last edge: only the next card's number shows that it was lost.
      const cards = seen.filter((outcome) => outcome === bits).length;
      t.ok(cards <= 1 && seen[0] !== bits, `${format}, edge ${lost}`);
      t.ok(unseen[0] !== bits, `${format}, edge ${lost}, without a gap in the numbers`);
    }
  }
});

t.test("a bit that the reader left out never leaves a card", async (t) => {
  const cards: string[] = [];
  for (const { format, bits } of vectors) {
    const { edges } = new Wire().send(bits);
    for (let lost = 0; lost < bits.length; lost += 1) {
      const rest = renumber(edges.filter((_, index) => index >> 1 !== lost));
      const read = outcomes(framesOf(shapesOf(...standardFormats.map((f) => f.name)), rest));
      // Without its first or last bit a frame is evenly spaced and another length's parity may
      // hold.
      const inside = lost > 0 && lost < bits.length - 1;
      if (inside && read.some(isBits)) cards.push(`${format} ${lost}`);
    }
  }
  t.same(cards, []);
});

t.test("lost edges are counted, and a lost run of them too", async (t) => {
  const { edges } = new Wire().send(h10301);
  const decoder = new FrameDecoder({ shapes: shapesOf("H10301"), openedAt: edgeNs(0) });
  for (const edge of edges.filter((_, index) => index < 10 || index >= 17)) decoder.edge(edge);
  t.equal(decoder.lostEdgeCount, 7);
});

t.test("edges lost behind a shorter card make it no card once that is known", async (t) => {
  const { edges } = new Wire()
    .send(h10304)
    .wait(300 * ms)
    .send(h10301);
  // What is left of the long card has the length of the short one.
  const rest = edges.filter((_, index) => index < 52 || index >= 74);
  const read = outcomes(framesOf(shapesOf("H10301", "H10304"), rest, { deadlines: "at_end" }));
  t.same(read, ["length", "length"]);
});

t.test(
  "a frame broken in two by a pause never matches, whatever its halves look like",
  async (t) => {
    const names = ["H10301", "H10306", "CSN32"];
    const matched: string[] = [];
    for (const whole of [h10304, vectorOf("C1000-48").bits, csn56, vectorOf("CSN80").bits]) {
      for (let at = 1; at < whole.length; at += 1) {
        for (const pause of [4 * ms, 10 * ms, 50 * ms, 90 * ms]) {
          const wire = new Wire().send(whole.slice(0, at)).wait(pause - 50 * us);
          const { edges } = wire.send(whole.slice(at));
          for (const name of names) {
            const { bitCount } = formatNamed(name);
            // A first half that begins like a card is that card as far as anyone can tell.
            const first = at < bitCount ? [] : [whole.slice(0, bitCount)];
            const cards = outcomes(framesOf(shapesOf(name), edges)).filter(isBits);
            if (cards.some((card) => !first.includes(card))) matched.push(`${name} ${whole} ${at}`);
          }
        }
      }
    }
    t.same(matched, []);
    const valid = `01100101101${h10301}`;
    const { edges } = new Wire().send(valid, {
      interval: (bit) => (bit === 11 ? 20 * ms : 1 * ms),
    });
    t.same(outcomes(framesOf(shapesOf("H10301"), edges)), ["length", "spacing"]);
  },
);

t.test("a misread makes no reader deaf whose frames follow each other closely", async (t) => {
  const wire = new Wire().send(h10301.slice(0, 25));
  const afterMs: number[] = [];
  const brokenAt = wire.now;
  for (let count = 0; count < 8; count += 1) {
    wire.wait(10 * ms);
    afterMs.push((wire.now - brokenAt) / ms);
    wire.send(h10301);
  }
  const read = outcomes(framesOf(shapesOf("H10301"), wire.edges));
  const expected = afterMs.map((after) => (after < misreadQuietNs / ms ? "spacing" : h10301));
  t.same(read, ["length", ...expected]);
  t.match(read.slice(-4), [h10301, h10301, h10301, h10301]);
});

t.test("noise in the quiet after a misread prolongs it", async (t) => {
  const wire = new Wire()
    .send(h10301.slice(0, 25))
    .wait(80 * ms)
    .pulse(0, 50 * us)
    .wait(80 * ms);
  t.same(outcomes(framesOf(shapesOf("H10301"), wire.send(h10301).edges)), [
    ...["length", "spacing", "spacing"],
  ]);
});

t.test("one interval far out of line is a spacing fault", async (t) => {
  for (const { format, bits } of vectors) {
    for (const [odd, verdict] of [
      [2.2 * ms, "spacing"],
      [300 * us, "spacing"],
      [1.4 * ms, bits],
    ] as const) {
      const interval = (bit: number) => (bit === 9 ? odd : 1 * ms);
      const { edges } = new Wire().send(bits, { interval });
      t.same(outcomes(framesOf(shapesOf(format), edges)), [verdict], `${format} ${odd}`);
    }
  }
});

t.test("both lines low together are a cable fault and no bit", async (t) => {
  const wire = new Wire().send(h10301.slice(0, 12)).wait(950 * us);
  wire
    .edge(0, 0)
    .edge(1, 0)
    .wait(50 * us)
    .edge(0, 1)
    .edge(1, 1)
    .wait(950 * us);
  wire.send(h10301.slice(12));
  t.same(outcomes(framesOf(shapesOf("H10301"), wire.edges)), ["both_low"]);
  const idle = new Wire()
    .edge(0, 0)
    .edge(1, 0)
    .wait(50 * us)
    .edge(0, 1)
    .edge(1, 1);
  t.match(framesOf(shapesOf("H10301"), idle.edges), [{ verdict: "both_low" }]);
});

t.test("a pulse too short or too long makes its frame a glitch", async (t) => {
  for (const pulseNs of [3 * us, 700 * us]) {
    for (const bit of [0, 12, 25]) {
      const wire = new Wire();
      for (let index = 0; index < 26; index += 1) {
        const width = index === bit ? pulseNs : 50 * us;
        wire.pulse(h10301[index] === "1" ? 1 : 0, width).wait(1 * ms - width);
      }
      const read = outcomes(framesOf(shapesOf("H10301"), wire.edges));
      t.same(read, ["glitch"], `${pulseNs} ns at bit ${bit}`);
    }
  }
});

t.test("noise on an idle line is a glitch, and a card later reads", async (t) => {
  const wire = new Wire()
    .pulse(0, 2 * us)
    .wait(400 * ms)
    .send(h10301);
  t.same(outcomes(framesOf(shapesOf("H10301"), wire.edges)), ["glitch", h10301]);
});

t.test("a line stuck low is told once, spoils what comes, and heals", async (t) => {
  const wire = new Wire()
    .edge(0, 0)
    .wait(1_000 * ms)
    .send("1".repeat(26))
    .wait(400 * ms);
  wire
    .edge(0, 1)
    .wait(400 * ms)
    .send(h10301);
  const read = outcomes(framesOf(shapesOf("H10301"), wire.edges));
  t.same(read, ["glitch", "both_low", h10301]);
});

t.test("random cards with one bit flipped on the wire open nothing", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (const name of checkedNames) {
    const format = formatNamed(name);
    for (let count = 0; count < 200; count += 1) {
      const fields = Object.fromEntries(
        format.fields.map((field) => [field.name, random.between(0, 2 ** field.bitCount - 1)]),
      );
      const card = encodeCard(format, fields);
      const bits = card.ok ? card.value : "";
      const { edges } = new Wire().send(flipBit(bits, random.between(0, bits.length - 1)));
      const read = outcomes(framesOf(shapesOf(name), edges));
      if (read.join() !== "parity") t.fail(`${name} ${bits}: ${read.join()}`);
    }
  }
});
