import { othersTurn } from "./others-turn.ts";

/** So many ids go into one statement, after which others have their turn. */
const idsAtOnceMax = 128;

/** Does with all of these ids, in parts, what one statement may be too long for. */
export async function inParts(
  ids: Iterable<string>,
  act: (ids: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const all = [...new Set(ids)];
  for (let from = 0; from < all.length; from += idsAtOnceMax) {
    if (from > 0) await othersTurn();
    await act(all.slice(from, from + idsAtOnceMax));
  }
}

/** What `ask` answers of each of these ids. */
export async function byIds<Row>(
  ids: Iterable<string>,
  ask: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  await inParts(ids, async (part) => {
    for (const row of await ask(part)) found.push(row);
  });
  return found;
}
