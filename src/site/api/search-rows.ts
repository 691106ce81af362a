import { othersTurn } from "../store/others-turn.ts";
import type { PageMark } from "./page.ts";

/** So many rows are looked through in one go; in between, others have their turn. */
const rowsAtOnce = 5_000;

/** A list of rows from a mark on, in its order. */
export interface SearchedList<Row extends PageMark> {
  /** The last of the next `count` rows; undefined where there are fewer. */
  endOf(after: PageMark | undefined, count: number): Promise<PageMark | undefined>;
  /** Those that are sought, after the one mark and up to the other: `limit` at most. */
  sought(
    after: PageMark | undefined,
    end: PageMark | undefined,
    limit: number,
  ): Promise<readonly Row[]>;
}

/** The first `limit` that are sought. No index tells which rows have a text somewhere in them. */
export async function searchRows<Row extends PageMark>(
  list: SearchedList<Row>,
  after: PageMark | undefined,
  limit: number,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  let from = after;
  for (;;) {
    const end = await list.endOf(from, rowsAtOnce);
    found.push(...(await list.sought(from, end, limit - found.length)));
    if (end === undefined || found.length >= limit) return found;
    from = end;
    await othersTurn();
  }
}
