/**
 * The one of `words` that `typed` was probably meant to be: at most one slip per three letters, two
 * neighbours swapped counting as one. Undefined where none is that near.
 */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const word of words) {
    // The length alone tells that no more than a few slips lie between: no table for a novel.
    if (Math.abs(word.length - typed.length) >= fewest) continue;
    const count = slipCount(typed, word);
    if (count < fewest) {
      fewest = count;
      nearest = word;
    }
  }
  return nearest;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function slipCount(one: string, other: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1];
      let count = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwap) count = Math.min(count, (before[j - 2] ?? 0) + 1);
      next.push(count);
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}
