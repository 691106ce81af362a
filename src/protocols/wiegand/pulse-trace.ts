import type { EdgeNs } from "../../domain/time.ts";
import { gapIntervals, gapNsMax, gapNsMin, type WiegandEdge } from "./frame-decoder.ts";

/** What a broken cable sends without end is kept to this many bits. */
export const tracedBitsMax = 256;

export interface Trace {
  /** Every falling edge as a bit, whatever came of it: first on the wire first. */
  readonly bits: string;
  /** Between one falling edge and the next, in microseconds. */
  readonly spacingsUs: readonly number[];
}

/**
 * The falling edges of the frame that is under way, kept for a person to look at. It decides nothing, and
 * `FrameDecoder` knows nothing of it: feed it each edge after the decoder has had that. The bits that come
 * after a frame was decided early are added to it, so that the frame and its tail are seen as one.
 */
export class PulseTrace {
  #bits = "";
  readonly #spacingsNs: number[] = [];
  #lastFallAt: EdgeNs | undefined;
  #isTold = false;

  edge({ line, level, at }: WiegandEdge): void {
    if (level !== 0) return;
    if (this.#isTold && this.#isOver(at)) this.#clear();
    if (this.#bits.length < tracedBitsMax) {
      if (this.#lastFallAt !== undefined) this.#spacingsNs.push(at - this.#lastFallAt);
      this.#bits += line === 0 ? "0" : "1";
    }
    this.#lastFallAt = at;
  }

  /** What there is of the frame that was told just now. */
  told(): Trace {
    this.#isTold = true;
    return {
      bits: this.#bits,
      spacingsUs: this.#spacingsNs.map((spacing) => Math.round(spacing / 1_000)),
    };
  }

  /** By the silence that ends a frame for the decoder, too. */
  #isOver(at: EdgeNs): boolean {
    const longest = Math.max(0, ...this.#spacingsNs);
    const wanted = longest === 0 ? gapNsMax : gapIntervals * longest;
    const gapNs = Math.min(gapNsMax, Math.max(gapNsMin, wanted));
    return this.#lastFallAt === undefined || at - this.#lastFallAt >= gapNs;
  }

  #clear(): void {
    this.#bits = "";
    this.#spacingsNs.length = 0;
    this.#lastFallAt = undefined;
    this.#isTold = false;
  }
}
