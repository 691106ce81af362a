import type { PassRecord } from "../../domain/access.ts";

/** How often a pass may be granted, and what the site knew to be spent of it. */
export interface UseCount {
  readonly usesMax: number;
  readonly spentHere: number;
  readonly spentElsewhere: number;
}

/** `[pass][usesMax][spentHere][spentElsewhere]`, side by side because a decision reads all. */
const recordWords = 4;
/** Passes that share one entry of the directory: their records are searched one by one. */
const passesPerBlock = 16;

/** What passes are limited to, for those that are: 16 bytes each, and for the others next to none. */
export class PassUses {
  private readonly words: Uint32Array;
  /** Where in `words` the records of each block of passes begin. Empty where no pass is limited. */
  private readonly blockStarts: Uint32Array;

  constructor(count: number, passOf: (number: number) => PassRecord) {
    const words: number[] = [];
    const blockStarts: number[] = [];
    for (let number = 0; number < count; number += 1) {
      if (number % passesPerBlock === 0) blockStarts.push(words.length);
      const { usesMax, spentHere = 0, spentElsewhere = 0 } = passOf(number);
      if (usesMax !== undefined) words.push(number, usesMax, spentHere, spentElsewhere);
    }
    this.words = Uint32Array.from(words);
    this.blockStarts = Uint32Array.from(words.length === 0 ? [] : blockStarts);
  }

  /** Throws for a pass that has no use count: it must never be taken for one without a limit. */
  of(number: number): UseCount {
    const { words } = this;
    let at = this.blockStarts[Math.floor(number / passesPerBlock)] ?? words.length;
    while (at < words.length && words[at] !== number) at += recordWords;
    if (at >= words.length) throw new Error(`pass ${number} has no use count`);
    return {
      usesMax: words[at + 1] ?? 0,
      spentHere: words[at + 2] ?? 0,
      spentElsewhere: words[at + 3] ?? 0,
    };
  }
}
