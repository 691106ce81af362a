import type { DoorSettings } from "../domain/access.ts";
import { earliest } from "../domain/earliest.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { DoorId, ReaderId } from "../domain/ids.ts";
import type { GrantReason } from "../domain/reason.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { WireFault } from "../domain/wire-fault.ts";
import { pulseRefusal } from "./door-pulse.ts";
import type { Allowance } from "./held-watch.ts";
import {
  believedLeaf,
  changeLeaf,
  contactStuckCount,
  endHoldOfLeaf,
  expireLeaf,
  explainUnseen,
  grantWhileOpen,
  holdLeaf,
  initialLeaf,
  type LeafAlarm,
  type LeafReading,
  type LeafState,
  leafAlarm,
  leafDeadline,
  leafNotUsed,
  seenLeaf,
} from "./leaf-watch.ts";
import {
  endHold,
  entered,
  entryUntil,
  hold,
  isAwaited,
  isUnlocked,
  type LockState,
  lockDeadline,
  notEntered,
  releaseForExit,
  releaseForGrant,
  releaseForPulse,
  relock,
  relockWhenDue,
  secure,
  shorten,
  shutBehind,
} from "./lock-state.ts";
import {
  changeRex,
  expireRex,
  initialRex,
  isEgress,
  type RexReading,
  type RexWatch,
  rexDeadlines,
} from "./rex-watch.ts";

export interface DoorState {
  readonly lock: LockState;
  readonly leaf: LeafState;
  readonly rex: RexWatch;
}

export type DoorInput =
  /**
   * Somebody may enter, and both strike and leaf may take `extraMs` longer (ADA). What it is
   * journalled as: `grantReason`, asked before this is fed.
   */
  | { readonly kind: "grant"; readonly extraMs: number }
  /**
   * The posture or the fire input wants the door unlocked: the strike stays released with no limit
   * of time, whatever grants, exits and the leaf do meanwhile.
   */
  | { readonly kind: "hold_unlocked" }
  /** No longer: secured, but for the rest of the time of a grant or an exit a moment ago. */
  | { readonly kind: "end_hold" }
  /**
   * Lockdown or disabled begins: secured at once, whatever the strike was released for; but whoever
   * presses the REX has an exit from now on. A grant or an exit after it releases the strike as usual.
   */
  | { readonly kind: "secure_now" }
  /** A technician tries the strike. Nothing happens where `pulseRefusal` has a reason. */
  | { readonly kind: "pulse"; readonly forMs: number }
  | { readonly kind: "leaf"; readonly leaf: LeafReading }
  | { readonly kind: "rex"; readonly state: RexReading }
  | { readonly kind: "deadline_reached" };

/** An event of the door itself, in which no reader and no posture takes part. */
export type DoorOwnEvent = Exclude<
  Extract<DoorEvent, { readonly door: DoorId }>,
  { readonly reader: ReaderId } | { readonly kind: `${"posture" | "strike" | "remote"}_${string}` }
>;

export type DoorAlarm = LeafAlarm;

export type DoorEffect =
  | { readonly kind: "strike"; readonly command: "secured" | "released" }
  | { readonly kind: "indicate"; readonly indication: Exclude<DoorAlarm, "none"> | "alarm_cleared" }
  | { readonly kind: "event"; readonly event: DoorOwnEvent }
  /**
   * What became of the grants that were pending, once for all of them: somebody came through, or
   * nobody did and nobody can any more. `made` at once where nobody could tell. Each grant gets one.
   * In the step of a grant `not_made` is of the grants before it, which a late timer left pending.
   */
  | { readonly kind: "passage"; readonly outcome: PassageOutcome };

export type PassageOutcome = "made" | "not_made";

export interface DoorStep {
  readonly state: DoorState;
  /** In the order to carry them out: at most one strike, one indication and one passage, events last. */
  readonly effects: readonly DoorEffect[];
}

/** What the inputs read when the process starts. A door without a REX has an idle one. */
export interface DoorFound {
  readonly leaf: LeafReading | "no_contact";
  readonly rex: RexReading;
}

