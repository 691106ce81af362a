export type StrikeCommand = "secured" | "released";

/**
 * The electric strike or maglock of one door. Wiring is inside: `secured` is de-energized for a
 * fail-secure strike and energized for a fail-safe one, and the caller never needs to know.
 */
export interface Strike {
  /**
   * Commands the lock. Idempotent. It promises that the line has the level, not that a bolt moved.
   * Throws `HalError`; what was commanded before still holds then.
   */
  drive(command: StrikeCommand): void;

  /** What we last asked for. This does *not* sense the bolt: a jammed strike reads "secured" here. */
  commanded(): StrikeCommand;

  /** Secures, then frees the line. Safe to call twice. */
  close(): void;
}
