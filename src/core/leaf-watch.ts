import type { DoorSettings } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import {
  type ChatterLimits,
  isChatter,
  quietAt,
  type RecentChanges,
  withChange,
} from "./chatter.ts";

/** Four openings and closings in ten seconds are a loose contact. */
export const contactChatter: ChatterLimits = { changeCount: 8, windowMs: 10_000, quietMs: 10_000 };

export type LeafState =
  | { readonly kind: "no_contact" }
  | ClosedLeaf
  | OpenLeaf
  /** The contact is not believed: until `quietAt` the door is treated as one without a contact. */
  | {
      readonly kind: "chattering";
      readonly seen: "open" | "closed";
      /** Whether the last opening that was seen was forced. */
      readonly forced: boolean;
      readonly quietAt: MonotonicMs;
      /** What was believed before, alarms included; they last until the contact can tell otherwise. */
      readonly before: ClosedLeaf | OpenLeaf;
    };

export interface ClosedLeaf {
  readonly kind: "closed";
  readonly changes: RecentChanges;
}

export interface OpenLeaf {
  readonly kind: "open";
  readonly changes: RecentChanges;
  readonly forced: boolean;
  readonly held:
    | { readonly kind: "in_time"; readonly warnAt: MonotonicMs; readonly heldAt: MonotonicMs }
    | { readonly kind: "warned"; readonly heldAt: MonotonicMs }
    /** Reaches `held` without a warning. */
    | { readonly kind: "unwarned"; readonly heldAt: MonotonicMs }
    | { readonly kind: "held" };
  /** This opening was reported as forced or held, so its end will be reported as well. */
  readonly isReported: boolean;
}

export type LeafAlarm = "none" | "warning_held" | "alarm_held" | "alarm_forced";

/** How a watch tells the door what is to be recorded. */
export type LeafRecorder = (
  kind: DoorEvent["kind"] & (`door_${string}` | `contact_${string}`),
) => void;

export function initialLeaf(
  settings: DoorSettings,
  found: "open" | "closed" | "no_contact",
  now: MonotonicMs,
): LeafState {
  if (found === "open") return openLeaf(settings, { forced: false, changes: [] }, now);
  return found === "closed" ? { kind: "closed", changes: [] } : { kind: "no_contact" };
}

/** What the contact says; while it chatters, the last that it said. */
export function seenLeaf(leaf: LeafState): "open" | "closed" | "no_contact" {
  return leaf.kind === "chattering" ? leaf.seen : leaf.kind;
}

/** The gravest alarm in force. */
export function leafAlarm(leaf: LeafState): LeafAlarm {
  const known = leaf.kind === "chattering" ? leaf.before : leaf;
  if (known.kind !== "open") return "none";
  if (known.forced) return "alarm_forced";
  if (known.held.kind === "held") return "alarm_held";
  return known.held.kind === "warned" ? "warning_held" : "none";
}

export function leafDeadline(leaf: LeafState): MonotonicMs | undefined {
  if (leaf.kind === "chattering") return leaf.quietAt;
  if (leaf.kind !== "open" || leaf.held.kind === "held") return undefined;
  return leaf.held.kind === "in_time" ? leaf.held.warnAt : leaf.held.heldAt;
}

/** What can be relied on at `now`, at which a chatter may have gone quiet. */
export function believedLeaf(leaf: LeafState, now: MonotonicMs): "open" | "closed" | "unknown" {
  switch (leaf.kind) {
    case "no_contact":
      return "unknown";
    case "open":
    case "closed":
      return leaf.kind;
    case "chattering":
      return now < leaf.quietAt ? "unknown" : leaf.seen;
    default:
      return unreachable(leaf);
  }
}

/** A grant at an open leaf allows it the whole time again. What was forced stays forced. */
export function grantWhileOpen(settings: DoorSettings, leaf: OpenLeaf, now: MonotonicMs): OpenLeaf {
  return { ...leaf, held: heldFrom(settings, { forced: false }, now) };
}

/** `forced`: nothing allowed the opening. A change to what the contact already said is none. */
export function changeLeaf(
  settings: DoorSettings,
  leaf: LeafState,
  { to, forced }: { readonly to: "open" | "closed"; readonly forced: boolean },
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  if (leaf.kind === "no_contact" || seenLeaf(leaf) === to) return leaf;
  const quiet = quietAt(contactChatter, now);
  if (leaf.kind === "chattering") return { ...leaf, seen: to, forced, quietAt: quiet };
  const changes = withChange(contactChatter, leaf.changes, now);
  if (isChatter(contactChatter, changes)) {
    record("contact_chatter");
    return { kind: "chattering", seen: to, forced, quietAt: quiet, before: leaf };
  }
  if (to === "open") {
    if (forced) record("door_forced");
    return openLeaf(settings, { forced, changes }, now);
  }
  if (leaf.kind === "open" && leaf.isReported) record("door_secured");
  return { kind: "closed", changes };
}

/** Everything about the leaf that time alone changes. */
export function expireLeaf(
  settings: DoorSettings,
  leaf: LeafState,
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  return expireHeld(expireChatter(settings, leaf, now, record), now, record);
}

function openLeaf(
  settings: DoorSettings,
  how: { readonly forced: boolean; readonly changes: RecentChanges },
  now: MonotonicMs,
): OpenLeaf {
  return { kind: "open", ...how, held: heldFrom(settings, how, now), isReported: how.forced };
}

/** Behaviour 29: unlock time and threshold after a grant, the threshold alone if forced. */
function heldFrom(
  settings: DoorSettings,
  { forced }: { readonly forced: boolean },
  now: MonotonicMs,
): OpenLeaf["held"] {
  const heldAt = monotonicMs(now + settings.heldOpenMs + (forced ? 0 : settings.unlockMs));
  if (settings.heldOpenWarningMs === 0) return { kind: "unwarned", heldAt };
  return { kind: "in_time", warnAt: monotonicMs(heldAt - settings.heldOpenWarningMs), heldAt };
}

function expireHeld(leaf: LeafState, now: MonotonicMs, record: LeafRecorder): LeafState {
  if (leaf.kind !== "open" || leaf.held.kind === "held") return leaf;
  let { held } = leaf;
  if (held.kind === "in_time" && now >= held.warnAt) {
    record("door_held_warning");
    held = { kind: "warned", heldAt: held.heldAt };
  }
  if (now < held.heldAt) return { ...leaf, held };
  record("door_held");
  return { ...leaf, held: { kind: "held" }, isReported: true };
}

/** Ends a chatter that has gone quiet, with what the contact settled on. */
function expireChatter(
  settings: DoorSettings,
  leaf: LeafState,
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  if (leaf.kind !== "chattering" || now < leaf.quietAt) return leaf;
  record("contact_recovered");
  const wasReported = leaf.before.kind === "open" && leaf.before.isReported;
  if (leaf.seen === "closed") {
    if (wasReported) record("door_secured");
    return { kind: "closed", changes: [] };
  }
  // An alarm that the site was told of goes on; nobody can say that the leaf was shut in between.
  if (wasReported) return { ...leaf.before, changes: [] };
  if (leaf.forced) record("door_forced");
  return openLeaf(settings, { forced: leaf.forced, changes: [] }, now);
}
