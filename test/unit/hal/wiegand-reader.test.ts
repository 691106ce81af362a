import t from "tap";
import type { ReaderWiring } from "../../../hal/board-profile.ts";
import type { Alarm, Clock } from "../../../hal/clock.ts";
import type { Edge, Gpio, InputLines, InputRequest, Level, OutputLine } from "../../../hal/gpio.ts";
import { openWiegandReader } from "../../../hal/lines/wiegand-reader.ts";
import type { Key, ReaderReport } from "../../../hal/reader.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { edgeNs, epochMs, type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import { encodeKey } from "../../../src/protocols/keypad/key-burst.ts";
import { encodePinFrame } from "../../../src/protocols/keypad/pin-frame.ts";
import { standardFormats } from "../../../src/protocols/wiegand/format.ts";
import { ms, us, vectorOf, Wire } from "../protocols/wiegand/wire.ts";

/** A clock that stands until the test moves it; alarms fire as the event loop's timers would. */
class StandingClock implements Clock {
  nowNs = 1_000 * ms;
  armedCount = 0;
  readonly #armed = new Set<{ at: MonotonicMs; due: () => void }>();

  get waitingCount(): number {
    return this.#armed.size;
  }

  monotonic(): MonotonicMs {
    return monotonicMs(this.nowNs / 1e6);
  }

  wall() {
    return { at: epochMs(0), quality: "unknown" as const };
  }

