/** For people: what was thrown, which need not be an error. */
export function describeFailure(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
