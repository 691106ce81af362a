/** `now` is among the `changes`. */
export function isChatter(
  limits: { readonly changeCount: number; readonly windowMs: number },
  changes: readonly number[],
  now: number,
): boolean {
  return changes.filter((at) => now - at < limits.windowMs).length >= limits.changeCount;
}
