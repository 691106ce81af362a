import t from "tap";
import type { Edge } from "../../../hal/gpio.ts";
import { type FaultSettings, lateMsMax, parseFaultSettings } from "../../../hal/sim/faults.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { plannedPullsMax, queuedEdgesMax, SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { edgeNs } from "../../../src/domain/time.ts";

const ms = 1_000_000;

function openLines() {
  const clock = new SimClock({ monotonicAt: 0 });
  const gpio = new SimGpio({ clock, lines: ["a", "b", "c"] });
  for (const line of gpio.lines) gpio.pull(line, 1);
  const lines = gpio.openInputs({ lines: ["a", "b"], bias: "pull_up" });
  const edges: Edge[] = [];
  const handedOverAt: number[] = [];
  lines.listen((edge) => {
    edges.push(edge);
    handedOverAt.push(clock.monotonic());
  });
  return { clock, gpio, lines, edges, handedOverAt };
}

/** `count` pulses of 50 us, one each millisecond from 10 ms on, on `a` and `b` by turns. */
const pulses = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const line = index % 2 === 0 ? "a" : "b";
    const at = (10 + index) * ms;
    return [
      { line, pull: 0, at: edgeNs(at) },
      { line, pull: 1, at: edgeNs(at + 50_000) },
    ] as const;
  }).flat();

t.test("edges keep their ideal stamps when the process was held up", async (t) => {
  const { clock, gpio, edges, handedOverAt } = openLines();
  gpio.plan(pulses(26));
  clock.advance(12.01);
  t.equal(edges.length, 5, "an edge is handed over when its time comes, and not before");
  clock.stall(100);
  clock.advance(1);
  t.same(
    edges.map((edge) => edge.at),
    pulses(26).map((pull) => pull.at),
  );
  t.equal(handedOverAt.at(-1), 112.01);
  t.equal(clock.alarmCount, 0, "nothing runs while nothing is planned");
});

t.test("what is planned for the past happens now, with its spacing kept", async (t) => {
  const { clock, gpio, edges } = openLines();
  clock.advance(500);
  const lastAt = gpio.plan(pulses(3));
  t.equal(lastAt, 502 * ms + 50_000);
  clock.advance(10);
  t.same(
    edges.map((edge) => edge.at - 490 * ms),
    pulses(3).map((pull) => pull.at),
  );
});

t.test("plans that interleave come out in the order of their instants", async (t) => {
  const { clock, gpio, edges } = openLines();
  const all = pulses(20);
  gpio.plan(all.filter((pull) => pull.line === "b"));
  gpio.plan(all.filter((pull) => pull.line === "a"));
  clock.advance(100);
  t.same(
    edges.map((edge) => edge.at),
    all.map((pull) => pull.at),
  );
});

t.test("a plan tells when its last pull is on the line and handed over", async (t) => {
  const { clock, gpio, edges } = openLines();
  let toldAfter: number | undefined;
  gpio.plan(pulses(4), () => {
    toldAfter = edges.length;
  });
  clock.advance(13.04);
  t.equal(toldAfter, undefined);
  clock.advance(0.02);
  t.equal(toldAfter, 8);
});

t.test("a lost edge leaves a gap in the numbers and nothing else", async (t) => {
  const { clock, gpio, edges } = openLines();
  gpio.setFaults({ seed: 3, board: {}, lines: { a: { lostEdge: 0.5 } } });
  gpio.plan(pulses(40));
  clock.advance(100);
  const lost = gpio.faults.counts().lostEdge;
  t.ok(lost > 5 && lost < 35, `${lost} of 40`);
  t.equal(edges.length, 80 - lost);
  t.equal(edges.at(-1)?.sequence, 80, "each lost edge has used up a number");
  t.equal(edges.filter((edge) => edge.line === 1).length, 40, "the other line lost none");
});

t.test("late callbacks come late, in order, with right stamps", async (t) => {
  const { clock, gpio, edges, handedOverAt } = openLines();
  gpio.setFaults({ seed: 4, board: { lateCallback: 0.1 }, lines: {} });
  gpio.plan(pulses(40));
  clock.advance(200);
  t.same(
    edges.map((edge) => edge.at),
    pulses(40).map((pull) => pull.at),
  );
  t.same(
    edges.map((edge) => edge.sequence),
    edges.map((_edge, index) => index + 1),
  );
  const late = edges.map((edge, index) => (handedOverAt[index] ?? 0) - edge.at / ms);
  t.ok(late.some((by) => by > 4));
  t.ok(late.every((by) => by >= -1e-6 && by <= lateMsMax + 1));
});

t.test("a stuck line makes one edge when it sticks and one when it is mended", async (t) => {
  const { clock, gpio, edges, lines } = openLines();
  gpio.setFaults({ seed: 0, board: {}, lines: { a: { stuck: 0 } } });
  gpio.plan(pulses(6));
  clock.advance(50);
  t.same(
    edges.filter((edge) => edge.line === 0).map((edge) => edge.level),
    [0],
  );
  t.equal(edges.filter((edge) => edge.line === 1).length, 6);
  t.equal(lines.read(0), 0);
  gpio.setFaults({ seed: 0, board: {}, lines: {} });
  clock.advance(1);
  t.equal(edges.at(-1)?.level, 1);
  t.equal(lines.read(0), 1);
});

