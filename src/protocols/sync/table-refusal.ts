/** Why what claims to come from the site was not taken. `detail` names fields and never secrets. */
export interface TableRefusal {
  readonly reason:
    | "too_long"
    | "malformed"
    | "unsigned"
    /** Not by this site for this controller and this purpose, or changed since. */
    | "altered"
    | "older"
    | typeof numberTaken
    | "invalid_content";
  readonly detail: string;
}

/**
 * Another table of the site's is in force under the very same number, which happens to a site that
 * was restored from a copy. Like `older` it is for the caller to judge; the site raises its epoch.
 */
export const numberTaken = "number_taken";
