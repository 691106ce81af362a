import type { DoorSettings } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { WireFault } from "../domain/wire-fault.ts";
import {
  type ChatterLimits,
  isChatter,
  quietAt,
  type RecentChanges,
  withChange,
} from "./chatter.ts";
import { foundFaultTellMs } from "./found-fault.ts";
import {
  type Allowance,
  expireWatch,
  type HeldWatch,
  heldDeadline,
  watchAgain,
  watchHold,
  watchOpening,
  watchRelock,
} from "./held-watch.ts";

/** Four openings and closings in ten seconds are a loose contact; a wire that comes and goes as well. */
export const contactChatter: ChatterLimits = { changeCount: 8, windowMs: 10_000, quietMs: 10_000 };

/** So many grants in a row that nobody used, as it seems, are a contact that always says closed. */
export const contactStuckCount = 10;

/** What the contact's wires say. */
export type LeafReading = "open" | "closed" | WireFault;

export type LeafState =
  | { readonly kind: "no_contact" }
  | ClosedLeaf
  | OpenLeaf
  /** The contact is not believed: until `quietAt` the door is treated as one without a contact. */
  | ({
      readonly kind: "chattering";
      readonly seen: LeafReading;
      readonly quietAt: MonotonicMs;
    } & Unbelieved)
  /** Not believed either, for as long as the wires stay as they are. */
  | ({
      readonly kind: "faulty";
      readonly fault: WireFault;
      readonly changes: RecentChanges;
      /** Found at start and not told yet. */
      readonly tellAt: MonotonicMs | undefined;
    } & Unbelieved);

export interface ClosedLeaf {
  readonly kind: "closed";
  readonly changes: RecentChanges;
  /** Grants in a row that nobody seems to have used. */
  readonly unusedCount: number;
}

export interface OpenLeaf {
  readonly kind: "open";
  readonly changes: RecentChanges;
  readonly forced: boolean;
  readonly held: HeldWatch;
  /** This opening was reported as forced or held, so its end will be reported as well. */
  readonly isReported: boolean;
}

interface Unbelieved {
  /** Whether the leaf was forced, should it turn out to be open: nothing explained an opening. */
  readonly forced: boolean;
  /** What was believed before, alarms included; they last until the contact can tell otherwise. */
  readonly before: ClosedLeaf | OpenLeaf;
}

export type LeafAlarm = "none" | "warning_held" | "alarm_held" | "alarm_forced";

/** How a watch tells the door what is to be recorded. */
export type LeafRecorder = (
  kind: DoorEvent["kind"] & (`door_${string}` | `contact_${string}`),
) => void;

/** A change of the contact, and what the rest of the door has to say about it. */
export interface LeafChange extends Allowance {
  readonly to: LeafReading;
  /** Nothing allows an opening now. */
  readonly forced: boolean;
}

const closed: ClosedLeaf = { kind: "closed", changes: [], unusedCount: 0 };

export function initialLeaf(
  settings: DoorSettings,
  found: LeafReading | "no_contact",
  now: MonotonicMs,
): LeafState {
  switch (found) {
    case "no_contact":
      return { kind: "no_contact" };
    case "closed":
      return closed;
    case "open":
      return openLeaf(
        settings,
        { forced: false, changes: [], isHeldUnlocked: false, extraMs: 0 },
        now,
      );
    case "cut":
    case "shorted": {
      const tellAt = monotonicMs(now + foundFaultTellMs);
      return { kind: "faulty", fault: found, changes: [], tellAt, forced: false, before: closed };
    }
    default:
      return unreachable(found);
  }
}

/** What the contact says; while it chatters, the last that it said. */
export function seenLeaf(leaf: LeafState): LeafReading | "no_contact" {
  if (leaf.kind === "faulty") return leaf.fault;
  return leaf.kind === "chattering" ? leaf.seen : leaf.kind;
}

/** The gravest alarm in force. */
export function leafAlarm(leaf: LeafState): LeafAlarm {
  const known = leaf.kind === "chattering" || leaf.kind === "faulty" ? leaf.before : leaf;
  if (known.kind !== "open") return "none";
  if (known.forced) return "alarm_forced";
  if (known.held.kind === "held") return "alarm_held";
  return known.held.kind === "warned" ? "warning_held" : "none";
}

export function leafDeadline(leaf: LeafState): MonotonicMs | undefined {
  if (leaf.kind === "chattering") return leaf.quietAt;
  if (leaf.kind === "faulty") return leaf.tellAt;
  return leaf.kind === "open" ? heldDeadline(leaf.held) : undefined;
}

/** What can be relied on at `now`, at which a chatter may have gone quiet. */
export function believedLeaf(leaf: LeafState, now: MonotonicMs): "open" | "closed" | "unknown" {
  const seen = seenLeaf(leaf);
  if (seen !== "open" && seen !== "closed") return "unknown";
  return leaf.kind === "chattering" && now < leaf.quietAt ? "unknown" : seen;
}

/** A grant at an open leaf allows it the whole time again. What was forced stays forced. */
export function grantWhileOpen(
  settings: DoorSettings,
  leaf: OpenLeaf,
  allowance: Allowance,
  now: MonotonicMs,
): OpenLeaf {
  return { ...leaf, held: watchAgain(settings, leaf.held, allowance, now) };
}

/** The door begins to be held unlocked. */
export function holdLeaf(settings: DoorSettings, leaf: LeafState, now: MonotonicMs): LeafState {
  return changeHeld(leaf, (held) => watchHold(settings, held, now));
}

/** The door is no longer held unlocked. */
export function endHoldOfLeaf(
  settings: DoorSettings,
  leaf: LeafState,
  now: MonotonicMs,
): LeafState {
  return changeHeld(leaf, (held) => watchRelock(settings, held, now));
}

