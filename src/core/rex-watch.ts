import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import {
  type ChatterLimits,
  isChatter,
  quietAt,
  type RecentChanges,
  withChange,
} from "./chatter.ts";

/** A request-to-exit held for this long is stuck: nobody leans on a button for a minute. */
export const rexStuckMs = 60_000;

/** A motion sensor in a busy corridor changes often, so it is believed for longer than a contact. */
export const rexChatter: ChatterLimits = { changeCount: 20, windowMs: 10_000, quietMs: 10_000 };

/** What is known of one door's request-to-exit, whatever the door does about it. */
export interface RexWatch {
  readonly position: /** Until `egressUntil` an opening still belongs to the press that ended. */
    | { readonly kind: "idle"; readonly egressUntil: MonotonicMs | undefined }
    | { readonly kind: "pressed"; readonly stuckAt: MonotonicMs }
    | { readonly kind: "stuck" };
  readonly trust:
    | { readonly kind: "steady"; readonly changes: RecentChanges }
    | { readonly kind: "chattering"; readonly quietAt: MonotonicMs };
}

/** How a watch tells the door what is to be recorded. */
export type RexRecorder = (kind: DoorEvent["kind"] & `rex_${string}`) => void;

export function initialRex(position: "pressed" | "idle", now: MonotonicMs): RexWatch {
  return {
    position: position === "idle" ? { kind: "idle", egressUntil: undefined } : pressed(now),
    trust: { kind: "steady", changes: [] },
  };
}

/**
 * Does an opening now belong to somebody who leaves? While the REX is held, a stuck one included:
 * egress is never called a break-in, and the trouble says that the door is not watched meanwhile.
 */
export function isEgress(rex: RexWatch, now: MonotonicMs): boolean {
  if (rex.position.kind !== "idle") return true;
  return rex.position.egressUntil !== undefined && now < rex.position.egressUntil;
}

export function rexDeadlines(rex: RexWatch): readonly (MonotonicMs | undefined)[] {
  return [
    rex.position.kind === "pressed" ? rex.position.stuckAt : undefined,
    rex.trust.kind === "chattering" ? rex.trust.quietAt : undefined,
  ];
}

export function expireRex(rex: RexWatch, now: MonotonicMs, record: RexRecorder): RexWatch {
  let { position, trust } = rex;
  if (trust.kind === "chattering" && now >= trust.quietAt) {
    trust = { kind: "steady", changes: [] };
    record("rex_recovered");
  }
  if (position.kind === "pressed" && now >= position.stuckAt) {
    position = { kind: "stuck" };
    record("rex_stuck");
  }
  return { position, trust };
}

/**
 * `egressMs` is how long after its release a press still explains an opening. A change to what it
 * already is changes nothing.
 */
export function changeRex(
  rex: RexWatch,
  change: { readonly to: "pressed" | "idle"; readonly egressMs: number },
  now: MonotonicMs,
  record: RexRecorder,
): RexWatch {
  if ((change.to === "idle") === (rex.position.kind === "idle")) return rex;
  if (rex.position.kind === "stuck") record("rex_recovered");
  return {
    position:
      change.to === "pressed"
        ? pressed(now)
        : { kind: "idle", egressUntil: monotonicMs(now + change.egressMs) },
    trust: distrust(rex.trust, now, record),
  };
}

function distrust(
  trust: RexWatch["trust"],
  now: MonotonicMs,
  record: RexRecorder,
): RexWatch["trust"] {
  if (trust.kind === "chattering") return { kind: "chattering", quietAt: quietAt(rexChatter, now) };
  const changes = withChange(rexChatter, trust.changes, now);
  if (!isChatter(rexChatter, changes)) return { kind: "steady", changes };
  record("rex_chatter");
  return { kind: "chattering", quietAt: quietAt(rexChatter, now) };
}

function pressed(now: MonotonicMs): RexWatch["position"] {
  return { kind: "pressed", stuckAt: monotonicMs(now + rexStuckMs) };
}
