/** `absent`: nothing on this machine can tell. */
export type SyncAnswer = "synchronised" | "unsynchronised" | "absent";

/**
 * How long ago a time source may have spoken for the clock to count as synchronised. It is the kernel's
 * own figure: from a source's word on, it lets the clock's possible error grow by 500 ppm, and gives
 * the clock up at 16 s.
 */
export const synchronisedMsMax = 32_000_000;

/** What vouches for the machine's wall clock. */
export interface TimeSync {
  /**
   * Whether a time source has set the machine's clock within `synchronisedMsMax`, and nobody has set it
   * by hand since. This does *not* say that the time is right: who owns the network between here and
   * an unauthenticated time server can tell it anything.
   *
   * Takes up to 20 s and never rejects: what cannot be asked is `absent`. One call at a time.
   */
  ask(): Promise<SyncAnswer>;
}
