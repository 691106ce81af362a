import type { DoorPosture } from "../domain/access.ts";
import type { PassId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";

/** What people have done to one door's posture, beside what its site and its schedules say. */
export interface PostureState {
  /** An operator's. Absent `until`: until it is cleared. Lockdown has none. */
  readonly override?: { readonly posture: DoorPosture; readonly until?: EpochMs };
  /** Somebody came in first; holds until that open stretch of the schedule ends. */
  readonly firstIn?: { readonly until: EpochMs };
  /** The toggle pass that unlocked it. */
  readonly toggledBy?: PassId;
}
