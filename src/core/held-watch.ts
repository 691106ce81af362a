import type { DoorSettings } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";

/** For how long one opening of the leaf may last, and what has been said about it. */
export type HeldWatch =
  /** The door is held unlocked, where that lets the leaf stand open (`while_locked`). */
  | { readonly kind: "unwatched" }
  | {
      readonly kind: "in_time";
      readonly warnAt: MonotonicMs;
      readonly heldAt: MonotonicMs;
      readonly tells: HeldEvent;
    }
  | { readonly kind: "warned"; readonly heldAt: MonotonicMs; readonly tells: HeldEvent }
  /** Reaches `held` without a warning. */
  | { readonly kind: "unwarned"; readonly heldAt: MonotonicMs; readonly tells: HeldEvent }
  /** `failsToRelockAt`: the door was to lock behind it, which is worse and told as well. */
  | { readonly kind: "held"; readonly failsToRelockAt: MonotonicMs | undefined };

/** A leaf that stands open for too long, and one that kept a door from locking. */
export type HeldEvent = DoorEvent["kind"] & ("door_held" | "door_failed_to_relock");

type HeldRecorder = (kind: HeldEvent | "door_held_warning") => void;

/** What the lock allows a leaf that opens now. */
export interface Allowance {
  readonly isHeldUnlocked: boolean;
  readonly extraMs: number;
}

/** Behaviour 29: unlock time and threshold after a grant, the threshold alone if forced. */
export function watchOpening(
  settings: DoorSettings,
  { forced, isHeldUnlocked, extraMs }: Allowance & { readonly forced: boolean },
  now: MonotonicMs,
): HeldWatch {
  if (isHeldUnlocked && settings.heldOpenWatch === "while_locked") return { kind: "unwatched" };
  const allowedMs = forced ? 0 : settings.unlockMs + extraMs;
  return watchUntil(settings, monotonicMs(now + settings.heldOpenMs + allowedMs), "door_held");
}

/** A grant at an open leaf allows it the whole time again, and takes none from who has longer. */
export function watchAgain(
  settings: DoorSettings,
  watch: HeldWatch,
  allowance: Allowance,
  now: MonotonicMs,
): HeldWatch {
  const next = watchOpening(settings, { ...allowance, forced: false }, now);
  if (next.kind === "unwatched" || next.kind === "held") return next;
  const heldAt = heldAtOf(watch);
  if (heldAt === undefined || heldAt <= next.heldAt) return next;
  return watchUntil(settings, heldAt, "door_held");
}

/** The door begins to be held unlocked while the leaf stands open. */
export function watchHold(settings: DoorSettings, watch: HeldWatch, now: MonotonicMs): HeldWatch {
  if (settings.heldOpenWatch === "while_locked") return { kind: "unwatched" };
  if (watch.kind === "unwatched") return watch;
  if (watch.kind === "held") return { kind: "held", failsToRelockAt: undefined };
  if (watch.tells === "door_held") return watch;
  return watchOpening(settings, { forced: false, isHeldUnlocked: true, extraMs: 0 }, now);
}

/** The door is to lock and the leaf stands open: from now on it may for the threshold alone. */
export function watchRelock(settings: DoorSettings, watch: HeldWatch, now: MonotonicMs): HeldWatch {
  const at = monotonicMs(now + settings.heldOpenMs);
  // An alarm that is in force does not pause because things got worse.
  if (watch.kind === "held") return { kind: "held", failsToRelockAt: at };
  return watchUntil(settings, at, "door_failed_to_relock");
}

export function heldDeadline(watch: HeldWatch): MonotonicMs | undefined {
  switch (watch.kind) {
    case "unwatched":
      return undefined;
    case "in_time":
      return watch.warnAt;
    case "held":
      return watch.failsToRelockAt;
    default:
      return watch.heldAt;
  }
}

export function expireWatch(watch: HeldWatch, now: MonotonicMs, record: HeldRecorder): HeldWatch {
  if (watch.kind === "unwatched") return watch;
  if (watch.kind === "held") {
    if (watch.failsToRelockAt === undefined || now < watch.failsToRelockAt) return watch;
    record("door_failed_to_relock");
    return { kind: "held", failsToRelockAt: undefined };
  }
  const { heldAt, tells } = watch;
  const isWarning = watch.kind === "in_time" && now >= watch.warnAt;
  if (isWarning) record("door_held_warning");
  if (now < heldAt) return isWarning ? { kind: "warned", heldAt, tells } : watch;
  record(tells);
  return { kind: "held", failsToRelockAt: undefined };
}

function watchUntil(settings: DoorSettings, heldAt: MonotonicMs, tells: HeldEvent): HeldWatch {
  if (settings.heldOpenWarningMs === 0) return { kind: "unwarned", heldAt, tells };
  const warnAt = monotonicMs(heldAt - settings.heldOpenWarningMs);
  return { kind: "in_time", warnAt, heldAt, tells };
}

function heldAtOf(watch: HeldWatch): MonotonicMs | undefined {
  return watch.kind === "unwatched" || watch.kind === "held" ? undefined : watch.heldAt;
}
