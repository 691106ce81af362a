import type { DoorId } from "../../../src/domain/ids.ts";
import type { WallTime } from "../../../src/domain/time.ts";

/** What can be seen of a door from outside of the controller. */
export interface Sight {
  /** As its contact says; `unknown` with no contact or with its wire at fault. */
  readonly leaf: (door: DoorId) => "open" | "closed" | "unknown";
  readonly isContactFaulty: (door: DoorId) => boolean;
  readonly isReleased: (door: DoorId) => boolean;
  readonly isRexPressed: (door: DoorId) => boolean;
  /** Secured for long enough that the bolt is home. */
  readonly isBoltHome: (door: DoorId) => boolean;
  /** Since then the strike was secured for long enough, whatever it is now. */
  readonly wasBoltHomeAfter: (door: DoorId, at: number) => boolean;
  readonly now: () => number;
  readonly wall: () => WallTime;
}
