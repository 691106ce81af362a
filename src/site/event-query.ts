import * as v from "valibot";
import { idExpectation, isId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EventQuery } from "./event-store.ts";

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

const idText = v.pipe(v.string(), v.check(isId, idExpectation));

const querySchema = v.object({
  after: v.exactOptional(wholeNumberText(0, Number.MAX_SAFE_INTEGER)),
  limit: v.exactOptional(wholeNumberText(1, eventLimitMax)),
  door: v.exactOptional(idText),
  controller: v.exactOptional(idText),
  result: v.exactOptional(v.picklist(["granted", "denied"], "granted or denied")),
});

const isParameter = (name: string): boolean => Object.hasOwn(querySchema.entries, name);

/** What was expected, by parameter: all faults at once, an unknown or repeated one among them. */
export type QueryFaults = Readonly<Record<string, readonly string[]>>;

export function parseEventQuery(
  parameters: Readonly<Record<string, readonly string[]>>,
): Result<EventQuery, QueryFaults> {
  // Maps, because a parameter may be called anything, `__proto__` too.
  const faults = new Map<string, readonly string[]>();
  const single = new Map<string, string | undefined>();
  for (const [name, values] of Object.entries(parameters)) {
    if (!isParameter(name)) {
      const known = Object.keys(querySchema.entries).join(", ");
      faults.set(name, [`unknown parameter; expected one of ${known}`]);
    } else if (values.length !== 1) faults.set(name, ["expected once"]);
    else single.set(name, values[0]);
  }
  const parsed = v.safeParse(querySchema, Object.fromEntries(single));
  for (const issue of parsed.issues ?? []) {
    faults.set(v.getDotPath(issue) ?? "", [`expected ${issue.message}`]);
  }
  if (!parsed.success || faults.size > 0) return fail(Object.fromEntries(faults));
  return succeed({ ...parsed.output, limit: parsed.output.limit ?? eventLimitDefault });
}
