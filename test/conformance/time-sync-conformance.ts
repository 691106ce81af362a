import type { Test } from "tap";
import type { TimeSync } from "../../hal/time-sync.ts";

export interface TimeSyncRig {
  readonly timeSync: TimeSync;
  /** From now on a time source has set the clock, has lost its servers, or is not there. */
  become(state: "synchronised" | "unsynchronised" | "absent"): void;
}

/** What `hal/time-sync.ts` promises, of any implementation. */
export function timeSyncConformance(t: Test, makeRig: (t: Test) => TimeSyncRig): void {
  t.test("each question is answered as things are when it is asked", async (t) => {
    const { timeSync, become } = makeRig(t);
    for (const state of ["absent", "synchronised", "unsynchronised", "synchronised"] as const) {
      become(state);
      t.equal(await timeSync.ask(), state);
    }
  });
}
