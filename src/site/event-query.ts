import * as v from "valibot";
import { type Result, succeed } from "../domain/result.ts";
import type { EventRow, StoredEvent } from "./event-row.ts";
import { idParameter, parseParameters, type QueryFaults } from "./query-parameters.ts";

export const eventLimitDefault = 500;
export const eventLimitMax = 10_000;

/** Which events: those that have each of these. */
export interface EventFilter {
  readonly door?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly controller?: string;
  readonly reader?: string;
  /** Of a `DoorEvent`. */
  readonly kind?: string;
  readonly result?: "granted" | "denied";
  /** A grant's or a denial's, a refused table's. */
  readonly reason?: string;
  /** By the time that the controller wrote down: at or after this, in milliseconds since 1970. */
  readonly from?: number;
  /** Likewise: before this. */
  readonly to?: number;
}

export interface EventQuery extends EventFilter {
  /** With it, the first `limit` after that position; without, the newest `limit`. */
  readonly after?: number;
  /** None at this position or a higher one. */
  readonly before?: number;
  readonly limit: number;
}

/** Some of what was asked for: as many as the limit, or as could be found without long work. */
export interface EventPage {
  /** In order of position, newest last. */
  readonly events: readonly StoredEvent[];
  /**
   * Asked for what comes after a position: all that matches up to here is in this page, or in those
   * before it. Otherwise: all from here on.
   */
  readonly through: number;
  /** There may be more beyond `through`: ask on, `after` or `before` it. */
  readonly more: boolean;
}

export function matchesFilter(filter: EventFilter, row: EventRow): boolean {
  const { from, to, door, user, pass, controller, reader, kind, result, reason } = filter;
  return (
    (from === undefined || row.at >= from) &&
    (to === undefined || row.at < to) &&
    Object.entries({ door, user, pass, controller, reader, kind, result, reason }).every(
      ([name, value]) => value === undefined || row[name as keyof EventRow] === value,
    )
  );
}

function wholeNumberText(least: number, most: number) {
  const expected = `a whole number, ${least} to ${most}`;
  return v.pipe(
    v.string(),
    v.regex(/^[0-9]{1,16}$/, expected),
    v.transform(Number),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
}

const instantExpectation = "an instant in ISO 8601 with its zone, such as 2026-03-01T08:00:00Z";

const instantText = v.pipe(
  v.string(),
  v.isoTimestamp(instantExpectation),
  v.transform((text) => Date.parse(text)),
  v.finite(instantExpectation),
);

const nameParameter = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_]{0,63}$/, "1 to 64 small letters, digits or '_'"),
);

export const positionText = wholeNumberText(0, Number.MAX_SAFE_INTEGER);

/** What can be asked of a stream of events, too. */
export const eventFilterEntries = {
  door: v.exactOptional(idParameter),
  user: v.exactOptional(idParameter),
  pass: v.exactOptional(idParameter),
  controller: v.exactOptional(idParameter),
  reader: v.exactOptional(idParameter),
  kind: v.exactOptional(nameParameter),
  result: v.exactOptional(v.picklist(["granted", "denied"], "granted or denied")),
  reason: v.exactOptional(nameParameter),
};

const querySchema = v.object({
  after: v.exactOptional(positionText),
  before: v.exactOptional(positionText),
  limit: v.exactOptional(wholeNumberText(1, eventLimitMax)),
  ...eventFilterEntries,
  from: v.exactOptional(instantText),
  to: v.exactOptional(instantText),
});

export function parseEventQuery(
  parameters: Readonly<Record<string, readonly string[]>>,
): Result<EventQuery, QueryFaults> {
  const query = parseParameters(querySchema, parameters);
  if (!query.ok) return query;
  return succeed({ ...query.value, limit: query.value.limit ?? eventLimitDefault });
}
