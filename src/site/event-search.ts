import type Database from "better-sqlite3";
import type { EventFilter, EventPage, EventQuery } from "./event-query.ts";
import type { StoredEvent } from "./event-row.ts";

/**
 * How many events a page looks at beyond those that it was asked for. Filters that nearly exclude one
 * another, a busy door and a denial that it never has, would otherwise read a year of events while
 * other work waits; such a page comes early, with fewer events and where to go on.
 */
export const eventsLookedAtMax = 2_000;

/** What a run of positions costs beside its events: two seeks in an index. */
const runCost = 5;

/** Events of which a row of `eventSpans` tells when they were. */
const blockSize = 1_024;

/** What can be asked for by value, the one likely to be rarest first. */
const indexedColumns = ["pass", "user", "reader", "reason", "door", "kind", "controller"] as const;
type IndexedColumn = (typeof indexedColumns)[number];

const indexOf = (column: IndexedColumn): string => `events_by_${column}`;

/**
 * The positions of each value in order, so that a page is read from where it begins; and for each
 * block of positions, when its events were. Those of controllers whose clocks nobody vouched for are
 * kept apart: one that begins in 1970 at each start would have each block be of all times.
 */
export const searchTables = `
  CREATE INDEX events_by_pass ON events (pass, position) WHERE pass IS NOT NULL;
  CREATE INDEX events_by_user ON events (user, position) WHERE user IS NOT NULL;
  CREATE INDEX events_by_reader ON events (reader, position) WHERE reader IS NOT NULL;
  CREATE INDEX events_by_reason ON events (reason, position) WHERE reason IS NOT NULL;
  CREATE INDEX events_by_kind ON events (kind, position);
  CREATE INDEX events_by_controller ON events (controller, position);
  CREATE TABLE eventSpans (
    block INTEGER NOT NULL,
    vouched INTEGER NOT NULL,
    firstAt REAL NOT NULL,
    lastAt REAL NOT NULL,
    PRIMARY KEY (block, vouched)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO eventSpans
    SELECT position / ${blockSize}, clockQuality <> 'unknown', min(at), max(at)
    FROM events GROUP BY 1, 2;
  CREATE TRIGGER events_have_spans AFTER INSERT ON events
    BEGIN
      INSERT INTO eventSpans
      VALUES (new.position / ${blockSize}, new.clockQuality <> 'unknown', new.at, new.at)
      ON CONFLICT DO UPDATE SET firstAt = min(firstAt, new.at), lastAt = max(lastAt, new.at);
    END;
`;

/** Positions, both ends included. */
interface Run {
  readonly from: number;
  readonly to: number;
}

interface Condition {
  readonly column: IndexedColumn;
  readonly value: string;
}

/** How far of a run is worth looking at, and by which index. */
interface Reach {
  readonly run: Run;
  readonly by: IndexedColumn | undefined;
  readonly lookedAtCount: number;
  readonly isWhole: boolean;
}

type Direction = "ASC" | "DESC";

/** The pages of events for one file of them; each call is one reading of it. */
export class EventSearch {
  readonly #database: Database.Database;
  readonly #lookedAtMax: number;
  readonly #newest: Database.Statement<[], { newest: number }>;

  constructor(database: Database.Database, lookedAtMax = eventsLookedAtMax) {
    this.#database = database;
    this.#lookedAtMax = lookedAtMax;
    this.#newest = database.prepare("SELECT coalesce(max(position), 0) AS newest FROM events");
  }

  newest(): number {
    return this.#newest.get()?.newest ?? 0;
  }

  /** Bounded in time, whatever is stored: see `EventPage`. */
  page(query: EventQuery): EventPage {
    const conditions = conditionsOf(query);
    const direction = query.after === undefined ? "DESC" : "ASC";
    const whole = { from: (query.after ?? 0) + 1, to: this.#highest(query) };
    const found: StoredEvent[] = [];
    // One more than asked for: whether there are more is then known.
    const wanted = query.limit + 1;
    let budget = wanted + this.#lookedAtMax;
    const runs = this.#runs(query, whole, direction);
    for (const run of runs) {
      const reach = this.#reach(run, { conditions, budget, direction });
      found.push(
        ...this.#select(query, { conditions, reach, direction, limit: wanted - found.length }),
      );
      if (found.length === wanted) {
        const events = found.slice(0, query.limit);
        return pageOf(events, { through: events.at(-1)?.position ?? 0, more: true, direction });
      }
      budget -= reach.lookedAtCount + runCost;
      if (!reach.isWhole || (budget <= 0 && run !== runs.at(-1))) {
        const { from, to } = reach.run;
        const through = direction === "ASC" ? to : from;
        return pageOf(found, { through, more: true, direction });
      }
    }
    const through = direction === "ASC" ? Math.max(whole.to, query.after ?? 0) : 0;
    return pageOf(found, { through, more: false, direction });
  }

  #highest({ before }: EventQuery): number {
    const newest = this.newest();
    return before === undefined ? newest : Math.min(before - 1, newest);
  }

