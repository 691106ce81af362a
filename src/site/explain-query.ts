import { Temporal } from "temporal-polyfill";
import * as v from "valibot";
import { doorId, passId } from "../domain/ids.ts";
import { type Result, succeed } from "../domain/result.ts";
import { type EpochMs, epochMs, epochMsMax } from "../domain/time.ts";
import type { ExplainQuestion } from "./door-explainer.ts";
import { idParameter, parseParameters, type QueryFaults } from "./query-parameters.ts";

const instantExpectation =
  "now, or a time such as 2026-12-31T18:00 by the site's clocks, or with Z or an offset (+01:00)";

const querySchema = (zone: string) =>
  v.object({
    door: v.pipe(idParameter, v.transform(doorId)),
    pass: v.pipe(idParameter, v.transform(passId)),
    at: v.exactOptional(
      v.pipe(
        v.string(),
        v.maxLength(64, instantExpectation),
        v.transform((text) => (text === "now" ? text : instantOf(text, zone))),
        v.check((at) => at !== undefined, instantExpectation),
      ),
    ),
  });

/** `zone`: of the site's wall clocks. */
export function parseExplainQuery(
  parameters: Readonly<Record<string, readonly string[]>>,
  zone: string,
): Result<ExplainQuestion, QueryFaults> {
  const query = parseParameters(querySchema(zone), parameters);
  if (!query.ok) return query;
  const { door, pass, at } = query.value;
  return succeed({ door, pass, ...(at !== undefined && at !== "now" && { at }) });
}

/**
 * A date and time of ISO 8601 in its extended form, to the minute or finer, and nothing beside:
 * Temporal would read names of zones and calendars in brackets, of which an offset takes precedence.
 */
const dateTimeText = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::[0-5]\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?$/;

/** Without an offset it is as in the site's file: its wall clocks', the earlier of two. */
function instantOf(text: string, zone: string): EpochMs | undefined {
  // A plus that nobody escaped arrives as a space.
  const parts = dateTimeText.exec(text.replace(/ (?=\d\d:\d\d$)/, "+"));
  if (parts === null) return undefined;
  const [written, local = "", offset] = parts;
  try {
    const at =
      offset === undefined
        ? Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds
        : Temporal.Instant.from(written).epochMilliseconds;
    return at >= 0 && at <= epochMsMax ? epochMs(at) : undefined;
  } catch {
    return undefined;
  }
}
