import t from "tap";
import type { Level } from "../../../../../hal/gpio.ts";
import { EdgeOrder, type QueuedEdge } from "../../../../../hal/linux/gpio/edge-order.ts";
import { Seeded, seedFor } from "../../../../../hal/sim/seeded.ts";
import { edgeNs } from "../../../../../src/domain/time.ts";
import { framesOf, ms, outcomes, shapesOf, us, Wire } from "../../../protocols/wiegand/wire.ts";
import { queueOf, reportedOf } from "./late-kernel.ts";

const queued = (sequence: number, line: number, level: Level, atUs: number): QueuedEdge => ({
  sequence,
  line,
  level,
  at: edgeNs(atUs * us),
});

const rows = (edges: readonly QueuedEdge[]) =>
  edges.map(({ sequence, line, level, at }) => [sequence, line, level, at / us]);

/** What is reported of `edges` at `nowUs`, both lines having been high. */
function reported(edges: readonly QueuedEdge[], nowUs: number, lastSequence = 0) {
  const order = new EdgeOrder({ levels: [1, 1], since: edgeNs(0), lastSequence });
  const out: QueuedEdge[] = [];
  for (const edge of edges) order.add(edge);
  order.release(edgeNs(nowUs * us), (edge) => out.push(edge));
  return { rows: rows(out), isWaiting: order.isWaiting };
}

t.test("edges in order are reported at once", async (t) => {
  const edges = [queued(1, 0, 0, 10), queued(2, 0, 1, 60), queued(3, 1, 0, 210)];
  t.same(reported(edges, 220), { rows: rows(edges), isWaiting: false });
});

t.test("edges that two processors queued the wrong way round are turned back", async (t) => {
  const edges = [queued(1, 0, 0, 10), queued(2, 0, 1, 60), queued(3, 1, 0, 210)] as const;
  const shuffled = [edges[2], edges[0], edges[1]];
  t.same(reported(shuffled, 220), { rows: rows(edges), isWaiting: false });
});

t.test("an edge waits a millisecond for the one before it, and then says it is lost", async (t) => {
  const edges = [queued(1, 0, 0, 10), queued(2, 0, 1, 60), queued(5, 1, 0, 210)];
  const first = [
    [1, 0, 0, 10],
    [2, 0, 1, 60],
  ];
  t.same(reported(edges, 1_200), { rows: first, isWaiting: true });
  t.same(reported(edges, 1_210), { rows: [...first, [5, 1, 0, 210]], isWaiting: false });
});

t.test("a fall whose level was read after the rise is a fall all the same", async (t) => {
  const edges = [queued(1, 0, 1, 10), queued(2, 0, 1, 40)];
  t.same(reported(edges, 50).rows, [
    [1, 0, 0, 10],
    [2, 0, 1, 40],
  ]);
  t.same(reported(edges.slice(0, 1), 50), { rows: [], isWaiting: true }, "once that is certain");
});

t.test("two edges that the kernel queued as one are a pulse of the usual length", async (t) => {
  t.same(reported([queued(2, 1, 1, 100)], 1_100).rows, [
    [1, 1, 0, 50],
    [2, 1, 1, 100],
  ]);
  const merged = [queued(1, 1, 1, 100)];
  t.same(
    reported(merged, 1_100).rows,
    [
      [1, 1, 0, 50],
      [2, 1, 1, 100],
    ],
    "also where the chip made one interrupt of them",
  );
});

t.test("a pulse queued as one edge is not the fall of the next bit", async (t) => {
  const edges = [queued(1, 0, 1, 100), queued(2, 0, 0, 300), queued(3, 0, 1, 350)];
  t.same(reported(edges, 1_400).rows, [
    [1, 0, 0, 50],
    [2, 0, 1, 100],
    [3, 0, 0, 300],
    [4, 0, 1, 350],
  ]);
});

t.test("an edge that took the number of the next one of its line has the one before", async (t) => {
  const pulse = [
    [1, 0, 0, 10],
    [2, 0, 1, 60],
  ];
  const fallSaid = [queued(2, 0, 0, 10), queued(2, 0, 1, 60)];
  t.same(reported(fallSaid, 70), { rows: pulse, isWaiting: false });
  const riseSaid = [queued(2, 0, 1, 10), queued(2, 0, 1, 60)];
  t.same(reported(riseSaid, 70), { rows: pulse, isWaiting: false }, "also with its level");
  t.same(
    reported([queued(1, 0, 0, 10), queued(2, 0, 1, 60), queued(2, 0, 1, 90)], 100).rows,
    pulse,
    "but only where one is missing",
  );
});