  alarm(at: MonotonicMs, due: () => void): Alarm {
    const entry = { at, due };
    this.#armed.add(entry);
    this.armedCount += 1;
    return { cancel: () => this.#armed.delete(entry) };
  }

  fireDue(): void {
    for (const entry of [...this.#armed]) {
      if (entry.at > this.monotonic()) continue;
      this.#armed.delete(entry);
      entry.due();
    }
  }
}

/** Two lines in one request, as a kernel offers them; the test is the kernel. */
class TwoLines implements Gpio, InputLines {
  readonly requests: InputRequest[] = [];
  readonly levels: [Level, Level] = [1, 1];
  lines: readonly string[] = [];
  closed = false;
  listener: ((edge: Edge) => void) | undefined;

  openInputs(request: InputRequest): InputLines {
    this.requests.push(request);
    this.lines = request.lines;
    return this;
  }

  openOutput(): OutputLine {
    throw new Error("a reader drives nothing");
  }

  read(line: number): Level {
    return this.levels[line === 0 ? 0 : 1];
  }

  listen(listener: (edge: Edge) => void): void {
    this.listener = listener;
  }

  close(): void {
    this.closed = true;
  }
}

const wiring = (formats: readonly string[], keypad: ReaderWiring["keypad"]): ReaderWiring => ({
  id: readerId("front"),
  door: doorId("front"),
  d0: "D0",
  d1: "D1",
  formats,
  keypad,
});

/** Lets the event loop poll and run what was deferred to after the poll. */
const afterPoll = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

function openReader(formats: readonly string[], keypad: ReaderWiring["keypad"] = "none") {
  const clock = new StandingClock();
  const gpio = new TwoLines();
  const options = { gpio, clock, wiring: wiring(formats, keypad), formats: standardFormats };
  const reader = openWiegandReader(options);
  const reports: ReaderReport[] = [];
  reader.listen((report) => reports.push(report));
  const wire = new Wire(clock.nowNs + 100 * ms);
  let sent = 0;
  return {
    clock,
    gpio,
    reader,
    reports,
    wire,
    /** Hands over the edges that are new on the wire, each `lateNs` after it happened. */
    async deliver(lateNs: number = 30 * us) {
      for (const edge of wire.edges.slice(sent)) {
        clock.nowNs = Math.max(clock.nowNs, edge.at + lateNs);
        clock.fireDue();
        gpio.listener?.(edge);
        await afterPoll();
      }
      sent = wire.edges.length;
    },
    /** All new edges in one poll, at the time that the clock shows. */
    deliverAtOnce() {
      for (const edge of wire.edges.slice(sent)) gpio.listener?.(edge);
      sent = wire.edges.length;
    },
    async rest(ns: number) {
      const until = clock.nowNs + ns;
      while (clock.nowNs < until) {
        clock.nowNs = Math.min(until, clock.nowNs + 1 * ms);
        clock.fireDue();
        await afterPoll();
      }
      wire.now = Math.max(wire.now, clock.nowNs);
    },
  };
}

const h10301 = vectorOf("H10301").bits;
const csn56 = vectorOf("CSN56").bits;

t.test("a card is reported by its last edge, with no timer in between", async (t) => {
  const { clock, reports, wire, gpio } = openReader(["H10301"]);
  wire.send(h10301);
  for (const edge of wire.edges) {
    clock.nowNs = edge.at + 30 * us;
    gpio.listener?.(edge);
  }
  t.same(reports, [
    { kind: "card", raw: rawFromBits(h10301), format: "H10301", at: wire.edges.at(-1)?.at },
  ]);
  t.equal(clock.waitingCount, 0, "and nothing is waited for");
});

t.test(
  "both lines are asked for in one request, so their edges cannot change places",
  async (t) => {
    const { gpio } = openReader(["H10301"]);
    t.same(gpio.requests, [{ lines: ["D0", "D1"], bias: "pull_up", carries: "pulses" }]);
  },
);

t.test("a card without check bits is reported after the silence", async (t) => {
  const reader = openReader(["CSN32", "CSN56"]);
  reader.wire.send(csn56);
  await reader.deliver();
  t.same(reader.reports, []);
  await reader.rest(4 * ms);
  t.match(reader.reports, [{ kind: "card", raw: rawFromBits(csn56), format: "CSN56" }]);
});

t.test("one alarm at most is armed, and far fewer than one for each bit", async (t) => {
  const reader = openReader(["CSN56"]);
  reader.wire.send(csn56);
  let most = 0;
  for (const edge of reader.wire.edges) {
    reader.clock.nowNs = edge.at;
    reader.clock.fireDue();
    reader.gpio.listener?.(edge);
    most = Math.max(most, reader.clock.waitingCount);
    await afterPoll();
  }
  t.equal(most, 1);
  t.ok(reader.clock.armedCount <= 56 / 2, `${reader.clock.armedCount} alarms for 56 bits`);
});

for (const keypad of ["burst_4", "burst_8"] as const) {
  t.test(`every key of a ${keypad} keypad is reported, and cards beside them`, async (t) => {
    const reader = openReader(["H10301"], keypad);
    const keys: readonly Key[] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];
    for (const key of keys) {
      reader.wire.send(encodeKey(keypad, key));
      await reader.deliver();
      await reader.rest(60 * ms);
    }
    reader.wire.send(h10301);
    await reader.deliver();
    const seen = reader.reports.map((report) => (report.kind === "key" ? report.key : report.kind));
    t.same(seen, [...keys, "card"]);
  });
}

t.test("a key is told a few of its own intervals after its last bit", async (t) => {
  const reader = openReader(["H10301"], "burst_4");
  reader.wire.send(encodeKey("burst_4", "7"));
  await reader.deliver();
  await reader.rest(4 * ms);
  t.match(reader.reports, [{ kind: "key", key: "7" }]);
});

t.test("a keypad's PIN arrives whole, and its error marker is a misread", async (t) => {
  const reader = openReader(["H10306"], "pin_26");
  for (const digits of ["24681", "0042", "65535"]) {
    reader.wire.send(encodePinFrame(digits));
    await reader.deliver();
    await reader.rest(200 * ms);
  }
  t.match(reader.reports, [
    { kind: "pin", digits: "24681" },
    { kind: "pin", digits: "0042" },
    { kind: "misread", verdict: "entry_error", bitCount: 26 },
  ]);
});

t.test("a PIN and a card that nobody could tell apart are refused at opening", async (t) => {
  const gpio = new TwoLines();
  const clock = new StandingClock();
  const open = (formats: readonly string[], keypad: ReaderWiring["keypad"]) => () =>
    openWiegandReader({ gpio, clock, wiring: wiring(formats, keypad), formats: standardFormats });
  t.throws(open(["H10306", "H10301"], "pin_26"), {
    message: 'reader front: keypad "pin_26" sends PINs as 26 bits, as cards of format H10301 are',
  });
  t.throws(open(["H10399"], "none"), {
    message: 'reader front: no Wiegand format is named "H10399"',
  });
  t.throws(open([], "none"), { message: "reader front: at least one Wiegand format is needed" });
  t.same(gpio.requests, [], "and no line was opened");
});

t.test("edges that wait while the alarm fires are read before the frame is ended", async (t) => {
  const reader = openReader(["CSN32", "CSN56"]);
  reader.wire.send(csn56.slice(0, 32));
  await reader.deliver();
  // The process is held up: the timer is due, and the rest of the card waits in the kernel's queue.
  reader.wire.wait(950 * us).send(csn56.slice(32));
  reader.clock.nowNs = reader.wire.now + 80 * ms;
  reader.clock.fireDue();
  reader.deliverAtOnce();
  await afterPoll();
  t.same(reader.reports, []);
  await reader.rest(300 * ms);
  t.match(reader.reports, [{ kind: "card", raw: rawFromBits(csn56) }]);
});

t.test(
  "another reader's backlog between reading a card's bits and judging cuts no card",
  async (t) => {
    const { clock, reports, wire, gpio, rest } = openReader(["H10301", "H10304"]);
    wire.send(h10301);
    const middle = wire.edges.length / 2;
    const first = wire.edges.slice(0, middle);
    const handOver = (edges: typeof first) => {
      for (const edge of edges) gpio.listener?.(edge);
    };
    for (const edge of first) {
      clock.nowNs = edge.at;
      gpio.listener?.(edge);
    }
    // The timer is due just as the next bits are read, and then others have much to say.
    clock.nowNs += 4 * ms;
    clock.fireDue();
    const read = wire.edges.slice(middle).filter(({ at }) => at <= clock.nowNs);
    handOver(read);
    clock.nowNs += 60 * ms;
    await afterPoll();
    t.same(reports, [], "what came meanwhile has not been read");
    handOver(wire.edges.slice(middle + read.length));
    await rest(100 * ms);
    t.match(reports, [{ kind: "card", raw: rawFromBits(h10301) }]);
  },
);

t.test("edges that all come late are the same card", async (t) => {
  for (const lateNs of [5 * ms, 30 * ms, 180 * ms]) {
    const reader = openReader(["CSN32", "CSN56"]);
    reader.wire.send(csn56, { interval: 2 * ms });
    await reader.deliver(lateNs);
    await reader.rest(600 * ms);
    t.match(reader.reports, [{ kind: "card", raw: rawFromBits(csn56) }], `${lateNs} ns late`);
  }
});

t.test("a whole card in one late batch is a card, and two are two", async (t) => {
  const reader = openReader(["H10301", "H10304"]);
  reader.wire
    .send(h10301)
    .wait(300 * ms)
    .send(h10301);
  reader.clock.nowNs = reader.wire.now + 500 * ms;
  reader.deliverAtOnce();
  await reader.rest(1_000 * ms);
  t.match(reader.reports, [
    { kind: "card", raw: rawFromBits(h10301) },
    { kind: "card", raw: rawFromBits(h10301) },
  ]);
});

t.test("a line low at opening invents nothing, and the next card reads", async (t) => {
  const clock = new StandingClock();
  const gpio = new TwoLines();
  gpio.levels[0] = 0;
  const options = { gpio, clock, wiring: wiring(["H10301"], "none"), formats: standardFormats };
  const reports: ReaderReport[] = [];
  openWiegandReader(options).listen((report) => reports.push(report));
  const wire = new Wire(clock.nowNs + 20 * us)
    .edge(0, 1)
    .wait(200 * ms)
    .send(h10301);
  for (const edge of wire.edges) gpio.listener?.(edge);
  t.match(reports, [{ kind: "card", raw: rawFromBits(h10301) }]);
});

t.test("health counts cards, misreads by verdict, extra bits and lost edges", async (t) => {
  const reader = openReader(["H10301"]);
  const { wire } = reader;
  wire
    .send(h10301)
    .wait(300 * ms)
    .send("1".repeat(26))
    .wait(300 * ms)
    .send("101");
  wire.wait(300 * ms).send(`${h10301}10`);
  await reader.deliver();
  await reader.rest(300 * ms);
  const at = edgeNs(reader.clock.nowNs);
  reader.gpio.listener?.({ line: 0, level: 0, at, sequence: 1_000 });
  await reader.rest(300 * ms);
  t.match(reader.reader.health(), {
    frameCount: 2,
    misreadCounts: { parity: 1, length: 3 },
    extraBitCount: 2,
    lostEdgeCount: 1_000 - wire.edges.length - 1,
  });
});

t.test("after close nothing is reported and nothing is armed", async (t) => {
  const reader = openReader(["CSN32"]);
  reader.wire.send(vectorOf("CSN32").bits);
  await reader.deliver();
  reader.clock.nowNs += 100 * ms;
  reader.clock.fireDue();
  reader.reader.close();
  reader.reader.close();
  await afterPoll();
  reader.wire.wait(300 * ms).send(h10301);
  await reader.deliver();
  t.same(reader.reports, []);
  t.equal(reader.clock.waitingCount, 0);
  t.equal(reader.gpio.closed, true);
});

t.test("a second listener is refused", async (t) => {
  const { reader } = openReader(["H10301"]);
  t.throws(() => reader.listen(() => undefined));
});
