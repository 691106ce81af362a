/** Ends every switch over a union: a variant that nobody handled does not compile. */
export function unreachable(impossible: never): never {
  throw new Error(`impossible state: ${JSON.stringify(impossible)}`);
}