/** What a step has to tell. */
interface Account {
  readonly record: (kind: DoorOwnEvent["kind"]) => void;
  readonly passage: (outcome: PassageOutcome) => void;
}

/**
 * A door at process start: secured, whatever was found, and with nothing to tell (behaviour 32). A
 * leaf found open was not forced, as far as anybody knows, and is held open as if a grant had opened
 * it now. A REX found pressed releases nothing, and no opening is forced until it is let go. A door
 * that is to be held unlocked is secured as well, until the caller feeds `hold_unlocked`.
 */
export function initialDoor(settings: DoorSettings, found: DoorFound, now: MonotonicMs): DoorState {
  return {
    lock: { kind: "secured" },
    leaf: initialLeaf(settings, found.leaf, now),
    rex: initialRex(found.rex, now),
  };
}

/** The instant at which the caller must feed `deadline_reached`, or undefined if none is due. */
export function doorDeadline(state: DoorState): MonotonicMs | undefined {
  return earliest(lockDeadline(state.lock), leafDeadline(state.leaf), ...rexDeadlines(state.rex));
}

/** What a grant fed to this state at `now` is journalled as. The strike moves for `granted` alone. */
export function grantReason(state: DoorState, now: MonotonicMs): GrantReason {
  if (believedLeaf(state.leaf, now) === "open") return "granted_leaf_open";
  return isUnlocked(state.lock) ? "granted_already_unlocked" : "granted";
}

/** Whether the strike is commanded released. */
export function doorUnlocked(state: DoorState): boolean {
  return isUnlocked(state.lock);
}

/**
 * Leaf closed (or without a contact) and strike secured, for the doors interlocked with this one. In
 * doubt it is not: a contact that chatters or whose wires are at fault vouches for nothing.
 */
export function isShut(state: DoorState): boolean {
  const { leaf, lock } = state;
  return lock.kind === "secured" && (leaf.kind === "closed" || leaf.kind === "no_contact");
}

/** What the contact says, while it chatters the last that it said; with a wire at fault, nothing. */
export function doorLeaf(state: DoorState): "open" | "closed" | "no_contact" {
  const seen = seenLeaf(state.leaf);
  return seen === "open" || seen === "closed" ? seen : "no_contact";
}

/** The gravest alarm in force: forced before held before the warning of held. */
export function doorAlarm(state: DoorState): DoorAlarm {
  return leafAlarm(state.leaf);
}

/** An input that cannot be relied on, by the name of the event that told so. */
export type DoorTrouble =
  | `contact_${"chatter" | "stuck" | WireFault}`
  | `rex_${"chatter" | "stuck" | WireFault}`;

/** The inputs that cannot be relied on, for status. */
export function doorTroubles({ leaf, rex }: DoorState): readonly DoorTrouble[] {
  const troubles: DoorTrouble[] = [];
  if (leaf.kind === "chattering") troubles.push("contact_chatter");
  if (leaf.kind === "faulty") troubles.push(`contact_${leaf.fault}`);
  if (leaf.kind === "closed" && leaf.unusedCount >= contactStuckCount) {
    troubles.push("contact_stuck");
  }
  if (rex.trust.kind === "chattering") troubles.push("rex_chatter");
  else if (rex.position.kind === "faulty") troubles.push(`rex_${rex.position.fault}`);
  if (rex.position.kind === "stuck") troubles.push("rex_stuck");
  return troubles;
}

/**
 * Pure: same arguments, same step. Reads no clock, touches no hardware. `deadline_reached` may come
 * early or late, and an input before a deadline that has passed: what was due is told first, as it
 * would have been. A strike that was due to be secured but still is released explains an opening.
 */