t.test("stamps that two processors made at one moment do not go back", async (t) => {
  const edges = [queued(1, 0, 0, 100), queued(2, 1, 0, 99)];
  t.same(reported(edges, 110).rows, [
    [1, 0, 0, 100],
    [2, 1, 0, 100],
  ]);
});

t.test("where more is lost than can be known, the gap stays", async (t) => {
  t.same(reported([queued(3, 1, 1, 100)], 1_100).rows, [[3, 1, 1, 100]]);
  t.same(reported([queued(2, 1, 0, 100)], 1_100).rows, [[2, 1, 0, 100]], "or whose it was");
});

t.test("an edge that comes after its loss was said is not told again", async (t) => {
  const order = new EdgeOrder({ levels: [1, 1], since: edgeNs(0), lastSequence: 0 });
  const out: QueuedEdge[] = [];
  const release = (atUs: number) => order.release(edgeNs(atUs * us), (edge) => out.push(edge));
  order.add(queued(2, 1, 0, 100));
  release(1_200);
  order.add(queued(1, 0, 0, 50));
  release(1_300);
  order.add(queued(3, 0, 1, 1_400));
  release(1_450);
  t.same(rows(out), [
    [2, 1, 0, 100],
    [3, 0, 1, 1_400],
  ]);
});

t.test("what happened before there was a listener is not reported", async (t) => {
  const order = new EdgeOrder({ levels: [1, 1], since: edgeNs(100 * us), lastSequence: 7 });
  const out: QueuedEdge[] = [];
  for (const edge of [queued(8, 0, 0, 90), queued(9, 0, 1, 140)]) order.add(edge);
  order.release(edgeNs(150 * us), (edge) => out.push(edge));
  t.same(rows(out), [[1, 0, 1, 140]]);
});

t.test("the kernel's numbers go on after 2^32 of them", async (t) => {
  const edges = [queued(2 ** 32 - 1, 0, 0, 10), queued(0, 0, 1, 60), queued(1, 1, 0, 210)];
  t.same(reported(edges, 220, 2 ** 32 - 2), {
    rows: [
      [1, 0, 0, 10],
      [2, 0, 1, 60],
      [3, 1, 0, 210],
    ],
    isWaiting: false,
  });
});

/** H10301: even parity over the first half, odd over the second. */
function randomCard(random: Seeded): string {
  const halves = [random.bits(12), random.bits(12)] as const;
  const ones = (bits: string) => bits.replaceAll("0", "").length % 2;
  return `${ones(halves[0])}${halves.join("")}${1 - ones(halves[1])}`;
}

/** `count` cards at a random pace, and what is read of them. */
function play(random: Seeded, options: { readonly lateUsMax: number; readonly count: number }) {
  const wire = new Wire();
  const cards: string[] = [];
  for (let count = 0; count < options.count; count += 1) {
    const card = randomCard(random);
    cards.push(card);
    const intervalUs = random.pick([200, 500, 1_000, 2_000]);
    wire
      .wait(200 * ms)
      .send(card, { interval: intervalUs * us, pulseNs: random.between(20, 100) * us });
  }
  const lateNs = () => random.between(0, random.chance(0.2) ? options.lateUsMax * us : 10 * us);
  const wakeNs = () => random.between(0, random.chance(0.02) ? 30 * ms : 100 * us);
  const edges = reportedOf(queueOf(wire.edges, { lateNs, random }), { wakeNs });
  return { cards, edges, read: outcomes(framesOf(shapesOf("H10301"), edges)) };
}

t.test(
  "cards read right while the kernel's threads are late by up to a pulse or two",
  async (t) => {
    const seed = seedFor(process.env["SEED"]);
    t.comment(`SEED=${seed}`);
    const random = new Seeded(seed);
    const { cards, read } = play(random, { lateUsMax: 150, count: 300 });
    const right = read.filter((card) => cards.includes(card)).length;
    t.comment(`${right} of ${cards.length}`);
    t.ok(right >= 0.98 * cards.length, `${right} of ${cards.length}`);
  },
);

t.test("however late the kernel's threads are, no other card is read than was shown", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  for (const lateUsMax of [50, 200, 500, 1_000, 3_000, 10_000]) {
    const random = new Seeded(seed, `${lateUsMax}`);
    const { cards, edges, read } = play(random, { lateUsMax, count: 200 });
    const wrong = read.filter((card) => /^[01]+$/.test(card) && !cards.includes(card));
    t.comment(`${lateUsMax} us: ${read.filter((card) => cards.includes(card)).length}`);
    t.same(wrong, [], `up to ${lateUsMax} us`);
    const [stamps, numbers] = [edges.map(({ at }) => at), edges.map(({ sequence }) => sequence)];
    t.same(
      stamps,
      stamps.toSorted((one, other) => one - other),
      "stamps never go back",
    );
    t.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)));
  }
});
