import type { DoorOwnEvent } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";

/** One opening of the leaf, as the site has to hear of it. */
export interface Opening {
  readonly forced: boolean;
  /** Undefined while it may last: the door is held unlocked and its site does not mind. */
  limit: { readonly warnAt: number | undefined; readonly heldAt: number } | undefined;
  /** The door was to lock behind it. */
  isRelockAwaited: boolean;
  /** Told on top of an alarm that was in force when the door was to lock. */
  failsToRelockAt: number | undefined;
  isHeld: boolean;
  isWarned: boolean;
  isTold: boolean;
}

export function limitAt(settings: DoorSettings, heldAt: number): Opening["limit"] {
  const warningMs = settings.heldOpenWarningMs;
  return { warnAt: warningMs === 0 ? undefined : heldAt - warningMs, heldAt };
}

/** A grant at an open leaf: all of its time from now on, or what it had if that is longer. */
export function allowedAgain(
  settings: DoorSettings,
  opening: Opening,
  allowed: Opening["limit"],
): Opening {
  const had = opening.isHeld ? undefined : opening.limit;
  const isLonger = had !== undefined && allowed !== undefined && had.heldAt > allowed.heldAt;
  const limit = isLonger ? limitAt(settings, had.heldAt) : allowed;
  const anew = { isHeld: false, isWarned: false, isRelockAwaited: false };
  return { ...opening, ...anew, limit, failsToRelockAt: undefined };
}

/** What time alone makes of it, told as it comes due. */
export function watchOpening(
  opening: Opening,
  now: number,
  tell: (kind: DoorOwnEvent["kind"]) => void,
): void {
  if (opening.failsToRelockAt !== undefined && now >= opening.failsToRelockAt) {
    opening.failsToRelockAt = undefined;
    tell("door_failed_to_relock");
  }
  const { limit } = opening;
  if (opening.isHeld || limit === undefined) return;
  if (limit.warnAt !== undefined && now >= limit.warnAt && !opening.isWarned) {
    opening.isWarned = true;
    tell("door_held_warning");
  }
  if (now >= limit.heldAt) {
    opening.isHeld = true;
    opening.isTold = true;
    tell(opening.isRelockAwaited ? "door_failed_to_relock" : "door_held");
  }
}
