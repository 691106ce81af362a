/** What a technician should mend: see `reportTroubles`. */
export const journalTroubles = {
  /** The disk takes no entries, or does not answer; they wait in memory and writing is tried again. */
  failing: "journal_failing",
  /** The site acknowledges nothing and there is no room for more. */
  full: "journal_full",
  /** Entries were lost since writing last worked. */
  overflow: "journal_overflow",
  /** The journal found on disk was damaged; it was kept under another name and a new one begun. */
  setAside: "journal_set_aside",
  /**
   * The site has other entries under the numbers of this journal: its disk took back what it had called
   * written. What the site does not have goes on in a journal of another name.
   */
  forked: "journal_forked",
} as const;
