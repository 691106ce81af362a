/** What one look at the machine came to. */
export interface Finding {
  /** What was looked at, as `disk room`. */
  readonly check: string;
  /** `fail`: doors do not work, or not after the next power cut. `warn`: something is lacking. */
  readonly verdict: "ok" | "warn" | "fail";
  /** In words, without a secret. */
  readonly saw: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(check: string, saw: string): Finding {
  return { check, verdict: "ok", saw };
}

export function warn(check: string, saw: string, fix: string): Finding {
  return { check, verdict: "warn", saw, fix };
}

export function failed(check: string, saw: string, fix: string): Finding {
  return { check, verdict: "fail", saw, fix };
}