/** Somebody was granted and the leaf did not open. */
export function leafNotUsed(leaf: LeafState, record: LeafRecorder): LeafState {
  if (leaf.kind !== "closed" || leaf.unusedCount >= contactStuckCount) return leaf;
  const unusedCount = leaf.unusedCount + 1;
  if (unusedCount === contactStuckCount) record("contact_stuck");
  return { ...leaf, unusedCount };
}

/** Something allows an opening that the contact cannot be trusted to show. */
export function explainUnseen(leaf: LeafState): LeafState {
  const isUnseen = leaf.kind === "faulty" || (leaf.kind === "chattering" && isFault(leaf.seen));
  return isUnseen && leaf.forced ? { ...leaf, forced: false } : leaf;
}

/** A change to what the contact already said is none. */
export function changeLeaf(
  settings: DoorSettings,
  leaf: LeafState,
  change: LeafChange,
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  const { to } = change;
  if (leaf.kind === "no_contact" || seenLeaf(leaf) === to) return leaf;
  const forced = to !== "closed" && wasForced(leaf, change);
  const quiet = quietAt(contactChatter, now);
  if (leaf.kind === "chattering") return { ...leaf, seen: to, forced, quietAt: quiet };
  const changes = withChange(contactChatter, leaf.changes, now);
  const before = leaf.kind === "faulty" ? leaf.before : leaf;
  if (isChatter(contactChatter, changes)) {
    record("contact_chatter");
    return { kind: "chattering", seen: to, forced, quietAt: quiet, before };
  }
  if (isFault(to)) {
    record(`contact_${to}`);
    return { kind: "faulty", fault: to, changes, tellAt: undefined, forced, before };
  }
  if (leaf.kind === "faulty") {
    if (leaf.tellAt === undefined) record("contact_recovered");
    return believeAgain(settings, { ...change, to, changes, forced, before }, now, record);
  }
  if (to === "open") {
    if (leaf.kind === "closed" && leaf.unusedCount >= contactStuckCount)
      record("contact_recovered");
    if (forced) record("door_forced");
    return openLeaf(settings, { ...change, changes }, now);
  }
  if (leaf.kind === "open" && leaf.isReported) record("door_secured");
  return { ...closed, changes };
}

/** Everything about the leaf that time alone changes. */
export function expireLeaf(
  settings: DoorSettings,
  leaf: LeafState,
  allowance: Allowance,
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  return expireHeld(expireDoubt(settings, leaf, allowance, now, record), now, record);
}

/** An opening that was seen, or may have been overlooked, is told by what allowed it at the time. */
function wasForced(leaf: LeafState, change: LeafChange): boolean {
  if (leaf.kind === "no_contact" || leaf.kind === "closed") return change.forced;
  return leaf.kind === "chattering" && leaf.seen === "closed" ? change.forced : leaf.forced;
}

function isFault(reading: LeafReading): reading is WireFault {
  return reading === "cut" || reading === "shorted";
}

function openLeaf(
  settings: DoorSettings,
  how: Allowance & { readonly forced: boolean; readonly changes: RecentChanges },
  now: MonotonicMs,
): OpenLeaf {
  const { forced, changes } = how;
  const held = watchOpening(settings, how, now);
  return { kind: "open", forced, changes, held, isReported: forced };
}

function changeHeld(leaf: LeafState, change: (held: HeldWatch) => HeldWatch): LeafState {
  const changed = <Known extends LeafState>(known: Known | OpenLeaf): Known | OpenLeaf =>
    known.kind === "open" ? { ...known, held: change(known.held) } : known;
  if (leaf.kind !== "chattering" && leaf.kind !== "faulty") return changed(leaf);
  // What was believed before is what an alarm in force goes on from.
  return { ...leaf, before: changed(leaf.before) };
}

function expireHeld(leaf: LeafState, now: MonotonicMs, record: LeafRecorder): LeafState {
  if (leaf.kind !== "open") return leaf;
  const held = expireWatch(leaf.held, now, record);
  if (held === leaf.held) return leaf;
  return { ...leaf, held, isReported: leaf.isReported || held.kind === "held" };
}

/** Ends a chatter that has gone quiet, and tells of a fault that was found at start. */
function expireDoubt(
  settings: DoorSettings,
  leaf: LeafState,
  allowance: Allowance,
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  if (leaf.kind === "faulty" && leaf.tellAt !== undefined && now >= leaf.tellAt) {
    record(`contact_${leaf.fault}`);
    return { ...leaf, tellAt: undefined };
  }
  if (leaf.kind !== "chattering" || now < leaf.quietAt) return leaf;
  const { seen, forced, before } = leaf;
  if (isFault(seen)) {
    record(`contact_${seen}`);
    return { kind: "faulty", fault: seen, changes: [], tellAt: undefined, forced, before };
  }
  record("contact_recovered");
  return believeAgain(
    settings,
    { ...allowance, to: seen, changes: [], forced, before },
    now,
    record,
  );
}

/** The contact can be relied on again and says where the leaf is. */
function believeAgain(
  settings: DoorSettings,
  settled: Allowance &
    Unbelieved & { readonly to: "open" | "closed"; readonly changes: RecentChanges },
  now: MonotonicMs,
  record: LeafRecorder,
): LeafState {
  const { to, changes, forced, before } = settled;
  const wasReported = before.kind === "open" && before.isReported;
  if (to === "closed") {
    if (wasReported) record("door_secured");
    return { ...closed, changes };
  }
  // An alarm that the site was told of goes on; nobody can say that the leaf was shut in between.
  if (wasReported) return { ...before, changes };
  if (forced) record("door_forced");
  return openLeaf(settings, settled, now);
}
