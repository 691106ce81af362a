import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { edgeNs } from "../../src/domain/time.ts";
import { keypadShape } from "../../src/protocols/keypad/keypad-shape.ts";
import { standardFormats } from "../../src/protocols/wiegand/format.ts";
import {
  type Frame,
  type FrameShape,
  longIntervalRatio,
  misreadQuietNs,
  pulseNsMax,
  pulseNsMin,
  type WiegandEdge,
} from "../../src/protocols/wiegand/frame-decoder.ts";
import { framesOf, ms, shapesOf, us, vectors, Wire } from "../unit/protocols/wiegand/wire.ts";

const runCount = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const seed = seedFor(process.env["FUZZ_SEED"]);
t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runCount}`);

const formatNames = standardFormats.map((format) => format.name);

function someShapes(random: Seeded): readonly FrameShape[] {
  const names = formatNames.filter(() => random.chance(0.3));
  const shapes: FrameShape[] = shapesOf(...(names.length > 0 ? names : ["H10301"]));
  if (random.chance(0.4)) shapes.push(keypadShape(random.pick(["burst_4", "burst_8"])));
  return shapes;
}

/**
 * What is wrong with a frame that was called whole, judged from the edges alone: its bits must be
 * the last pulses before it, each whole, evenly spaced, numbered without a gap, after a silence.
 */
function fault(frame: Frame<FrameShape>, edges: readonly WiegandEdge[]): string | undefined {
  if (frame.verdict !== "ok") return undefined;
  const end = edges.findIndex((edge) => edge.at === frame.at && edge.level === 1) + 1;
  const own = edges.slice(end - 2 * frame.bits.length, end);
  if (own.length !== 2 * frame.bits.length) return "more bits than pulses";
  const intervals: number[] = [];
  for (const [index, edge] of own.entries()) {
    const previous = own[index - 1];
    if (previous !== undefined && edge.sequence !== previous.sequence + 1)
      return "an edge was lost";
    if (edge.level !== index % 2) return "not one pulse after another";
    if (String(edge.line) !== frame.bits[index >> 1]) return "other bits than on the wire";
    const width = edge.at - (previous?.at ?? edge.at);
    if (index % 2 === 1 && previous?.line !== edge.line) return "a pulse on two lines";
    if (index % 2 === 1 && (width < pulseNsMin || width > pulseNsMax)) return "a glitch";
    const fall = own[index - 2];
    if (index % 2 === 0 && fall !== undefined) intervals.push(edge.at - fall.at);
  }
  const longest = Math.max(...intervals);
  if (longest > 3 * Math.min(...intervals) * longIntervalRatio) return "uneven";
  const before = edges[end - 2 * frame.bits.length - 1];
  const first = own[0];
  if (before === undefined || first === undefined) return undefined;
  if (first.sequence !== before.sequence + 1) return "an edge was lost before it";
  if (first.at - before.at < longest) return "it is the end of something longer";
  return frame.shape.accepts(frame.bits) ? undefined : "its check bits are wrong";
}

function anyEdges(random: Seeded): readonly WiegandEdge[] {
  const edges: WiegandEdge[] = [];
  let at = 1_000 * ms;
  let sequence = 0;
  for (let count = random.between(0, 300); count > 0; count -= 1) {
    at += random.pick([0, 50 * us, 50 * us, 950 * us, 950 * us, random.between(0, 60 * ms)]);
    sequence += random.chance(0.98) ? 1 : random.between(2, 9);
    edges.push({ line: random.pick([0, 1]), level: random.pick([0, 1]), at: edgeNs(at), sequence });
  }
  return edges;
}

/** Published frames and parts of them, strewn with edges that are taken out, put in or moved. */
function nearlyPulses(random: Seeded): readonly WiegandEdge[] {
  const wire = new Wire();
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const { bits } = random.pick(vectors);
    wire.send(random.chance(0.7) ? bits : random.bits(random.between(1, 90)));
    wire.wait(random.between(0, random.pick([2, 10, 300])) * ms);
  }
  const edges = wire.edges.filter(() => !random.chance(0.003));
  const last = edges.at(-1);
  if (last === undefined || random.chance(0.5)) return edges;
  const at = random.between(0, edges.length - 1);
  const edge = edges[at] ?? last;
  const [line, level] = [random.pick([0, 1]), random.pick([0, 1])] as const;
  edges.splice(at, random.pick([0, 1]), { ...edge, line, level });
  return edges.map((moved, index) => ({ ...moved, sequence: index + 1 }));
}

t.test("arbitrary edges never throw and never make a frame that was not on the wire", async (t) => {
  const random = new Seeded(seed);
  let cardCount = 0;
  for (let run = 0; run < runCount; run += 1) {
    const edges = random.chance(0.5) ? anyEdges(random) : nearlyPulses(random);
    for (const frame of framesOf(someShapes(random), edges)) {
      if (frame.verdict === "ok") cardCount += 1;
      const wrong = fault(frame, edges);
      if (wrong !== undefined) t.fail(`FUZZ_SEED=${seed} run ${run}: ${wrong}`);
    }
  }
  t.ok(cardCount > runCount / 100, `${cardCount} whole frames were among them`);
});

/** One presentation with at most one thing wrong with it; true when nothing is. */
function present(wire: Wire, bits: string, random: Seeded): boolean {
  const pace = random.between(200 * us, 20 * ms);
  const jitter = () => random.between(Math.round(pace * 0.9), Math.round(pace * 1.1));
  const at = random.between(1, bits.length - 1);
  switch (random.between(0, 7)) {
    case 0: {
      const pause = (bit: number) => (bit === at ? Math.round(pace * 2.2) : pace);
      wire.send(bits, { interval: pause });
      return false;
    }
    case 1:
      wire.send(bits.slice(0, at), { interval: jitter }).wait(60 * us);
      wire
        .edge(0, 0)
        .edge(1, 0)
        .wait(50 * us)
        .edge(1, 1)
        .edge(0, 1);
      wire.wait(pace).send(bits.slice(at), { interval: jitter });
      return false;
    case 2:
      wire.send(bits.slice(0, at), { interval: jitter }).wait(60 * us);
      wire.pulse(random.pick([0, 1]), random.between(1, 9) * us);
      wire.wait(60 * us).send(bits.slice(at), { interval: jitter });
      return false;
    case 3: {
      wire.send(bits, { interval: jitter });
      // The kernel numbered an edge that nobody will see.
      const lost = wire.edges.length - random.between(2, bits.length * 2);
      wire.edges.splice(lost, 1);
      return false;
    }
    default:
      wire.send(bits, { interval: jitter });
      return true;
  }
}

t.test("a day at a reader: whole cards read, broken ones never do", async (t) => {
  const random = new Seeded(seed);
  for (let run = 0; run < runCount; run += 1) {
    const { format, bits } = random.pick(vectors);
    const wire = new Wire();
    const expected: string[] = [];
    // Numbers must go on after a lost edge as the kernel's do.
    const edges: WiegandEdge[] = [];
    let sequence = 0;
    for (let count = 0; count < 5; count += 1) {
      const one = new Wire(wire.now);
      const whole = present(one, bits, random);
      edges.push(...one.edges.map((edge) => ({ ...edge, sequence: sequence + edge.sequence })));
      sequence += one.edges.length + (one.edges.at(-1)?.sequence ?? 0);
      if (whole) expected.push(bits);
      wire.now = one.now + misreadQuietNs + random.between(60, 500) * ms;
      // The gap between two presentations' numbers stands for nothing lost here.
      sequence = edges.at(-1)?.sequence ?? 0;
    }
    // Read late, a lost edge may as well have been the end of the card before: that is no card
    // then.
    const complete = edges.every((edge, index) => edge.sequence === index + 1);
    const deadlines = complete ? random.pick(["prompt", "at_end"]) : "prompt";
    const frames = framesOf(shapesOf(format), edges, { deadlines });
    const cards = frames.flatMap((frame) => (frame.verdict === "ok" ? [frame.bits] : []));
    if (cards.join() !== expected.join()) {
      t.fail(`FUZZ_SEED=${seed} run ${run}: ${format} read ${cards.length} of ${expected.length}`);
    }
  }
});