export function stepDoor(
  settings: DoorSettings,
  state: DoorState,
  input: DoorInput,
  now: MonotonicMs,
): DoorStep {
  const kinds: DoorOwnEvent["kind"][] = [];
  const passages: PassageOutcome[] = [];
  const account: Account = {
    record: (kind) => kinds.push(kind),
    passage: (outcome) => passages.push(outcome),
  };
  const known = expireWatches(settings, state, now, account);
  const taken = take(settings, known, input, now, account);
  const leaver = { isLeaving: needsStrike(settings, taken, now) };
  const locked = { ...taken, lock: relockWhenDue(settings, taken.lock, leaver, now) };
  const next = explained(expireWatches(settings, locked, now, account), now);
  const effects: DoorEffect[] = [];
  if (doorUnlocked(next) !== doorUnlocked(state)) {
    effects.push({ kind: "strike", command: doorUnlocked(next) ? "released" : "secured" });
  }
  const alarm = doorAlarm(next);
  if (alarm !== doorAlarm(state)) {
    effects.push({ kind: "indicate", indication: alarm === "none" ? "alarm_cleared" : alarm });
  }
  for (const outcome of passages) effects.push({ kind: "passage", outcome });
  for (const kind of kinds) effects.push({ kind: "event", event: { kind, door: settings.id } });
  return { state: next, effects };
}

function take(
  settings: DoorSettings,
  state: DoorState,
  input: DoorInput,
  now: MonotonicMs,
  account: Account,
): DoorState {
  switch (input.kind) {
    case "grant":
      return grant(settings, state, input.extraMs, now, account);
    case "hold_unlocked":
      if (state.lock.kind === "held") return state;
      return {
        ...state,
        lock: hold(state.lock, now),
        leaf: holdLeaf(settings, state.leaf, now),
      };
    case "end_hold":
      return endOfHold(settings, state, endHoldFor(settings, state, now), now);
    case "secure_now":
      return endOfHold(settings, state, secureNow(settings, state, now), now);
    case "pulse":
      if (pulseRefusal(state, now) !== undefined) return state;
      return { ...state, lock: releaseForPulse(settings, state.lock, input.forMs, now) };
    case "leaf":
      return moveLeaf(settings, state, input.leaf, now, account);
    case "rex":
      return pressRex(settings, state, input.state, now, account);
    case "deadline_reached":
      return state;
    default:
      return unreachable(input);
  }
}

function grant(
  settings: DoorSettings,
  state: DoorState,
  extraMs: number,
  now: MonotonicMs,
  { passage }: Account,
): DoorState {
  const { leaf, lock } = state;
  // Nobody could tell later, and who waits for this passage must not wait for ever.
  if (leaf.kind !== "closed") passage("made");
  // Releasing the strike of a leaf that is already open would leave it released when it shuts.
  if (leaf.kind === "open") {
    const allowance = { ...allowanceOf(lock), extraMs };
    return { ...state, leaf: grantWhileOpen(settings, leaf, allowance, now) };
  }
  const entry = leaf.kind === "closed" ? "awaited" : "made";
  return { ...state, lock: releaseForGrant(settings, lock, { entry, extraMs }, now) };
}

function endOfHold(
  settings: DoorSettings,
  state: DoorState,
  lock: LockState,
  now: MonotonicMs,
): DoorState {
  if (state.lock.kind !== "held") return { ...state, lock };
  return { ...state, lock, leaf: endHoldOfLeaf(settings, state.leaf, now) };
}

/** Somebody is at the REX and lets himself out by it. One that is stuck or broken is nobody. */
function isLeaving(settings: DoorSettings, { rex }: DoorState): boolean {
  return settings.rex === "admit" && rex.position.kind === "pressed";
}

/** He is leaving, and the strike may be what keeps him in: egress is never taken away. */
function needsStrike(settings: DoorSettings, state: DoorState, now: MonotonicMs): boolean {
  return isLeaving(settings, state) && believedLeaf(state.leaf, now) !== "open";
}

function secureNow(settings: DoorSettings, state: DoorState, now: MonotonicMs): LockState {
  const { lock } = state;
  return isLeaving(settings, state) ? shorten(settings, lock, now) : secure(lock, now);
}

