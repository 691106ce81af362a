import { readFileSync } from "node:fs";
import { edgeNs } from "../../../../src/domain/time.ts";
import { cardShape } from "../../../../src/protocols/wiegand/card-shape.ts";
import { standardFormats, type WiegandFormat } from "../../../../src/protocols/wiegand/format.ts";
import {
  type Frame,
  FrameDecoder,
  type FrameShape,
  type WiegandEdge,
} from "../../../../src/protocols/wiegand/frame-decoder.ts";

export const us = 1_000;
export const ms = 1_000_000;

/** A published frame, from outside this project: see `source`. */
export interface Vector {
  readonly format: string;
  readonly fields: Readonly<Record<string, number | string>>;
  readonly bits: string;
  readonly source: string;
}

export const vectors: readonly [Vector, ...Vector[]] = JSON.parse(
  readFileSync(new URL("../../../vectors/wiegand.json", import.meta.url), "utf8"),
);

export function formatNamed(name: string): WiegandFormat {
  const format = standardFormats.find((candidate) => candidate.name === name);
  if (format === undefined) throw new Error(`no format ${name}`);
  return format;
}

export function vectorOf(name: string): Vector {
  const vector = vectors.find((candidate) => candidate.format === name);
  if (vector === undefined) throw new Error(`no vector of ${name}`);
  return vector;
}

export const shapesOf = (...names: readonly string[]) =>
  names.map((name) => cardShape(formatNamed(name)));

export function flipBit(bits: string, bit: number): string {
  return bits.slice(0, bit) + (bits[bit] === "1" ? "0" : "1") + bits.slice(bit + 1);
}

/** Two lines as a reader drives them and as a kernel stamps and numbers their edges. */
export class Wire {
  readonly edges: WiegandEdge[] = [];
  now: number;

  constructor(startNs: number = 1_000 * ms) {
    this.now = startNs;
  }

  wait(ns: number): this {
    this.now += ns;
    return this;
  }

  edge(line: 0 | 1, level: 0 | 1): this {
    const sequence = (this.edges.at(-1)?.sequence ?? 0) + 1;
    this.edges.push({ line, level, at: edgeNs(this.now), sequence });
    return this;
  }

  pulse(line: 0 | 1, pulseNs: number = 50 * us): this {
    return this.edge(line, 0).wait(pulseNs).edge(line, 1);
  }

  /**
   * Ends with the last pulse's rising edge. `interval` is from fall to fall, or one for each bit.
   */
  send(
    bits: string,
    options: { interval?: number | ((bit: number) => number); pulseNs?: number } = {},
  ): this {
    const { interval = 1 * ms, pulseNs = 50 * us } = options;
    for (let bit = 0; bit < bits.length; bit += 1) {
      if (bit > 0) this.wait((typeof interval === "number" ? interval : interval(bit)) - pulseNs);
      this.pulse(bits[bit] === "1" ? 1 : 0, pulseNs);
    }
    return this;
  }
}

/** Numbered anew, as if what is not there had never been on the wire. */
export function renumber(edges: readonly WiegandEdge[]): readonly WiegandEdge[] {
  return edges.map((edge, index) => ({ ...edge, sequence: index + 1 }));
}

/**
 * All frames of `edges`. `deadlines`: fed as soon as they are due, or not before the very end,
 * which is what a process does that was held up.
 */
export function framesOf<Shape extends FrameShape>(
  shapes: readonly Shape[],
  edges: readonly WiegandEdge[],
  options: { deadlines?: "prompt" | "at_end"; openedAt?: number } = {},
): readonly Frame<Shape>[] {
  const { deadlines = "prompt", openedAt = 0 } = options;
  const decoder = new FrameDecoder({ shapes, openedAt: edgeNs(openedAt) });
  const frames: Frame<Shape>[] = [];
  const keep = (frame: Frame<Shape> | undefined) => {
    if (frame !== undefined) frames.push(frame);
  };
  for (const edge of edges) {
    const deadline = decoder.deadline();
    if (deadlines === "prompt" && deadline !== undefined && deadline <= edge.at) {
      keep(decoder.deadlineReached(deadline));
    }
    keep(decoder.edge(edge));
  }
  const deadline = decoder.deadline();
  if (deadline !== undefined) keep(decoder.deadlineReached(deadline));
  return frames;
}

/** What the tests compare: the bits of a card, or how it was misread. */
export const outcomes = (frames: readonly Frame<FrameShape>[]): readonly string[] =>
  frames.map((frame) => (frame.verdict === "ok" ? frame.bits : frame.verdict));