t.test("a stuck output stays where it is, whatever is driven", async (t) => {
  const { gpio } = openLines();
  const output = gpio.openOutput({ line: "c", initial: 0 });
  gpio.setFaults({ seed: 0, board: {}, lines: { c: { stuck: 0 } } });
  output.drive(1);
  t.equal(output.driven(), 1);
  t.equal(gpio.levelOf("c"), 0);
});

t.test("the seed replays every fault, and another seed does not", async (t) => {
  const run = (seed: number, stallMs: number) => {
    const { clock, gpio, edges } = openLines();
    gpio.setFaults({ seed, board: { lostEdge: 0.2, lateCallback: 0.1 }, lines: {} });
    for (let count = 0; count < 5; count += 1) {
      gpio.plan(pulses(26).map((pull) => ({ ...pull, at: edgeNs(pull.at + count * 100 * ms) })));
      clock.stall(stallMs);
      clock.advance(100 - stallMs);
    }
    clock.advance(500);
    return edges.map((edge) => `${edge.line}${edge.level} ${edge.at} ${edge.sequence}`);
  };
  t.same(run(7, 0), run(7, 0));
  t.same(run(7, 0), run(7, 55), "how busy the process is does not matter");
  t.notSame(run(7, 0), run(8, 0));
});

t.test("faults of one line do not move those of another", async (t) => {
  const run = (acts: readonly ("a" | "b")[]) => {
    const { clock, gpio, edges } = openLines();
    gpio.setFaults({ seed: 9, board: { lostEdge: 0.5 }, lines: {} });
    gpio.plan(pulses(60).filter((pull) => acts.includes(pull.line)));
    clock.advance(200);
    return edges.filter((edge) => edge.line === 0).map((edge) => edge.at);
  };
  t.same(run(["a"]), run(["a", "b"]));
});

t.test("a queue that nobody empties loses its oldest edges and shows it", async (t) => {
  const { clock, gpio, lines, edges } = openLines();
  // Held back by one late edge in front, as by a process that does not get round to reading.
  gpio.setFaults({ seed: 1, board: {}, lines: { a: { lateCallback: 1 } } });
  gpio.plan([{ line: "a", pull: 0, at: edgeNs(0) }]);
  gpio.setFaults({ seed: 1, board: {}, lines: {} });
  for (let count = 0; count < queuedEdgesMax + 9; count += 1) {
    gpio.pull("b", count % 2 === 0 ? 0 : 1);
  }
  clock.advance(100);
  t.equal(edges.length, queuedEdgesMax);
  t.equal(edges[0]?.sequence, 11, "the late one and the nine after it are gone");
  t.equal(lines.read(1), 0);
});

t.test("a plan beyond any sense is refused", async (t) => {
  const { gpio } = openLines();
  const many = Array.from({ length: plannedPullsMax + 1 }, () => ({
    line: "a",
    pull: 0 as const,
    at: edgeNs(1),
  }));
  t.throws(() => gpio.plan(many));
});

t.test("a listener may close its own lines, and hears no more", async (t) => {
  const clock = new SimClock();
  const gpio = new SimGpio({ clock, lines: ["a"] });
  gpio.pull("a", 1);
  const lines = gpio.openInputs({ lines: ["a"], bias: "pull_up" });
  let heard = 0;
  lines.listen(() => {
    heard += 1;
    lines.close();
  });
  gpio.plan(pulses(4).filter((pull) => pull.line === "a"));
  clock.stall(100);
  clock.advance(1);
  t.equal(heard, 1);
});

t.test("a chip that is gone throws at reading and at driving", async (t) => {
  const { gpio, lines } = openLines();
  const output = gpio.openOutput({ line: "c", initial: 0 });
  gpio.setConnection("a", "disconnected");
  gpio.setConnection("c", "disconnected");
  t.throws(() => lines.read(0), /chip is gone/);
  t.throws(() => output.drive(1), /chip is gone/);
  t.equal(output.driven(), 0);
  t.throws(() => output.close(), /chip is gone/);
  output.close();
});

t.test("fault settings from outside are checked, each by its field", async (t) => {
  const lines = ["a", "b"];
  const settings: FaultSettings = { seed: 1, board: { glitch: 1 }, lines: { a: { stuck: 0 } } };
  t.same(parseFaultSettings(settings, lines), { ok: true, value: settings });
  t.same(parseFaultSettings({ seed: 1 }, lines), {
    ok: true,
    value: { seed: 1, board: {}, lines: {} },
  });
  const bad = [
    [{}, "seed"],
    [{ seed: -1 }, "seed"],
    [{ seed: 1.5 }, "seed"],
    [{ seed: 1, rates: {} }, "rates"],
    [{ seed: 1, board: { glitch: 2 } }, "board.glitch"],
    [{ seed: 1, board: { glitch: "1" } }, "board.glitch"],
    [{ seed: 1, board: { stuck: 1 } }, "board.stuck"],
    [{ seed: 1, lines: { a: { stuck: 2 } } }, "lines.a.stuck"],
    [{ seed: 1, lines: { c: { stuck: 0 } } }, "lines.c"],
    [{ seed: 1, lines: { a: 5 } }, "lines.a"],
    [null, "body"],
  ] as const;
  for (const [value, field] of bad) {
    t.match(parseFaultSettings(value, lines), { ok: false, fault: { field } }, field);
  }
});
