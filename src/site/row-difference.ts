import { byIds } from "./store/by-ids.ts";
import { eachPage } from "./store/each-page.ts";
import type { Origin } from "./store/store-schema.ts";

interface OriginalRow {
  readonly id: string;
  readonly origin: Origin;
}

export interface RowDifference<Row> {
  /** As they are to be. */
  readonly made: readonly Row[];
  readonly changed: readonly Row[];
  /** Of those that change: as they are. */
  readonly before: ReadonlyMap<string, Row>;
  /** Earlier files named them, and this one does not. */
  readonly gone: ReadonlyMap<string, Row>;
}

/** The rows of earlier files, and those that this one names, whoever made them. */
export async function knownRows<Row extends OriginalRow>(
  wanted: ReadonlyMap<string, unknown>,
  read: {
    readonly ofFiles: (after: Row | undefined) => Promise<readonly Row[]>;
    readonly byIds: (ids: readonly string[]) => Promise<readonly Row[]>;
  },
): Promise<ReadonlyMap<string, Row>> {
  const known = new Map<string, Row>();
  await eachPage(read.ofFiles, (row) => known.set(row.id, row));
  const others = [...wanted.keys()].filter((id) => !known.has(id));
  for (const row of await byIds(others, read.byIds)) known.set(row.id, row);
  return known;
}

/** `make`: the whole row of what the file says, which keeps what the file does not say. */
export function rowDifference<Said extends object, Row extends Said & OriginalRow>(
  known: ReadonlyMap<string, Row>,
  wanted: ReadonlyMap<string, Said>,
  make: (said: Said, before: Row | undefined) => Row,
): RowDifference<Row> {
  const made: Row[] = [];
  const changed: Row[] = [];
  const before = new Map<string, Row>();
  for (const [id, said] of wanted) {
    const row = known.get(id);
    if (row === undefined) made.push(make(said, undefined));
    else if (row.origin !== "file" || !says(row, said)) {
      changed.push(make(said, row));
      before.set(id, row);
    }
  }
  const gone = [...known].filter(([id, row]) => row.origin === "file" && !wanted.has(id));
  return { made, changed, before, gone: new Map(gone) };
}

/** Columns are texts, numbers and nulls. */
function says<Said extends object>(row: Said, said: Said): boolean {
  for (const column in said) if (row[column] !== said[column]) return false;
  return true;
}
