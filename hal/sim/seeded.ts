/** A small seeded generator (mulberry32): seed and stream alone replay a run. */
export class Seeded {
  #state: number;

  /** `stream` keeps the draws of one line from moving those of another. */
  constructor(seed: number, stream = "") {
    let mixed = seed >>> 0;
    // FNV-1a, so that streams whose names differ in one letter have nothing in common.
    for (let index = 0; index < stream.length; index += 1) {
      mixed = Math.imul(mixed ^ stream.charCodeAt(index), 16_777_619) >>> 0;
    }
    this.#state = mixed;
  }

  /** From 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0];
  }

  /** `count` of `0` and `1`. */
  bits(count: number): string {
    let bits = "";
    for (let index = 0; index < count; index += 1) bits += this.chance(0.5) ? "1" : "0";
    return bits;
  }
}

/** The seed to replay where one is given, else a fresh one. Print it. */
export function seedFor(given: string | undefined): number {
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
