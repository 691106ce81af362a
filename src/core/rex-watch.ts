import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { WireFault } from "../domain/wire-fault.ts";
import {
  type ChatterLimits,
  isChatter,
  quietAt,
  type RecentChanges,
  withChange,
} from "./chatter.ts";
import { foundFaultTellMs } from "./found-fault.ts";

/** A request-to-exit held for this long is stuck: nobody leans on a button for a minute. */
export const rexStuckMs = 60_000;

/** A motion sensor in a busy corridor changes often, so it is believed for longer than a contact. */
export const rexChatter: ChatterLimits = { changeCount: 20, windowMs: 10_000, quietMs: 10_000 };

/** What the request-to-exit's wires say. */
export type RexReading = "pressed" | "idle" | WireFault;

/** What is known of one door's request-to-exit, whatever the door does about it. */
export interface RexWatch {
  readonly position: /** Until `egressUntil` an opening still belongs to the press that ended. */
    | { readonly kind: "idle"; readonly egressUntil: MonotonicMs | undefined }
    | { readonly kind: "pressed"; readonly stuckAt: MonotonicMs }
    | { readonly kind: "stuck" }
    | {
        readonly kind: "faulty";
        readonly fault: WireFault;
        /** Found at start and not told yet. */
        readonly tellAt: MonotonicMs | undefined;
      };
  readonly trust:
    | { readonly kind: "steady"; readonly changes: RecentChanges }
    | { readonly kind: "chattering"; readonly quietAt: MonotonicMs };
}

/** How a watch tells the door what is to be recorded. */
export type RexRecorder = (kind: DoorEvent["kind"] & `rex_${string}`) => void;

export function initialRex(found: RexReading, now: MonotonicMs): RexWatch {
  const trust = { kind: "steady", changes: [] } as const;
  if (found === "idle") return { position: { kind: "idle", egressUntil: undefined }, trust };
  if (found === "pressed") return { position: pressed(now), trust };
  const tellAt = monotonicMs(now + foundFaultTellMs);
  return { position: { kind: "faulty", fault: found, tellAt }, trust };
}

/**
 * Does an opening now belong to somebody who leaves? While the REX is held, a stuck one included,
 * and while its wires are at fault: egress is never called a break-in, and the trouble says that the
 * door is not watched meanwhile.
 */
export function isEgress(rex: RexWatch, now: MonotonicMs): boolean {
  if (rex.position.kind !== "idle") return true;
  return rex.position.egressUntil !== undefined && now < rex.position.egressUntil;
}

export function rexDeadlines(rex: RexWatch): readonly (MonotonicMs | undefined)[] {
  return [
    rex.position.kind === "pressed" ? rex.position.stuckAt : undefined,
    rex.position.kind === "faulty" ? rex.position.tellAt : undefined,
    rex.trust.kind === "chattering" ? rex.trust.quietAt : undefined,
  ];
}

export function expireRex(rex: RexWatch, now: MonotonicMs, record: RexRecorder): RexWatch {
  let { position, trust } = rex;
  if (trust.kind === "chattering" && now >= trust.quietAt) {
    trust = { kind: "steady", changes: [] };
    record(position.kind === "faulty" ? `rex_${position.fault}` : "rex_recovered");
  }
  if (position.kind === "pressed" && now >= position.stuckAt) {
    position = { kind: "stuck" };
    record("rex_stuck");
  }
  if (position.kind === "faulty" && position.tellAt !== undefined && now >= position.tellAt) {
    position = { ...position, tellAt: undefined };
    record(`rex_${position.fault}`);
  }
  return { position, trust };
}

/**
 * `egressMs` is how long after its release a press still explains an opening. A change to what it
 * already is changes nothing.
 */
export function changeRex(
  rex: RexWatch,
  change: { readonly to: RexReading; readonly egressMs: number },
  now: MonotonicMs,
  record: RexRecorder,
): RexWatch {
  const { to, egressMs } = change;
  if (to === readingOf(rex.position)) return rex;
  const trust = distrust(rex.trust, now, record);
  // One that chatters is told as that alone until it is quiet.
  if (trust.kind === "steady") tellChange(rex.position, to, record);
  return { position: positionAt(to, egressMs, now), trust };
}

function readingOf(position: RexWatch["position"]): RexReading {
  if (position.kind === "faulty") return position.fault;
  return position.kind === "idle" ? "idle" : "pressed";
}

function tellChange(was: RexWatch["position"], to: RexReading, record: RexRecorder): void {
  if (to === "cut" || to === "shorted") record(`rex_${to}`);
  else if (was.kind === "stuck") record("rex_recovered");
  else if (was.kind === "faulty" && was.tellAt === undefined) record("rex_recovered");
}

function positionAt(to: RexReading, egressMs: number, now: MonotonicMs): RexWatch["position"] {
  if (to === "pressed") return pressed(now);
  if (to === "idle") return { kind: "idle", egressUntil: monotonicMs(now + egressMs) };
  return { kind: "faulty", fault: to, tellAt: undefined };
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
