import { type EdgeNs, edgeNs } from "../../../src/domain/time.ts";
import type { Edge, Level } from "../../gpio.ts";

/** An edge as it stands in the kernel's queue. */
export interface QueuedEdge {
  readonly line: number;
  /** As the line was when the interrupt's thread looked, which may be after a later edge. */
  readonly level: Level;
  readonly at: EdgeNs;
  /** Of 32 bits, counted in the interrupt: it has the true order. */
  readonly sequence: number;
}

/**
 * How long after its stamp an edge waits for what may belong before it. The kernel's threads run before
 * every ordinary program, so what has not come by then was lost. Shorter than the silence that ends the
 * fastest reader's frame (`gapNsMin` less the longest interval for which that is the bound).
 */
const waitNs = 1_000_000;
/** A pulse of which one edge was not stamped is taken to be as long as most (SIA AC-01: 20 to 100 us). */
const usualPulseNs = 50_000;
/** The most that two edges of one pulse lie apart. */
const pulseNsMax = 500_000;
/** No reader begins a bit so soon after the last one ended. */
const echoNsMax = 50_000;

/**
 * Makes of the kernel's queue what happened. The interrupt stamps and numbers each edge; but a thread
 * for each line then reads the level and queues it (`edge_irq_thread` in gpiolib-cdev.c), and such a
 * thread may be late. Then
 *
 * 1. edges of two lines stand in the wrong order, for their threads ran on two processors. Sorted here
 *    by their numbers; one that is missing is awaited for `waitNs`.
 * 2. the level is that after the next edge: a fall says it was a rise. Two edges of a line have two
 *    levels, so the one before gives it away.
 * 3. two edges were queued as one, with the stamp of the second and one number missing; or the chip
 *    itself made one interrupt of them, and no number is missing. The level is what it was, so there
 *    was a pulse: it is reported, its first edge stamped `usualPulseNs` before.
 * 4. the number is the next edge's: that came when the stamp had been taken and the number had not. Two
 *    edges of a line have one number, and the one before is missing: it is the first one's.
 * 5. woken a second time for an edge that it had queued already, a thread stamps and numbers one that
 *    never was, with the level that is. Within `echoNsMax` after an edge of its line, it is passed over.
 *
 * Every edge that is reported happened, and in that order: where a missing number cannot be given to a
 * line for certain, it remains a gap. No other edge is invented, for a frame with one bit too many or too
 * few is a misread, and with one turned round a wrong card.
 */
export class EdgeOrder {
  /** As the edges so far left them. */
  readonly #levels: Level[];
  readonly #since: EdgeNs;
  /** By number. */
  readonly #waiting: QueuedEdge[] = [];
  readonly #lastAtOfLine: EdgeNs[] = [];
  #lastNumber: number;
  #sequence = 0;
  #lastAt: EdgeNs;

  constructor(options: {
    /** At `since`, before which edges are not reported. */
    readonly levels: readonly Level[];
    readonly since: EdgeNs;
    /** The number of the last edge that was thrown away, or 0. */
    readonly lastSequence: number;
  }) {
    this.#levels = [...options.levels];
    this.#since = options.since;
    this.#lastAt = options.since;
    this.#lastNumber = options.lastSequence;
  }

  /** Is there an edge for which `release` has to be called again? */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(edge: QueuedEdge): void {
    // Numbers begin again after 2^32: what counts is how far one is from the last.
    const sequence = this.#lastNumber + ((edge.sequence - this.#lastNumber) | 0);
    let place = this.#waiting.length;
    while (place > 0 && (this.#waiting[place - 1]?.sequence ?? 0) > sequence) place -= 1;
    const first = this.#waiting[place - 1];
    if (first?.sequence === sequence && first.line === edge.line) {
      const before = this.#waiting[place - 2]?.sequence ?? this.#lastNumber;
      if (before < sequence - 1) this.#waiting[place - 1] = { ...first, sequence: sequence - 1 };
    }
    this.#waiting.splice(place, 0, { ...edge, sequence });
  }

  /** Hands over what is certain at `now`. `report` must not call back. */
  release(now: EdgeNs, report: (edge: Edge) => void): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const lost = next.sequence - this.#lastNumber - 1;
      if (next.at < this.#since || lost < 0) {
        // From before anybody listened; or so late that its loss has been reported.
        this.#levels[next.line] = next.level;
      } else {
        const isKnown = this.#levels[next.line] === next.level;
        const isEarly = now - next.at < waitNs;
        if (isEarly && (lost > 0 || (isKnown && !this.#isPlain(next)))) return;
        if (isKnown && lost === 0 && this.#isEcho(next)) {
          // Nothing happened.
        } else if (isKnown && lost === 0 && this.#isFirstOfPulse(next)) {
          this.#report({ ...next, level: other(next.level) }, report);
        } else if (isKnown && lost <= 1) {
          this.#reportPulse(next, report);
        } else {
          this.#sequence += lost;
          this.#report(next, report);
        }
      }
      this.#lastNumber = Math.max(this.#lastNumber, next.sequence);
      this.#waiting.shift();
    }
  }

  #isPlain(edge: QueuedEdge): boolean {
    return this.#isEcho(edge) || this.#isFirstOfPulse(edge);
  }

  #isEcho({ line, at }: QueuedEdge): boolean {
    return at - (this.#lastAtOfLine[line] ?? Number.NEGATIVE_INFINITY) < echoNsMax;
  }

  /** Its other edge came, and says the same: then this level was read after that edge. */
  #isFirstOfPulse({ line, level, at, sequence }: QueuedEdge): boolean {
    for (const [index, later] of this.#waiting.entries()) {
      if (later.sequence !== sequence + index) return false;
      if (index > 0 && later.line === line) {
        return later.level === level && later.at - at <= pulseNsMax;
      }
    }
    return false;
  }

  #reportPulse(edge: QueuedEdge, report: (edge: Edge) => void): void {
    const at = edgeNs(edge.at - usualPulseNs);
    this.#report({ ...edge, at, level: other(edge.level) }, report);
    this.#report(edge, report);
  }

  #report({ line, level, at }: QueuedEdge, report: (edge: Edge) => void): void {
    // Two processors stamp and number two edges in a moment; and what is guessed stays behind the last.
    this.#lastAt = edgeNs(Math.max(this.#lastAt, at));
    this.#sequence += 1;
    this.#levels[line] = level;
    this.#lastAtOfLine[line] = this.#lastAt;
    report({ line, level, at: this.#lastAt, sequence: this.#sequence });
  }
}

function other(level: Level): Level {
  return level === 0 ? 1 : 0;
}
