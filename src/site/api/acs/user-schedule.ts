import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { EpochMs } from "../../../domain/time.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import { instantText } from "../schema-parts.ts";

/** From when until when a user's passes work at all; no end: for good. */
export const accessSchedule = v.strictObject(
  {
    starts_at: v.exactOptional(instantText),
    ends_at: v.exactOptional(v.nullable(instantText)),
  },
  "an object of starts_at and ends_at",
);

export interface UserSpan {
  readonly startsAt: EpochMs | null;
  readonly endsAt: EpochMs | null;
}

export const noSpan: UserSpan = { startsAt: null, endsAt: null };

/** Without a beginning it begins at once. */
export function userSpan(
  schedule: v.InferOutput<typeof accessSchedule>,
  now: EpochMs,
): Result<UserSpan, ApiFault> {
  const { starts_at: startsAt = now, ends_at: endsAt = null } = schedule;
  if (endsAt !== null && endsAt <= startsAt) {
    return fail(inputFault({ "access_schedule.ends_at": ["expected a time after starts_at"] }));
  }
  return succeed({ startsAt, endsAt });
}
