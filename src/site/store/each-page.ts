import { othersTurn } from "./others-turn.ts";

/** So many rows are read in one go. */
export const pageRows = 2_000;

/** Goes through what may be a million rows. `read` answers with at most `pageRows` after a row. */
export async function eachPage<Row>(
  read: (after: Row | undefined) => Promise<readonly Row[]>,
  take: (row: Row) => void,
): Promise<void> {
  let last: Row | undefined;
  do {
    const page = await read(last);
    for (const row of page) take(row);
    last = page.length < pageRows ? undefined : page.at(-1);
    await othersTurn();
  } while (last !== undefined);
}
