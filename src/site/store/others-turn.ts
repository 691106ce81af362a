/**
 * Lets what waits have its turn. SQLite answers within the turn that asks, so that a million rows
 * would be one turn otherwise.
 */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
