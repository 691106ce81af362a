import type { AreaId, DoorId, PassId, ReaderId, UserId } from "../domain/ids.ts";
import type { MonotonicMs } from "../domain/time.ts";
import type { PostureState } from "./posture.ts";

/**
 * What one controller knows beside its table: who is where, what was used up, how its doors stand.
 * The checks read it; what is to change in it, a decision says and somebody else does.
 */
export interface Premises {
  /** How many grants of this pass this controller has made. */
  spent(pass: PassId): number;
  /** Undefined where nothing is recorded: such a user may be anywhere. */
  whereabouts(user: UserId): Whereabouts | undefined;
  /** Who is recorded inside, and who was granted and may still come in. */
  occupancy(area: AreaId): number;
  /**
   * Granted to come in and not through yet: who shows his card twice is in `occupancy` once. With
   * `besides`: by another door than that.
   */
  isComing(user: UserId, area: AreaId, besides?: DoorId): boolean;
  /** Managers who are recorded inside. */
  managerCount(area: AreaId): number;
  postureState(door: DoorId): PostureState;
  /** Leaf closed (or without a contact), strike secured, and nobody granted who may still open it. */
  isShut(door: DoorId): boolean;
  /** Of the reader, or of the controller's enclosure. */
  isTampered(reader: ReaderId | undefined): boolean;
}

export interface Whereabouts {
  /** Absent: outside of every area. */
  readonly area?: AreaId;
  /** When the user came there. */
  readonly since: MonotonicMs;
}

/** Where a user who was granted will be, once he came through. Absent: the door leads nowhere. */
export interface Passage {
  readonly user: UserId;
  readonly to?: AreaId;
  /** For areas that ask for a manager inside. */
  readonly isManager: boolean;
}

/** Nothing is known and nothing is wrong: what a site that asks about a controller's door supposes. */
export const unknownPremises: Premises = {
  spent: () => 0,
  whereabouts: () => undefined,
  occupancy: () => 0,
  isComing: () => false,
  managerCount: () => 0,
  postureState: () => ({}),
  isShut: () => true,
  isTampered: () => false,
};
