import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { EpochMs } from "../../../domain/time.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import { isoOf } from "./user-json.ts";

export interface PassSpan {
  readonly startsAt: EpochMs | null;
  readonly endsAt: EpochMs | null;
  /** What the API warns of. */
  readonly warnings: readonly object[];
}

/**
 * From when until when a pass is good. One that was to begin in the past begins now, which is told;
 * one that would be over by now is refused.
 */
export function passSpan(
  given: { readonly starts_at?: EpochMs; readonly ends_at?: EpochMs },
  now: EpochMs,
): Result<PassSpan, ApiFault> {
  const { starts_at: wanted, ends_at: endsAt = null } = given;
  if (endsAt !== null && endsAt <= now) {
    return fail(inputFault({ ends_at: ["expected a time in the future"] }));
  }
  if (endsAt !== null && wanted !== undefined && endsAt <= wanted) {
    return fail(inputFault({ ends_at: ["expected a time after starts_at"] }));
  }
  if (wanted === undefined) return succeed({ startsAt: null, endsAt, warnings: [] });
  if (wanted >= now) return succeed({ startsAt: wanted, endsAt, warnings: [] });
  const warning = {
    warning_code: "schedule_modified",
    message: `The credential was to start in the past, at ${isoOf(wanted)}; it starts now.`,
    created_at: isoOf(now),
  };
  return succeed({ startsAt: now, endsAt, warnings: [warning] });
}
