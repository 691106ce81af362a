/** What a technician should mend: see `PremisesStore`. */
export const premisesTroubles = {
  /** The disk takes no changes, or does not answer; passes with a use count are denied. */
  failing: "premises_failing",
  /** What was found on disk was not all readable; what was is in force. Stays until the next start. */
  damaged: "premises_damaged",
} as const;
