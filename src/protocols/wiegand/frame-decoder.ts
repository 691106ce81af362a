import { type EdgeNs, edgeNs } from "../../domain/time.ts";

/**
 * What became of a run of pulses. `ok`: one configured shape, whole. `length`: no shape has this
 * many bits, or bits may be missing. `parity`: the length fits, the check bits do not. `spacing`:
 * an interval far out of line, or whatever came too soon after a misread. `both_low`: D0 and D1
 * low together, which is a cable and not a bit. `glitch`: a pulse too short, too long or without
 * an edge.
 */
export type WiegandVerdict = "ok" | "parity" | "length" | "spacing" | "both_low" | "glitch";
export type Misread = Exclude<WiegandVerdict, "ok">;

/** A kind of frame that a reader may send: a card format, or a burst of its keypad. */
export interface FrameShape {
  readonly bitCount: number;
  /**
   * Do bits of it check others? Without, only silence tells a whole frame from a cut longer one.
   */
  readonly checked: boolean;
  /** `bits` is of this length: `0` and `1`, first bit on the wire first. */
  accepts(bits: string): boolean;
}

/** `at` is the frame's last edge. */
export type Frame<Shape> =
  | { readonly verdict: "ok"; readonly shape: Shape; readonly bits: string; readonly at: EdgeNs }
  | { readonly verdict: Misread; readonly bitCount: number; readonly at: EdgeNs };

/** One edge on D0 (line 0) or D1 (line 1), as the kernel stamped and numbered it. */
export interface WiegandEdge {
  readonly line: number;
  readonly level: 0 | 1;
  readonly at: EdgeNs;
  readonly sequence: number;
}

/**
 * SIA AC-01 says 20-100 us; cables and interrupt latency blur both ends by the time we see them.
 */
export const pulseNsMin = 10_000;
export const pulseNsMax = 500_000;

/** Silence that ends a frame: this multiple of its longest interval, within the two bounds. */
export const gapIntervals = 3;
export const gapNsMin = 3_000_000;
/** Two and a half of the longest interval in the field, 20 ms; also what a lone bit waits. */
export const gapNsMax = 50_000_000;

/** A lost bit doubles an interval, so the limit lies below 2 and above what readers jitter. */
export const longIntervalRatio = 1.75;
export const shortIntervalRatio = 0.4;

/**
 * After a misread nothing is a card for this long: the rest of a broken frame is none. What comes
 * within it and is no whole frame is more of the same, and it begins anew; a whole frame only falls
 * victim to it. Were it to begin anew there too, frames that follow each other at less than this
 * would never be read again.
 */
export const misreadQuietNs = 100_000_000;

/**
 * Turns the edges of one reader's two lines into frames. Deterministic: stamps decide everything,
 * so edges that are handed over late or in a batch give the same frames. It holds no timer: the
 * caller feeds `deadlineReached` at or after `deadline()`, and only once no older edge waits to be
 * read.
 *
 * A bit counts at its rising edge, not at its falling one: only then is its length known, and a
 * pulse of the wrong length must never complete a card. That costs one pulse, 20-100 us.
 *
 * A frame that fills the longest configured shape is decided at that bit if the shape is checked.
 * Shapes without check bits (serial numbers) wait for the silence: deciding at bit 32 of a 7-byte
 * serial number would cut it to 4 bytes, and many different cards would be one.
 */
export class FrameDecoder<Shape extends FrameShape> {
  readonly #shapes: readonly Shape[];
  readonly #longest: number;
  readonly #bits: Uint8Array;
  readonly #intervals: Float64Array;

  /** When each line fell, while it is low. */
  readonly #lowSince: [EdgeNs | undefined, EdgeNs | undefined];
  #nextSequence: number | undefined;

  /** Bits that fell before this were not seen: a first frame too soon after it may lack some. */
  #watchedFrom: EdgeNs;
  #quietUntil: EdgeNs;

  #active = false;
  /** It began in the quiet after a misread: whatever it looks like, it is no card. */
  #isTooSoon = false;
  #fault: Misread | undefined;
  /** The verdict that was given before the silence. What comes until then is the frame's tail. */
  #decided: WiegandVerdict | undefined;
  #bitCount = 0;
  #tailBitCount = 0;
  #intervalCount = 0;
  #longestInterval = 0;
  #firstFallAt: EdgeNs;
  #lastFallAt: EdgeNs;
  #lastEdgeAt: EdgeNs;