  #runs({ from, to }: EventQuery, whole: Run, direction: Direction): readonly Run[] {
    if (whole.from > whole.to) return [];
    if (from === undefined && to === undefined) return [whole];
    const blocks = this.#database
      .prepare<[object], { block: number }>(
        `SELECT DISTINCT block FROM eventSpans
        WHERE block BETWEEN @first AND @last AND lastAt >= @from AND firstAt < @to
        ORDER BY block`,
      )
      .all({
        first: Math.floor(whole.from / blockSize),
        last: Math.floor(whole.to / blockSize),
        from: from ?? Number.NEGATIVE_INFINITY,
        to: to ?? Number.POSITIVE_INFINITY,
      });
    const runs: Run[] = [];
    for (const { block } of blocks) {
      const before = runs.at(-1);
      const first = block * blockSize;
      const isNext = before !== undefined && first <= before.to + 1;
      if (isNext) runs.pop();
      runs.push({
        from: isNext ? before.from : Math.max(first, whole.from),
        to: Math.min(first + blockSize - 1, whole.to),
      });
    }
    return direction === "ASC" ? runs : runs.reverse();
  }

  /** Of several indexes, the one whose next `budget` events lead farthest has the rarest value. */
  #reach(
    run: Run,
    {
      conditions,
      budget,
      direction,
    }: {
      readonly conditions: readonly Condition[];
      readonly budget: number;
      readonly direction: Direction;
    },
  ): Reach {
    const reaches = conditions.map(({ column, value }): Reach => {
      const { count, first, last } = this.#database
        .prepare<[object], { count: number; first: number | null; last: number | null }>(
          `SELECT count(*) AS count, min(position) AS first, max(position) AS last FROM (
            SELECT position FROM events INDEXED BY ${indexOf(column)}
            WHERE ${column} = @value AND position BETWEEN @from AND @to
            ORDER BY position ${direction} LIMIT @budget)`,
        )
        .get({ ...run, value, budget }) ?? { count: 0, first: null, last: null };
      const end = direction === "ASC" ? { to: last ?? run.to } : { from: first ?? run.from };
      const cut = { ...run, ...end };
      const isWhole = count < budget || (cut.from === run.from && cut.to === run.to);
      return {
        run: isWhole ? run : cut,
        by: column,
        lookedAtCount: count,
        isWhole,
      };
    });
    const [first, ...others] = reaches;
    if (first === undefined) return plainReach(run, budget, direction);
    return others.reduce((best, other) => (isBetter(other, best) ? other : best), first);
  }

  #select(
    query: EventQuery,
    {
      conditions,
      reach,
      direction,
      limit,
    }: {
      readonly conditions: readonly Condition[];
      readonly reach: Reach;
      readonly direction: Direction;
      readonly limit: number;
    },
  ): readonly StoredEvent[] {
    const texts = [
      "position BETWEEN @first AND @last",
      ...conditions.map(({ column }, at) => `${column} = @value${at}`),
      query.from !== undefined && "at >= @from",
      query.to !== undefined && "at < @to",
    ].filter((text) => text !== false);
    const by = reach.by === undefined ? "NOT INDEXED" : `INDEXED BY ${indexOf(reach.by)}`;
    const values = conditions.map(({ value }, at) => [`value${at}`, value] as const);
    return this.#database
      .prepare<[object], StoredEvent>(
        `SELECT * FROM events ${by} WHERE ${texts.join(" AND ")}
        ORDER BY position ${direction} LIMIT @limit`,
      )
      .all({
        ...Object.fromEntries(values),
        first: reach.run.from,
        last: reach.run.to,
        limit,
        ...(query.from !== undefined && { from: query.from }),
        ...(query.to !== undefined && { to: query.to }),
      });
  }
}

function plainReach(run: Run, budget: number, direction: Direction): Reach {
  const size = run.to - run.from + 1;
  const lookedAtCount = Math.min(size, budget);
  const end =
    direction === "ASC"
      ? { to: run.from + lookedAtCount - 1 }
      : { from: run.to - lookedAtCount + 1 };
  return { run: { ...run, ...end }, by: undefined, lookedAtCount, isWhole: size <= budget };
}

function isBetter(one: Reach, other: Reach): boolean {
  const lengthOf = ({ run }: Reach) => run.to - run.from;
  if (lengthOf(one) !== lengthOf(other)) return lengthOf(one) > lengthOf(other);
  return one.lookedAtCount < other.lookedAtCount;
}

function pageOf(
  events: readonly StoredEvent[],
  {
    through,
    more,
    direction,
  }: { readonly through: number; readonly more: boolean; readonly direction: Direction },
): EventPage {
  return { events: direction === "ASC" ? events : events.toReversed(), through, more };
}

/** A result is nothing but a kind: no index of its own. */
function conditionsOf(filter: EventFilter): readonly Condition[] {
  const conditions = indexedColumns.flatMap((column) => {
    const value = filter[column];
    return value === undefined ? [] : [{ column, value }];
  });
  if (filter.result === undefined) return conditions;
  return [...conditions, { column: "kind", value: `access_${filter.result}` }];
}