function endHoldFor(settings: DoorSettings, state: DoorState, now: MonotonicMs): LockState {
  const { lock } = state;
  const isExit = lock.kind === "held" && needsStrike(settings, state, now);
  return endHold(settings, isExit ? releaseForExit(settings, lock, now) : lock, now);
}

function pressRex(
  settings: DoorSettings,
  state: DoorState,
  to: RexReading,
  now: MonotonicMs,
  { record }: Account,
): DoorState {
  const rex = changeRex(state.rex, { to, egressMs: settings.unlockMs }, now, record);
  if (rex === state.rex || to !== "pressed") return { ...state, rex };
  // One exit is one event, however often the button is pressed or the sensor sees the same person.
  const isNewExit = state.rex.position.kind === "faulty" || !isEgress(state.rex, now);
  if (settings.rex === "report" || state.leaf.kind === "open") {
    if (isNewExit) record("rex_reported");
    return { ...state, rex };
  }
  if (isNewExit || !doorUnlocked(state)) record("rex_admitted");
  return { ...state, rex, lock: releaseForExit(settings, state.lock, now) };
}

function moveLeaf(
  settings: DoorSettings,
  state: DoorState,
  to: LeafReading,
  now: MonotonicMs,
  { record, passage }: Account,
): DoorState {
  const change = { to, forced: !mayOpen(state, now), ...allowanceOf(state.lock) };
  const leaf = changeLeaf(settings, state.leaf, change, now, record);
  if (leaf === state.leaf) return state;
  // With a wire at fault nobody can tell any more whether somebody comes in: as for a grant then.
  if (to !== "closed" && isAwaited(state.lock)) passage("made");
  const lock = to === "closed" ? shutBehind(state.lock) : entered(state.lock);
  // A contact that is not believed secures nothing early, nor does one that is believed again, or a
  // loose wire would shut people out.
  const isMove = believesLeaf(state.leaf) && believesLeaf(leaf);
  const isRelock = isMove && settings.relock === (to === "open" ? "on_open" : "on_close");
  const moved = { ...state, leaf, lock };
  // The leaf that was open needed no strike: for who is still at the REX this is his press.
  const isShutIn = state.leaf.kind === "open" && needsStrike(settings, moved, now);
  if (!isShutIn) return { ...moved, lock: isRelock ? relock(lock, now) : lock };
  if (!isUnlocked(lock)) record("rex_admitted");
  return { ...moved, lock: releaseForExit(settings, lock, now) };
}

function believesLeaf(leaf: LeafState): boolean {
  return leaf.kind === "open" || leaf.kind === "closed";
}

/** Nobody asks the clock whether a released strike should be: while it is, a leaf may open. */
function mayOpen(state: DoorState, now: MonotonicMs): boolean {
  return state.lock.kind !== "secured" || isEgress(state.rex, now);
}

/** What may open now need not have been forced, should it be found open when wires are mended. */
function explained(state: DoorState, now: MonotonicMs): DoorState {
  return mayOpen(state, now) ? { ...state, leaf: explainUnseen(state.leaf) } : state;
}

/** Everything that time alone changes, but for the strike, which `relockWhenDue` secures. */
function expireWatches(
  settings: DoorSettings,
  state: DoorState,
  now: MonotonicMs,
  { record, passage }: Account,
): DoorState {
  let leaf = expireLeaf(settings, state.leaf, allowanceOf(state.lock), now, record);
  let { lock } = state;
  const until = entryUntil(lock);
  if (until !== undefined && now >= until) {
    if (isAwaited(lock)) {
      passage("not_made");
      record("door_not_entered");
      leaf = leafNotUsed(leaf, record);
    }
    lock = notEntered(lock);
  }
  return { lock, leaf, rex: expireRex(state.rex, now, record) };
}

function allowanceOf(lock: LockState): Allowance {
  return {
    isHeldUnlocked: lock.kind === "held",
    extraMs: lock.kind === "secured" ? 0 : lock.extraMs,
  };
}
