/** What a technician should mend: see `KeptClock`. */
export const clockTroubles = {
  /** Nobody vouches for the time: passes and rules with a time limit are denied. */
  unknown: "clock_unknown",
  /** How far time has come cannot be written: after a restart it may run back. */
  floorFailing: "clock_floor_failing",
  /** How far time had come could not be read: it may have run back. Stays until the next start. */
  floorDamaged: "clock_floor_damaged",
  /** The clock chip does not answer, or says what is no time. */
  chipAbsent: "clock_chip_absent",
  /** The clock chip has stood still: its battery is empty, or was taken out. Until it is set again. */
  chipStopped: "clock_chip_stopped",
} as const;
