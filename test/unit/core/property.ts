import fc from "fast-check";

/**
 * Checks a fast-check property under a seed that the test says, and `SEED=n` in the environment
 * replays. A failure prints the smallest counterexample that fast-check finds.
 */
export function checkProperty<Arguments>(
  t: { readonly comment: (text: string) => void },
  runs: number,
  property: fc.IProperty<Arguments>,
): void {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff));
  t.comment(`SEED=${seed}`);
  fc.assert(property, { seed, numRuns: runs });
}
