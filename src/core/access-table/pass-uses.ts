import type { PassRecord } from "../../domain/access.ts";

/** How often a pass may be granted, and what the site knew to be spent of it. */
export interface UseCount {
  readonly usesMax: number;
  readonly spentHere: number;
  readonly spentElsewhere: number;
}

/** `[usesMax][spentHere][spentElsewhere]`, side by side because a decision reads all three. */
const recordWords = 3;

/** What passes are limited to, for those that are: 16 bytes each and none for the others. */
export class PassUses {
  /** The limited passes' numbers, rising. */
  private readonly numbers: Uint32Array;
  private readonly words: Uint32Array;

  constructor(count: number, passOf: (number: number) => PassRecord) {
    const numbers: number[] = [];
    for (let number = 0; number < count; number += 1) {
      if (passOf(number).usesMax !== undefined) numbers.push(number);
    }
    this.numbers = Uint32Array.from(numbers);
    this.words = new Uint32Array(numbers.length * recordWords);
    for (const [place, number] of numbers.entries()) {
      const { usesMax = 0, spentHere = 0, spentElsewhere = 0 } = passOf(number);
      this.words.set([usesMax, spentHere, spentElsewhere], place * recordWords);
    }
  }

  /** Throws for a pass that has no use count: it must never be taken for one without a limit. */
  of(number: number): UseCount {
    let from = 0;
    let until = this.numbers.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if ((this.numbers[middle] ?? Infinity) < number) from = middle + 1;
      else until = middle;
    }
    if (this.numbers[from] !== number) throw new Error(`pass ${number} has no use count`);
    return {
      usesMax: this.words[from * recordWords] ?? 0,
      spentHere: this.words[from * recordWords + 1] ?? 0,
      spentElsewhere: this.words[from * recordWords + 2] ?? 0,
    };
  }
}
