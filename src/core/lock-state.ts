import type { DoorSettings } from "../domain/access.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";

/**
 * How long after the strike was secured an opening still belongs to the release: the bolt is still
 * falling, the contact still being debounced, and a slammed leaf still bouncing.
 */
export const boltFallMs = 250;

export type LockState =
  | { readonly kind: "secured" }
  /** Secured, but an opening before `until` still belongs to the release that ended. */
  | ({ readonly kind: "bolt_falling"; readonly until: MonotonicMs } & Admitted)
  | ({
      readonly kind: "released";
      readonly since: MonotonicMs;
      readonly relockAt: MonotonicMs;
    } & Admitted)
  /**
   * Released until somebody ends it. `relockAt` is when a strike that is not held would have ended the
   * last grant or exit: the end of the hold shuts nobody out before it, and whoever is still awaited
   * when the bolt would have fallen does not come any more.
   */
  | ({ readonly kind: "held"; readonly relockAt: MonotonicMs } & Admitted);

/** What the grants of one release have allowed. */
export interface Admitted {
  readonly entry: Entry;
  /** How much longer a leaf that they open may stand open: the most that any of them asked for. */
  readonly extraMs: number;
}

/**
 * Whether somebody came in after the last grant. While it is `awaited` the leaf is believed closed:
 * where nobody could tell, a grant counts as used at once. A REX expects nobody: it may be a motion
 * sensor.
 */
export type Entry = "awaited" | "made" | "not_expected";

/** Whether the strike is commanded released. */
export function isUnlocked(lock: LockState): boolean {
  return lock.kind === "released" || lock.kind === "held";
}

export function isAwaited(lock: LockState): boolean {
  return lock.kind !== "secured" && lock.entry === "awaited";
}

export function lockDeadline(lock: LockState): MonotonicMs | undefined {
  return lock.kind === "released" ? lock.relockAt : entryUntil(lock);
}

/** From when on an opening belongs to none of the grants before it. */
export function entryUntil(lock: LockState): MonotonicMs | undefined {
  if (lock.kind === "bolt_falling") return lock.until;
  if (lock.kind !== "held" || !isAwaited(lock)) return undefined;
  return monotonicMs(lock.relockAt + boltFallMs);
}

export function releaseForGrant(
  settings: DoorSettings,
  lock: LockState,
  grant: Admitted,
  now: MonotonicMs,
): LockState {
  // Who needs longer and has not come in yet keeps his time when somebody quicker follows.
  const pending = lock.kind !== "secured" && isAwaited(lock) ? lock.extraMs : 0;
  const admitted = { entry: grant.entry, extraMs: Math.max(grant.extraMs, pending) };
  return release(settings, lock, { ...admitted, forMs: settings.unlockMs + grant.extraMs }, now);
}

export function releaseForExit(
  settings: DoorSettings,
  lock: LockState,
  now: MonotonicMs,
): LockState {
  return releaseForPulse(settings, lock, settings.unlockMs, now);
}

/** As an exit of another length: a technician at the lock is nobody that comes in. */
export function releaseForPulse(
  settings: DoorSettings,
  lock: LockState,
  forMs: number,
  now: MonotonicMs,
): LockState {
  const { entry, extraMs } =
    lock.kind === "secured" ? ({ entry: "not_expected", extraMs: 0 } as const) : lock;
  return release(settings, lock, { entry, extraMs, forMs }, now);
}

/**
 * A release that goes on keeps the instant it began, so that no series of grants burns the coil; a
 * grant shortly before the coil's limit is cut short by it. One that should have ended by then, by a
 * late timer or a new table's limit, is over: else whoever asks next would be refused.
 */
function release(
  { strikeOnMaxMs }: DoorSettings,
  lock: LockState,
  { entry, extraMs, forMs }: Admitted & { readonly forMs: number },
  now: MonotonicMs,
): LockState {
  const asked = askedUntil(lock, monotonicMs(now + forMs));
  if (lock.kind === "held") return { kind: "held", relockAt: asked, entry, extraMs };
  const isGoingOn = lock.kind === "released" && now < lock.since + strikeOnMaxMs;
  const since = isGoingOn ? lock.since : now;
  const relockAt = monotonicMs(Math.min(asked, since + strikeOnMaxMs));
  return { kind: "released", since, relockAt, entry, extraMs };
}