  #extraBitCount = 0;
  #lostEdgeCount = 0;

  /** `shapes`: where two of one length both accept the bits, the first wins. At least one. */
  constructor(options: {
    readonly shapes: readonly Shape[];
    readonly openedAt: EdgeNs;
    /** A line that is low already: that pulse began unseen and is no bit. */
    readonly lowAtOpening?: readonly [d0: boolean, d1: boolean];
  }) {
    const { shapes, openedAt, lowAtOpening = [false, false] } = options;
    this.#shapes = shapes;
    this.#longest = Math.max(...shapes.map((shape) => shape.bitCount));
    this.#bits = new Uint8Array(this.#longest);
    this.#intervals = new Float64Array(this.#longest);
    this.#lowSince = [
      lowAtOpening[0] ? openedAt : undefined,
      lowAtOpening[1] ? openedAt : undefined,
    ];
    this.#watchedFrom = openedAt;
    this.#quietUntil = openedAt;
    this.#firstFallAt = openedAt;
    this.#lastFallAt = openedAt;
    this.#lastEdgeAt = openedAt;
  }

  /** Bits that came after their frame had been decided. */
  get extraBitCount(): number {
    return this.#extraBitCount;
  }

  get lostEdgeCount(): number {
    return this.#lostEdgeCount;
  }

  /** When silence will have ended the frame, or undefined while there is nothing to say then. */
  deadline(): EdgeNs | undefined {
    if (!this.#active) return undefined;
    const [d0, d1] = this.#lowSince;
    const resting = d0 === undefined && d1 === undefined;
    const said = this.#decided !== undefined && this.#tailVerdict() === undefined;
    return said && resting ? undefined : this.#endsAt();
  }

  /** Harmless when early or late. */
  deadlineReached(now: EdgeNs): Frame<Shape> | undefined {
    return this.#active && now >= this.#endsAt() ? this.#end() : undefined;
  }

  /** Returns the frame that this edge completed, or that the silence before this edge ended. */
  edge(edge: WiegandEdge): Frame<Shape> | undefined {
    const { line, level, at, sequence } = edge;
    const lost = this.#nextSequence !== undefined && sequence !== this.#nextSequence;
    if (lost) {
      this.#lostEdgeCount += Math.max(0, sequence - (this.#nextSequence ?? sequence));
      // They may have been the end of the frame so far as well as the beginning of the next.
      if (this.#active) this.#disturb("length");
    }
    this.#nextSequence = sequence + 1;
    const ended = this.deadlineReached(at);
    if (lost) {
      this.#begin(at);
      this.#disturb("length");
      this.#lowSince[0] = undefined;
      this.#lowSince[1] = undefined;
    }
    const own = line === 0 ? 0 : 1;
    const completed = level === 0 ? this.#fall(own, at) : this.#rise(own, at);
    this.#lastEdgeAt = at;
    return ended ?? completed;
  }

  #fall(line: 0 | 1, at: EdgeNs): undefined {
    const begun = this.#begin(at);
    if (this.#lowSince[line] !== undefined) this.#disturb("glitch");
    if (this.#lowSince[line === 0 ? 1 : 0] !== undefined) this.#disturb("both_low");
    if (!begun) this.#addInterval(at);
    this.#lastFallAt = at;
    this.#lowSince[line] = at;
  }

  #rise(line: 0 | 1, at: EdgeNs): Frame<Shape> | undefined {
    const fellAt = this.#lowSince[line];
    this.#lowSince[line] = undefined;
    if (fellAt === undefined) {
      this.#begin(at);
      this.#disturb("glitch");
      return undefined;
    }
    if (!this.#active) {
      // A line that was low at opening, or stuck and reported. What comes next may be mid-frame.
      this.#watchedFrom = at;
      return undefined;
    }
    const width = at - fellAt;
    // Written so that a width that is not a number fails too.
    if (!(width >= pulseNsMin && width <= pulseNsMax)) this.#disturb("glitch");
    return this.#addBit(line, at);
  }

  #begin(at: EdgeNs): boolean {
    if (this.#active) return false;
    this.#active = true;
    this.#isTooSoon = at < this.#quietUntil;
    this.#fault = undefined;
    this.#decided = undefined;
    this.#bitCount = 0;
    this.#tailBitCount = 0;
    this.#intervalCount = 0;
    this.#longestInterval = 0;
    this.#firstFallAt = at;
    this.#lastFallAt = at;
    return true;
  }

  #addInterval(at: EdgeNs): void {
    const interval = at - this.#lastFallAt;
    // The kernel promises order; a driver that breaks it must not make a card.
    if (!(interval > 0)) {
      this.#disturb("spacing");
      return;
    }
    if (this.#decided !== undefined || this.#intervalCount === this.#intervals.length) return;
    this.#intervals[this.#intervalCount] = interval;
    this.#intervalCount += 1;
    this.#longestInterval = Math.max(this.#longestInterval, interval);
  }

  #addBit(bit: 0 | 1, at: EdgeNs): Frame<Shape> | undefined {
    if (this.#decided !== undefined) {
      this.#tailBitCount += 1;
      this.#extraBitCount += 1;
      return undefined;
    }
    if (this.#bitCount === this.#longest) this.#disturb("length");
    this.#bits[this.#bitCount] = bit;
    this.#bitCount += 1;
    if (this.#bitCount !== this.#longest || this.#fault !== undefined || this.#isTooSoon) {
      return undefined;
    }
    if (!this.#shapes.every((shape) => shape.bitCount !== this.#longest || shape.checked)) {
      return undefined;
    }
    const frame = this.#judge(at);
    this.#decided = frame.verdict;
    return frame;
  }

  /** The first disturbance names the frame; what follows is often its consequence. */
  #disturb(fault: Misread): void {
    this.#fault ??= fault;
  }

  #endsAt(): EdgeNs {
    const wanted = this.#intervalCount === 0 ? gapNsMax : gapIntervals * this.#longestInterval;
    return edgeNs(this.#lastFallAt + Math.min(gapNsMax, Math.max(gapNsMin, wanted)));
  }

  #end(): Frame<Shape> | undefined {
    this.#active = false;
    const [d0, d1] = this.#lowSince;
    if (d0 !== undefined && d1 !== undefined) this.#disturb("both_low");
    if (d0 !== undefined || d1 !== undefined) this.#disturb("glitch");
    const frame = this.#decided === undefined ? this.#judge(this.#lastEdgeAt) : this.#tailFrame();
    const verdict = frame?.verdict ?? this.#decided;
    if (verdict !== "ok") this.#quietUntil = edgeNs(this.#lastEdgeAt + misreadQuietNs);
    if (frame === undefined || !this.#isTooSoon) return frame;
    return { verdict: "spacing", bitCount: this.#bitCount, at: this.#lastEdgeAt };
  }

  /**
   * A frame that was let through must not have had more to it; one that was not is known already.
   */
  #tailVerdict(): Misread | undefined {
    if (this.#decided !== "ok") return undefined;
    return this.#fault ?? (this.#tailBitCount > 0 ? "length" : undefined);
  }

  #tailFrame(): Frame<Shape> | undefined {
    const verdict = this.#tailVerdict();
    const bitCount = this.#bitCount + this.#tailBitCount;
    return verdict === undefined ? undefined : { verdict, bitCount, at: this.#lastEdgeAt };
  }

  #judge(at: EdgeNs): Frame<Shape> {
    const bitCount = this.#bitCount;
    const misread = (verdict: Misread): Frame<Shape> => ({ verdict, bitCount, at });
    if (this.#fault !== undefined) return misread(this.#fault);
    const shapes = this.#shapes.filter((shape) => shape.bitCount === bitCount);
    if (shapes.length === 0 || !this.#isWhole()) return misread("length");
    if (!this.#isEvenlySpaced()) return misread("spacing");
    const bits = this.#bits.subarray(0, bitCount).join("");
    const shape = shapes.find((candidate) => candidate.accepts(bits));
    return shape === undefined ? misread("parity") : { verdict: "ok", shape, bits, at };
  }

  /** Had there been a bit before the first, would it have fallen while we watched? */
  #isWhole(): boolean {
    return this.#firstFallAt - this.#watchedFrom >= longIntervalRatio * this.#longestInterval;
  }

  #isEvenlySpaced(): boolean {
    const sorted = this.#intervals.slice(0, this.#intervalCount).sort();
    const median = sorted[sorted.length >> 1] ?? 0;
    const shortest = sorted[0] ?? 0;
    return (
      this.#longestInterval <= longIntervalRatio * median && shortest >= shortIntervalRatio * median
    );
  }
}
