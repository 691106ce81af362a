import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import type { Edge, InputLines, Level } from "../gpio.ts";
import type { ChipInputs } from "./mcp23017-registers.ts";
import { OneListener } from "./one-listener.ts";

/** What a request asks of its chip. */
export interface InputChip {
  /** The levels of all lines now. Throws `HalError`. */
  read(): number;
  close(): void;
}

type News =
  | { readonly kind: "edge"; readonly edge: Edge }
  | { readonly kind: "lost"; readonly at: EdgeNs };

/** News that nobody took by then is dropped, edges with a gap, the oldest first, as a kernel drops it. */
const queuedNewsMax = 1_024;

/** One request of an expander's lines: makes edges of what is read from the chip. */
export class ExpanderInputs implements InputLines {
  readonly lines: readonly string[];
  readonly #bits: readonly number[];
  readonly #chip: InputChip;
  /** By index into `lines`; undefined until the chip was read, and when it was lost. */
  readonly #levels: (Level | undefined)[];
  readonly #listener = new OneListener<[edge: Edge]>("these lines");
  readonly #lossListener = new OneListener<[at: EdgeNs]>("the loss of these lines");
  #queue: News[] = [];
  #sequence = 0;
  #lastAt = edgeNs(0);
  #closed = false;

  constructor(lines: readonly string[], bits: readonly number[], chip: InputChip) {
    this.lines = lines;
    this.#bits = bits;
    this.#chip = chip;
    this.#levels = bits.map(() => undefined);
  }

  read(line: number): Level {
    const bit = this.#bits[line];
    if (bit === undefined) throw new HalError("not_found", `no line ${line} in this request`);
    return levelIn(this.#readChip(), bit);
  }

  readAll(): readonly Level[] {
    const levels = this.#readChip();
    return this.#bits.map((bit) => levelIn(levels, bit));
  }

  listen(listener: (edge: Edge) => void): void {
    this.#listener.set(listener);
  }

  watchLoss(listener: (at: EdgeNs) => void): void {
    this.#lossListener.set(listener);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#chip.close();
  }

  /** What was read. A line that moved and is back gives both edges: the chip had latched it. */
  take(
    { flags, captured, levels }: ChipInputs,
    at: { readonly movedAt: EdgeNs; readonly now: EdgeNs },
  ): void {
    for (const [line, bit] of this.#bits.entries()) {
      if (levelIn(flags, bit) === 1) this.#moved(line, levelIn(captured, bit), at.movedAt);
    }
    for (const [line, bit] of this.#bits.entries()) this.#moved(line, levelIn(levels, bit), at.now);
  }

  /** The chip is gone, and with it what was known of its lines. */
  lose(at: EdgeNs): void {
    this.#levels.fill(undefined);
    this.#lastAt = edgeNs(Math.max(this.#lastAt, at));
    this.#enqueue({ kind: "lost", at: this.#lastAt });
  }

  handOver(): void {
    for (const news of this.#queue.splice(0)) {
      if (this.#closed) return;
      if (news.kind === "edge") this.#listener.tell(news.edge);
      else this.#lossListener.tell(news.at);
    }
  }

  #readChip(): number {
    if (this.#closed) throw new HalError("disconnected", `lines ${this.lines.join(", ")}: closed`);
    return this.#chip.read();
  }

  #moved(line: number, level: Level, at: EdgeNs): void {
    if (this.#levels[line] === level) return;
    this.#levels[line] = level;
    if (!this.#listener.isThere) return;
    this.#sequence += 1;
    this.#lastAt = edgeNs(Math.max(this.#lastAt, at));
    const edge = { line, level, at: this.#lastAt, sequence: this.#sequence };
    this.#enqueue({ kind: "edge", edge });
  }

  #enqueue(news: News): void {
    this.#queue.push(news);
    if (this.#queue.length > queuedNewsMax) this.#queue.shift();
  }
}

const levelIn = (word: number, bit: number): Level => (((word >> bit) & 1) === 0 ? 0 : 1);