/** A grant never shortens what an earlier one asked for. */
function askedUntil(lock: LockState, asked: MonotonicMs): MonotonicMs {
  if (lock.kind !== "released" && lock.kind !== "held") return asked;
  return monotonicMs(Math.max(lock.relockAt, asked));
}

/** Released until `endHold` or `secure`; neither time nor the leaf ends it. */
export function hold(lock: LockState, now: MonotonicMs): LockState {
  switch (lock.kind) {
    case "held":
      return lock;
    case "secured":
      return { kind: "held", relockAt: now, entry: "not_expected", extraMs: 0 };
    default: {
      const relockAt = lock.kind === "released" ? lock.relockAt : now;
      return { kind: "held", relockAt, entry: lock.entry, extraMs: lock.extraMs };
    }
  }
}

/** Who was let in a moment ago keeps the rest of his time; otherwise secured at once. */
export function endHold(
  { strikeOnMaxMs }: DoorSettings,
  lock: LockState,
  now: MonotonicMs,
): LockState {
  if (lock.kind !== "held") return lock;
  if (now >= lock.relockAt) return secure(lock, now);
  // A lock that is made to be held has no coil to spare until now.
  const relockAt = monotonicMs(Math.min(lock.relockAt, now + strikeOnMaxMs));
  return { kind: "released", since: now, relockAt, entry: lock.entry, extraMs: lock.extraMs };
}

/** Secured at once, whatever it was released for. */
export function secure(lock: LockState, now: MonotonicMs): LockState {
  if (lock.kind !== "released" && lock.kind !== "held") return lock;
  const { entry, extraMs } = lock;
  return { kind: "bolt_falling", until: monotonicMs(now + boltFallMs), entry, extraMs };
}

/** Released for as long as an exit from now on takes; whoever goes on pressing prolongs it. */
export function shorten(
  { unlockMs, strikeOnMaxMs }: DoorSettings,
  lock: LockState,
  now: MonotonicMs,
): LockState {
  if (lock.kind !== "released" && lock.kind !== "held") return lock;
  const since = lock.kind === "released" ? lock.since : now;
  const until = Math.min(now + unlockMs, since + strikeOnMaxMs);
  const relockAt = monotonicMs(lock.kind === "released" ? Math.min(lock.relockAt, until) : until);
  return { kind: "released", since, relockAt, entry: lock.entry, extraMs: lock.extraMs };
}

/** What the relock options do: they end what grants and exits asked for, and never a hold. */
export function relock(lock: LockState, now: MonotonicMs): LockState {
  return lock.kind === "held" ? { ...lock, relockAt: now } : secure(lock, now);
}

/** `isLeaving`: somebody holds the REX before a leaf that is not open. Only the coil's limit is above him. */
export function relockWhenDue(
  settings: DoorSettings,
  lock: LockState,
  { isLeaving }: { readonly isLeaving: boolean },
  now: MonotonicMs,
): LockState {
  if (lock.kind !== "released" || now < lock.relockAt) return lock;
  const isCoilSpent = now >= lock.since + settings.strikeOnMaxMs;
  return isLeaving && !isCoilSpent ? releaseForExit(settings, lock, now) : secure(lock, now);
}

/** Nobody came in, and nobody who was granted will: what is left is the hold, if it is one. */
export function notEntered(lock: LockState): LockState {
  if (lock.kind !== "held") return { kind: "secured" };
  return { ...lock, entry: "not_expected", extraMs: 0 };
}

export function entered(lock: LockState): LockState {
  return lock.kind === "secured" || !isAwaited(lock) ? lock : { ...lock, entry: "made" };
}

/** A hold outlasts many entries: the next leaf to open in it is not that of who needed longer. */
export function shutBehind(lock: LockState): LockState {
  return lock.kind === "held" && lock.entry === "made" ? { ...lock, extraMs: 0 } : lock;
}
