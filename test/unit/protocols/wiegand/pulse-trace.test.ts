import t from "tap";
import { PulseTrace, tracedBitsMax } from "../../../../src/protocols/wiegand/pulse-trace.ts";
import { ms, us, Wire } from "./wire.ts";

const firstAt = 1_000 * ms;

function traced(trace: PulseTrace, wire: Wire): PulseTrace {
  for (const edge of wire.edges) trace.edge(edge);
  wire.edges.length = 0;
  return trace;
}

/** Bits at `spacingUs`, each pulled low for 50 us. */
function send(wire: Wire, bits: string, spacingUs: number): void {
  for (const bit of bits) {
    const line = bit === "0" ? 0 : 1;
    wire.edge(line, 0).wait(50 * us);
    wire.edge(line, 1).wait((spacingUs - 50) * us);
  }
}

t.test("the bits of a frame and how far apart they were are kept", async (t) => {
  const wire = new Wire(firstAt);
  const trace = new PulseTrace();
  send(wire, "0110", 1_000);
  t.same(traced(trace, wire).told(), { bits: "0110", spacingsUs: [1_000, 1_000, 1_000] });
});

t.test("what comes after a frame was told is its tail, until the lines were silent", async (t) => {
  const wire = new Wire(firstAt);
  const trace = new PulseTrace();
  send(wire, "01", 1_000);
  traced(trace, wire).told();
  send(wire, "1", 1_000);
  t.equal(traced(trace, wire).told().bits, "011");
  wire.wait(60 * ms);
  send(wire, "10", 2_000);
  t.same(traced(trace, wire).told(), { bits: "10", spacingsUs: [2_000] });
});

t.test("a cable that never rests fills no memory", async (t) => {
  const wire = new Wire(firstAt);
  const trace = new PulseTrace();
  send(wire, "01".repeat(5_000), 100);
  const { bits, spacingsUs } = traced(trace, wire).told();
  t.equal(bits.length, tracedBitsMax);
  t.equal(spacingsUs.length, tracedBitsMax - 1);
});
