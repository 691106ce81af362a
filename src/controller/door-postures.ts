import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { Admission } from "../core/authorize.ts";
import {
  afterGrant,
  clearOverride,
  dependsOnTime,
  endToggle,
  nextPostureChangeAt,
  type OverrideFault,
  type OverrideRequest,
  operatorsWord,
  type PosturePlace,
  type PostureState,
  postureAt,
  setOverride,
  settle,
} from "../core/posture.ts";
import type { PremisesChange } from "../core/premises-memory.ts";
import type { DoorEvent, PostureInForce } from "../domain/event.ts";
import type { DoorId, PassId } from "../domain/ids.ts";
import { type Result, succeed } from "../domain/result.ts";
import { monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";
import type { Door } from "./door.ts";
import type { PremisesStore } from "./premises-store.ts";

/**
 * How long a change of posture may go unnoticed when somebody sets the clock, which tells nobody. A
 * door that no schedule and no passing override concerns needs no such look, and there is no timer.
 */
const clockSetNoticedMs = 60_000;

export interface Overridden extends PostureInForce {
  /** False where the disk did not take it: in force now, and perhaps not after a restart. */
  readonly isKept: Promise<boolean>;
}

export interface DoorPosturesOptions {
  readonly clock: Clock;
  readonly doors: ReadonlyMap<DoorId, Door>;
  readonly premises: PremisesStore;
  readonly record: (event: DoorEvent) => void;
}

/** What becomes of a door's posture with a grant, worked out before the strike moves. */
export interface PostureAfterGrant {
  readonly state: PostureState;
  /** The grant ends an unlocking that the same pass began: the strike is secured, not released. */
  readonly relocks: boolean;
}

const usual: PostureInForce = { posture: "locked", cause: "site" };

/** Keeps every door at what its site, its schedules, its operators and the fire panel say. */
export class DoorPostures {
  readonly #options: DoorPosturesOptions;
  readonly #deadline: Deadline;
  readonly #inForce = new Map<DoorId, PostureInForce>();
  /** The numbers in this table of passes that keep a door unlocked: they are looked up once. */
  readonly #togglePasses = new Map<PassId, number>();
  #table: AccessTable | undefined;
  #isFire = false;

  constructor(options: DoorPosturesOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.clock, () => this.refresh());
  }

  useTable(table: AccessTable | undefined): void {
    this.#table = table;
    this.#togglePasses.clear();
    this.refresh();
  }

  /** Unlocks the doors that are flagged for it, and no other, for as long as it is raised. */
  setFire(state: "raised" | "idle"): void {
    this.#isFire = state === "raised";
    this.refresh();
  }

  inForce(door: DoorId): PostureInForce {
    return this.#inForce.get(door) ?? usual;
  }

  /** In force when this returns; `isKept` says whether a restart will know of it. */
  override(door: DoorId, asked: OverrideRequest | "clear"): Result<Overridden, OverrideFault> {
    const { clock, premises } = this.#options;
    const before = premises.memory.postureState(door);
    const set =
      asked === "clear"
        ? succeed(clearOverride(before))
        : setOverride(this.#placeOf(door), before, asked, clock.wall());
    if (!set.ok) return set;
    const written = premises.commit([this.#change(door, set.value)]);
    this.refresh();
    const isKept = written.then(
      () => true,
      () => false,
    );
    return succeed({ ...this.inForce(door), isKept });
  }

  afterGrant(door: DoorId, admissions: readonly Admission[]): PostureAfterGrant {
    const { clock, premises } = this.#options;
    const place = this.#placeOf(door);
    const before = premises.memory.postureState(door);
    let state = before;
    for (const { pass, userNumber, toggles = false } of admissions) {
      state = afterGrant(place, state, { pass, user: userNumber, toggles }, clock.wall());
    }
    return { state, relocks: before.toggledBy !== undefined && state.toggledBy === undefined };
  }

  /** In force, and on its way to the disk, when this returns. */
  keep(door: DoorId, state: PostureState): void {
    if (state === this.#options.premises.memory.postureState(door)) return;
    this.#keep(door, state);
    this.refresh();
  }

  /** Brings each door to what it should be now, and looks again when that may change. */
  refresh(): void {
    for (const door of this.#options.doors.values()) this.#refreshDoor(door);
    this.#arm();
  }

  close(): void {
    this.#deadline.set(undefined);
  }

  #refreshDoor(door: Door): void {
    const { clock, premises, record } = this.#options;
    const wall = clock.wall();
    const place = this.#placeOf(door.id);
    const known = premises.memory.postureState(door.id);
    const isToggleOver =
      this.#toggleEndsAt(known) <= (wall.quality === "unknown" ? -Infinity : wall.at);
    const settled = settle(place, isToggleOver ? endToggle(known) : known, wall);
    const hasTable = this.#table !== undefined;
    if (hasTable && settled !== known) this.#keep(door.id, settled);
    // Whether an unlocking outlasts a restart is for the table to say: without one, it does not.
    const state = hasTable ? settled : operatorsWord(settled);
    const isUnlockedByFire = this.#isFire && door.settings().fire === "unlock";
    const next: PostureInForce = isUnlockedByFire
      ? { posture: "unlocked", cause: "fire" }
      : postureAt(place, state, wall);
    const before = this.inForce(door.id);
    if (next.posture === before.posture && next.cause === before.cause) return;
    this.#inForce.set(door.id, next);
    // The same lockdown for another cause must not end an exit that it has allowed.
    if (next.posture !== before.posture) door.follow(next.posture);
    record({ kind: "posture_changed", door: door.id, ...next });
  }

  #arm(): void {
    const { clock, doors, premises } = this.#options;
    const wall = clock.wall();
    let waitMs = Number.POSITIVE_INFINITY;
    for (const { id } of doors.values()) {
      const place = this.#placeOf(id);
      const state = premises.memory.postureState(id);
      const toggleEndsAt = this.#toggleEndsAt(state);
      const isTimed = dependsOnTime(place, state) || toggleEndsAt !== Number.POSITIVE_INFINITY;
      if (!isTimed) continue;
      // A time that is not known is past nothing: to wake for it would be to wake for ever.
      const overAt = wall.quality === "unknown" ? Infinity : toggleEndsAt;
      const changeAt = Math.min(nextPostureChangeAt(place, state, wall) ?? Infinity, overAt);
      waitMs = Math.min(waitMs, Math.max(0, changeAt - wall.at), clockSetNoticedMs);
    }
    const isAwaited = waitMs !== Number.POSITIVE_INFINITY;
    this.#deadline.set(isAwaited ? monotonicMs(clock.monotonic() + waitMs) : undefined);
  }

  /**
   * From when on the pass that toggled is good for nothing; past all times where it is so already,
   * and beyond all where nothing says when, or before the first table.
   */
  #toggleEndsAt({ toggledBy }: PostureState): number {
    const table = this.#table;
    if (toggledBy === undefined || table === undefined) return Number.POSITIVE_INFINITY;
    const { passes } = table;
    const pass = this.#togglePasses.get(toggledBy) ?? passes.numberOf(toggledBy);
    this.#togglePasses.set(toggledBy, pass);
    const isGood = pass >= 0 && passes.isActive(pass) && !table.isSuspended(passes.user(pass));
    return isGood ? passes.endsAt(pass) : Number.NEGATIVE_INFINITY;
  }

  #placeOf(id: DoorId): PosturePlace {
    const settings = this.#options.doors.get(id)?.settings();
    if (settings === undefined) throw new Error(`door ${id} was not made`);
    const number = this.#table?.doorNumber(id) ?? -1;
    return { rules: number < 0 ? [] : (this.#table?.unlockRules(number) ?? []), settings };
  }

  #keep(door: DoorId, state: PostureState): void {
    this.#options.premises.keep([this.#change(door, state)]);
  }

  #change(door: DoorId, state: PostureState): PremisesChange {
    const afterRestart = this.#options.doors.get(door)?.settings().afterRestart ?? "remember";
    return { kind: "posture", door, state, afterRestart };
  }
}
