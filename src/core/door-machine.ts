import type { DoorSettings } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { DoorId, ReaderId } from "../domain/ids.ts";
import type { GrantReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import {
  believedLeaf,
  changeLeaf,
  expireLeaf,
  grantWhileOpen,
  initialLeaf,
  type LeafAlarm,
  type LeafState,
  leafAlarm,
  leafDeadline,
  seenLeaf,
} from "./leaf-watch.ts";
import {
  changeRex,
  expireRex,
  initialRex,
  isEgress,
  type RexWatch,
  rexDeadlines,
} from "./rex-watch.ts";

/**
 * How long after the strike was secured an opening still belongs to the release: the bolt is still
 * falling, the contact still being debounced, and a slammed leaf still bouncing.
 */
export const boltFallMs = 250;

export interface DoorState {
  readonly lock: LockState;
  readonly leaf: LeafState;
  readonly rex: RexWatch;
}

export type LockState =
  | { readonly kind: "secured" }
  /** Secured, but an opening before `until` still belongs to the release that ended. */
  | { readonly kind: "bolt_falling"; readonly until: MonotonicMs; readonly entry: Entry }
  | {
      readonly kind: "released";
      readonly since: MonotonicMs;
      readonly relockAt: MonotonicMs;
      readonly entry: Entry;
    };

/** Whether the leaf was opened after the last grant. A REX expects none: it may be a motion sensor. */
export type Entry = "awaited" | "made" | "not_expected";

export type DoorInput =
  /** Somebody may enter. What it is journalled as: `grantReason`, asked before this is fed. */
  | { readonly kind: "grant" }
  | { readonly kind: "leaf"; readonly leaf: "open" | "closed" }
  | { readonly kind: "rex"; readonly state: "pressed" | "idle" }
  | { readonly kind: "deadline_reached" };

/** An event of the door itself, in which no reader and no posture takes part. */
export type DoorOwnEvent = Exclude<
  Extract<DoorEvent, { readonly door: DoorId }>,
  { readonly reader: ReaderId } | { readonly kind: "posture_changed" }
>;

export type DoorAlarm = LeafAlarm;

export type DoorEffect =
  | { readonly kind: "strike"; readonly command: "secured" | "released" }
  | { readonly kind: "indicate"; readonly indication: Exclude<DoorAlarm, "none"> | "alarm_cleared" }
  | { readonly kind: "event"; readonly event: DoorOwnEvent };

export interface DoorStep {
  readonly state: DoorState;
  /** In the order to carry them out: at most one strike, at most one indication, then the events. */
  readonly effects: readonly DoorEffect[];
}

/** What the inputs read when the process starts. A door without a REX has an idle one. */
export interface DoorFound {
  readonly leaf: "open" | "closed" | "no_contact";
  readonly rex: "pressed" | "idle";
}

type Recorder = (kind: DoorOwnEvent["kind"]) => void;

/**
 * A door at process start: secured, whatever was found, and with nothing to tell (behaviour 32). A
 * leaf found open was not forced, as far as anybody knows, and is held open as if a grant had opened
 * it now. A REX found pressed releases nothing, and no opening is forced until it is let go.
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
  const due = [lockDeadline(state.lock), leafDeadline(state.leaf), ...rexDeadlines(state.rex)];
  return due.reduce(
    (first, at) => (at !== undefined && (first === undefined || at < first) ? at : first),
    undefined,
  );
}

/** What a grant fed to this state at `now` is journalled as. The strike moves for `granted` alone. */
export function grantReason(state: DoorState, now: MonotonicMs): GrantReason {
  if (believedLeaf(state.leaf, now) === "open") return "granted_leaf_open";
  return state.lock.kind === "released" ? "granted_already_unlocked" : "granted";
}

/** Whether the strike is commanded released. */
export function doorUnlocked(state: DoorState): boolean {
  return state.lock.kind === "released";
}

/** What the contact says; while it chatters, the last that it said. */
export function doorLeaf(state: DoorState): "open" | "closed" | "no_contact" {
  return seenLeaf(state.leaf);
}

/** The gravest alarm in force: forced before held before the warning of held. */
export function doorAlarm(state: DoorState): DoorAlarm {
  return leafAlarm(state.leaf);
}

/** The inputs that cannot be relied on, for status. */
export function doorTroubles(
  state: DoorState,
): readonly ("contact_chatter" | "rex_chatter" | "rex_stuck")[] {
  return [
    ...(state.leaf.kind === "chattering" ? (["contact_chatter"] as const) : []),
    ...(state.rex.trust.kind === "chattering" ? (["rex_chatter"] as const) : []),
    ...(state.rex.position.kind === "stuck" ? (["rex_stuck"] as const) : []),
  ];
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
  const record: Recorder = (kind) => kinds.push(kind);
  const known = expireWatches(settings, state, now, record);
  const taken = relockWhenDue(take(settings, known, input, now, record), now);
  const next = expireWatches(settings, taken, now, record);
  const effects: DoorEffect[] = [];
  if (doorUnlocked(next) !== doorUnlocked(state)) {
    effects.push({ kind: "strike", command: doorUnlocked(next) ? "released" : "secured" });
  }
  const alarm = doorAlarm(next);
  if (alarm !== doorAlarm(state)) {
    effects.push({ kind: "indicate", indication: alarm === "none" ? "alarm_cleared" : alarm });
  }
  for (const kind of kinds) effects.push({ kind: "event", event: { kind, door: settings.id } });
  return { state: next, effects };
}

function take(
  settings: DoorSettings,
  state: DoorState,
  input: DoorInput,
  now: MonotonicMs,
  record: Recorder,
): DoorState {
  switch (input.kind) {
    case "grant":
      return grant(settings, state, now);
    case "leaf":
      return moveLeaf(settings, state, input.leaf, now, record);
    case "rex":
      return pressRex(settings, state, input.state, now, record);
    case "deadline_reached":
      return state;
    default:
      return unreachable(input);
  }
}

function grant(settings: DoorSettings, state: DoorState, now: MonotonicMs): DoorState {
  // Releasing the strike of a leaf that is already open would leave it released when it shuts.
  if (state.leaf.kind === "open") {
    return { ...state, leaf: grantWhileOpen(settings, state.leaf, now) };
  }
  return { ...state, lock: release(settings, state.lock, "awaited", now) };
}

/**
 * A release that goes on keeps the instant it began, so that no series of grants burns the coil; a
 * grant shortly before the coil's limit is cut short by it.
 */
function release(
  settings: DoorSettings,
  lock: LockState,
  entry: Entry,
  now: MonotonicMs,
): LockState {
  const { since, relockAt } = lock.kind === "released" ? lock : { since: now, relockAt: now };
  const askedFor = Math.max(relockAt, now + settings.unlockMs);
  const latest = monotonicMs(Math.min(askedFor, since + settings.strikeOnMaxMs));
  return { kind: "released", since, relockAt: latest, entry };
}

function secure(lock: LockState, now: MonotonicMs): LockState {
  if (lock.kind !== "released") return lock;
  return { kind: "bolt_falling", until: monotonicMs(now + boltFallMs), entry: lock.entry };
}

function relockWhenDue(state: DoorState, now: MonotonicMs): DoorState {
  if (state.lock.kind !== "released" || now < state.lock.relockAt) return state;
  return { ...state, lock: secure(state.lock, now) };
}

function pressRex(
  settings: DoorSettings,
  state: DoorState,
  to: "pressed" | "idle",
  now: MonotonicMs,
  record: Recorder,
): DoorState {
  const rex = changeRex(state.rex, { to, egressMs: settings.unlockMs }, now, record);
  if (rex === state.rex || to === "idle") return { ...state, rex };
  // One exit is one event, however often the button is pressed or the sensor sees the same person.
  const isNewExit = !isEgress(state.rex, now);
  if (settings.rex === "report" || state.leaf.kind === "open") {
    if (isNewExit) record("rex_reported");
    return { ...state, rex };
  }
  if (isNewExit || state.lock.kind !== "released") record("rex_admitted");
  const entry = state.lock.kind === "secured" ? "not_expected" : state.lock.entry;
  return { ...state, rex, lock: release(settings, state.lock, entry, now) };
}

function moveLeaf(
  settings: DoorSettings,
  state: DoorState,
  to: "open" | "closed",
  now: MonotonicMs,
  record: Recorder,
): DoorState {
  const forced = to === "open" && !mayOpen(state, now);
  const leaf = changeLeaf(settings, state.leaf, { to, forced }, now, record);
  if (leaf === state.leaf) return state;
  const lock = to === "open" ? entered(state.lock) : state.lock;
  // A contact that chatters secures nothing early, or a loose wire would shut people out.
  const isRelock = settings.relock === (to === "open" ? "on_open" : "on_close");
  return { ...state, leaf, lock: isRelock && leaf.kind === to ? secure(lock, now) : lock };
}

/** Nobody asks the clock whether a released strike should be: while it is, a leaf may open. */
function mayOpen(state: DoorState, now: MonotonicMs): boolean {
  return state.lock.kind !== "secured" || isEgress(state.rex, now);
}

function entered(lock: LockState): LockState {
  return lock.kind === "secured" || lock.entry !== "awaited" ? lock : { ...lock, entry: "made" };
}

/** Everything that time alone changes, but for the strike, which `relockWhenDue` secures. */
function expireWatches(
  settings: DoorSettings,
  state: DoorState,
  now: MonotonicMs,
  record: Recorder,
): DoorState {
  const leaf = expireLeaf(settings, state.leaf, now, record);
  let { lock } = state;
  if (lock.kind === "bolt_falling" && now >= lock.until) {
    if (lock.entry === "awaited" && leaf.kind === "closed") record("door_not_entered");
    lock = { kind: "secured" };
  }
  return { lock, leaf, rex: expireRex(state.rex, now, record) };
}

function lockDeadline(lock: LockState): MonotonicMs | undefined {
  if (lock.kind === "secured") return undefined;
  return lock.kind === "released" ? lock.relockAt : lock.until;
}
