import { Temporal } from "temporal-polyfill";
import * as v from "valibot";
import { fail, type Result, succeed } from "../domain/result.ts";
import { momentExpectation, parseMoment } from "./moments.ts";
import type { SiteClient } from "./site-client.ts";

export const siteMomentExpectation = `${momentExpectation}; or as the site's clocks show it, as 2026-11-21T08:00 or 2026-11-21`;

const localPattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?$/;

const systemsSchema = v.object({
  acs_systems: v.array(
    v.object({
      acs_system_id: v.string(),
      location: v.object({ time_zone: v.nullable(v.string()) }),
    }),
  ),
});

/** The zone of the site's clocks. */
export async function siteZone(client: SiteClient): Promise<string> {
  const { acs_systems } = await client.ask({
    path: "/acs/systems/list",
    body: {},
    answer: systemsSchema,
  });
  return acs_systems[0]?.location.time_zone ?? "UTC";
}

/**
 * What somebody typed, as the API takes it. A date without a time is all of that day: whoever's pass
 * ends on the 31st comes in on the 31st.
 */
export function readSiteMoment(
  text: string,
  { zone, edge }: { readonly zone: string; readonly edge: "start" | "end" },
): Result<string, string> {
  if (parseMoment(text).ok) return succeed(text);
  const match = localPattern.exec(text);
  if (match === null) return fail(siteMomentExpectation);
  const [, date = "", time] = match;
  try {
    const day = Temporal.PlainDate.from(date, { overflow: "reject" });
    if (time === undefined) {
      const at = edge === "start" ? day : day.add({ days: 1 });
      return succeed(at.toZonedDateTime(zone).toInstant().toString());
    }
    const plainTime = Temporal.PlainTime.from(time, { overflow: "reject" });
    return succeed(day.toZonedDateTime({ timeZone: zone, plainTime }).toInstant().toString());
  } catch {
    return fail(siteMomentExpectation);
  }
}
