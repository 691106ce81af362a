import type { PassRecord } from "../../domain/access.ts";

/** How often a pass may be granted, and what the site knew to be spent of it. */
export interface UseCount {
  readonly usesMax: number;
  readonly spentHere: number;
  readonly spentElsewhere: number;
}

/** `[pass][usesMax][spentHere][spentElsewhere]`, side by side because a decision reads all. */
export const useRecordWords = 4;
/** Passes that share one entry of the directory: their records are searched one by one. */
export const passesPerUseBlock = 16;

/** What passes are limited to, for those that are: 16 bytes each, and for the others next to none. */
export class PassUses {
  private readonly words: Uint32Array;
  /** Where in `words` the records of each block of passes begin. Empty where no pass is limited. */
  private readonly blockStarts: Uint32Array;

  constructor(words: Uint32Array, blockStarts: Uint32Array) {
    this.words = words;
    this.blockStarts = blockStarts;
  }

  /** Throws for a pass that has no use count: it must never be taken for one without a limit. */
  of(number: number): UseCount {
    const { words } = this;
    let at = this.blockStarts[Math.floor(number / passesPerUseBlock)] ?? words.length;
    while (at < words.length && words[at] !== number) at += useRecordWords;
    if (at >= words.length) throw new Error(`pass ${number} has no use count`);
    return {
      usesMax: words[at + 1] ?? 0,
      spentHere: words[at + 2] ?? 0,
      spentElsewhere: words[at + 3] ?? 0,
    };
  }
}

/** Writes what `PassUses` reads, one pass after the other, those without a count as well. */
export class PassUseWriter {
  private readonly words: number[] = [];
  private readonly blockStarts: Uint32Array;
  private count = 0;

  constructor(count: number) {
    this.blockStarts = new Uint32Array(Math.ceil(count / passesPerUseBlock));
  }

  add({ usesMax, spentHere = 0, spentElsewhere = 0 }: PassRecord): void {
    const { count, words } = this;
    if (count % passesPerUseBlock === 0) this.blockStarts[count / passesPerUseBlock] = words.length;
    if (usesMax !== undefined) words.push(count, usesMax, spentHere, spentElsewhere);
    this.count += 1;
  }

  finish(): { readonly words: Uint32Array; readonly blockStarts: Uint32Array } {
    const isUnlimited = this.words.length === 0;
    return {
      words: Uint32Array.from(this.words),
      blockStarts: isUnlimited ? new Uint32Array(0) : this.blockStarts,
    };
  }
}
