/** More would not fit on a screen; the last bar then takes in all that is longer. */
const barsMax = 8;
const barLengthMax = 40;
/** Of a bar's width: what a technician reads off a meter. */
const roundWidths = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;

/**
 * How far apart the bits of a frame were, in microseconds, as bars of text: `1000-1099 us  ##### 25`. A
 * good reader makes one bar, and a lost bit another at twice the distance.
 */
export function spacingHistogram(spacingsUs: readonly number[]): readonly string[] {
  const least = Math.min(...spacingsUs);
  const most = Math.max(...spacingsUs);
  if (spacingsUs.length === 0) return ["none: one bit alone"];
  const width = roundWidths.find((wide) => (most - least) / wide < barsMax - 1) ?? 10_000;
  const first = Math.floor(least / width);
  const counts = new Map<number, number>();
  for (const spacing of spacingsUs) {
    const bar = Math.min(Math.floor(spacing / width) - first, barsMax - 1);
    counts.set(bar, (counts.get(bar) ?? 0) + 1);
  }
  const highest = Math.max(...counts.values());
  const texts = [...counts].sort(([one], [other]) => one - other);
  return texts.map(([bar, count]) => {
    const from = (first + bar) * width;
    const isOpen = bar === barsMax - 1 && most >= from + width;
    const range = isOpen ? `from ${from} us` : `${from}-${from + width - 1} us`;
    const length = Math.max(1, Math.round((count / highest) * barLengthMax));
    return `${range.padEnd(16)} ${"#".repeat(length)} ${count}`;
  });
}
