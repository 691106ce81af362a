import * as v from "valibot";
import { type Result, succeed } from "../domain/result.ts";
import type { EventQuery } from "./event-store.ts";
import { idParameter, parseParameters, type QueryFaults } from "./query-parameters.ts";

export const eventLimitDefault = 500;
export const eventLimitMax = 10_000;

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

const querySchema = v.object({
  after: v.exactOptional(wholeNumberText(0, Number.MAX_SAFE_INTEGER)),
  limit: v.exactOptional(wholeNumberText(1, eventLimitMax)),
  door: v.exactOptional(idParameter),
  controller: v.exactOptional(idParameter),
  result: v.exactOptional(v.picklist(["granted", "denied"], "granted or denied")),
});

export function parseEventQuery(
  parameters: Readonly<Record<string, readonly string[]>>,
): Result<EventQuery, QueryFaults> {
  const query = parseParameters(querySchema, parameters);
  if (!query.ok) return query;
  return succeed({ ...query.value, limit: query.value.limit ?? eventLimitDefault });
}
