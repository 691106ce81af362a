import type { DoorSettings } from "../domain/access.ts";
import type { AreaId, DoorId, PassId, ReaderId, UserId } from "../domain/ids.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { PostureState } from "./posture.ts";
import type { Passage, Premises, Whereabouts } from "./premises.ts";

/** How long what was learnt at a door is worth: see `DoorSettings.afterRestart`. */
export type AfterRestart = DoorSettings["afterRestart"];

/** What can become different on the premises: what the memory applies and a disk keeps. */
export type PremisesChange =
  /** All grants of this pass so far, not how many more. */
  | { readonly kind: "spent"; readonly pass: PassId; readonly spent: number }
  /** Somebody came through `door`. */
  | {
      readonly kind: "moved";
      readonly passage: Passage;
      readonly door: DoorId;
      readonly at: MonotonicMs;
      readonly afterRestart: AfterRestart;
    }
  /** The user, or everybody, may be anywhere: the next door takes their word for it. */
  | { readonly kind: "forgiven"; readonly user?: UserId }
  | {
      readonly kind: "posture";
      readonly door: DoorId;
      readonly state: PostureState;
      readonly afterRestart: AfterRestart;
    };

/** Who is as good as granted at a door. */
interface Claim {
  readonly door: DoorId;
  readonly passages: readonly Passage[];
}

interface Recorded extends Whereabouts {
  readonly isManager: boolean;
  /** Through which the user came. */
  readonly door: DoorId;
}

/** What a door's own settings decide about after a restart. */
export type LearntChange = Extract<PremisesChange, { readonly kind: "moved" | "posture" }>;

/** Users recorded somewhere. Beyond it the record that is oldest is forgotten, as an operator would. */
const recordedMaxByDefault = 200_000;
/** Use counts kept of passes that the table lacks: a pass that comes back has not grown new uses. */
const absentSpentMaxByDefault = 10_000;

const nothingDone: PostureState = {};

/**
 * The premises as one controller knows them, in memory. Changes come in by `apply` alone; what the
 * inputs say and who is awaited at a door is of the moment and is no change: no restart keeps it.
 */
export class PremisesMemory implements Premises {
  readonly #recordedMax: number;
  readonly #absentSpentMax: number;
  /** Least recently spent first. */
  readonly #spent = new Map<PassId, number>();
  /** Least recently moved first. */
  readonly #recorded = new Map<UserId, Recorded>();
  readonly #areas = new Map<AreaId, { peopleCount: number; managerCount: number }>();
  readonly #postures = new Map<DoorId, PostureState>();
  /**
   * Who was granted and may still come through, by door. Nobody in it: whoever was granted there is
   * on his way into no area.
   */
  readonly #awaited = new Map<DoorId, Map<UserId, Passage>>();
  readonly #claims = new Set<Claim>();
  readonly #notShut = new Set<DoorId>();
  readonly #tampered = new Set<ReaderId>();
  #isEnclosureTampered = false;

  constructor(limits: { readonly recordedMax?: number; readonly absentSpentMax?: number } = {}) {
    this.#recordedMax = limits.recordedMax ?? recordedMaxByDefault;
    this.#absentSpentMax = limits.absentSpentMax ?? absentSpentMaxByDefault;
  }

  spent(pass: PassId): number {
    return this.#spent.get(pass) ?? 0;
  }

  whereabouts(user: UserId): Whereabouts | undefined {
    return this.#recorded.get(user);
  }

  occupancy(area: AreaId): number {
    const peopleCount = this.#areas.get(area)?.peopleCount ?? 0;
    if (this.#awaited.size === 0 && this.#claims.size === 0) return peopleCount;
    const coming = new Set<UserId>();
    for (const { user, to } of this.#passages()) {
      // Whoever is recorded inside and was let in again is still one person.
      if (to === area && this.#recorded.get(user)?.area !== area) coming.add(user);
    }
    return peopleCount + coming.size;
  }

  isComing(user: UserId, area: AreaId, besides?: DoorId): boolean {
    if (this.#awaited.size === 0 && this.#claims.size === 0) return false;
    for (const passage of this.#passages(besides)) {
      if (passage.user === user && passage.to === area) return true;
    }
    return false;
  }

  managerCount(area: AreaId): number {
    return this.#areas.get(area)?.managerCount ?? 0;
  }

  postureState(door: DoorId): PostureState {
    return this.#postures.get(door) ?? nothingDone;
  }

  isShut(door: DoorId): boolean {
    if (this.#notShut.has(door) || this.#awaited.has(door)) return false;
    for (const claim of this.#claims) if (claim.door === door) return false;
    return true;
  }

  isTampered(reader: ReaderId | undefined): boolean {
    return this.#isEnclosureTampered || (reader !== undefined && this.#tampered.has(reader));
  }

  /** In force when this returns. Returns the users whose whereabouts it forgot. */
  apply(change: PremisesChange): readonly UserId[] {
    switch (change.kind) {
      case "spent":
        // Taken out first, so that it comes to stand behind those that were spent before it.
        this.#spent.delete(change.pass);
        this.#spent.set(change.pass, change.spent);
        return [];
      case "moved":
        return this.#move(change.passage, change.door, change.at);
      case "forgiven": {
        const forgotten = change.user === undefined ? [...this.#recorded.keys()] : [change.user];
        for (const user of forgotten) this.#forget(user);
        return forgotten;
      }
      case "posture":
        this.#postures.set(change.door, change.state);
        return [];
      default:
        return unreachable(change);
    }
  }

  /**
   * Somebody was granted at `door` and has not come through yet: he counts where he is going, and the
   * door is not shut. `undefined`: a grant that leads into no area. Once for each user and door.
   */
  reserve(door: DoorId, passage: Passage | undefined): void {
    const awaited = this.#awaited.get(door) ?? new Map<UserId, Passage>();
    this.#awaited.set(door, awaited);
    // A second grant to one person opens no second place.
    if (passage !== undefined) awaited.set(passage.user, passage);
  }

  /**
   * Somebody is to be granted at `door` as soon as a disk has said so: until then their places are
   * taken and the door is not shut, but nobody has come through when the leaf opens for another.
   * Returns how to end it, whatever the disk said.
   */
  claim(door: DoorId, passages: readonly Passage[]): () => void {
    const claim = { door, passages };
    this.#claims.add(claim);
    return () => {
      this.#claims.delete(claim);
    };
  }

  /**
   * Everybody who was awaited at `door` came through, or nobody did. Returns what that changes, for the
   * caller to commit in the same turn; until then those who came through are counted nowhere.
   */
  settleReservations(
    door: DoorId,
    outcome: "made" | "not_made",
    at: MonotonicMs,
    afterRestart: AfterRestart,
  ): readonly PremisesChange[] {
    const awaited = this.#awaited.get(door);
    if (awaited === undefined) return [];
    this.#awaited.delete(door);
    if (outcome === "not_made") return [];
    return Array.from(awaited.values(), (passage) => {
      return { kind: "moved", passage, door, at, afterRestart };
    });
  }

  /** As its contact and its strike are now; before it is said, a door is shut. */
  setDoorShut(door: DoorId, isShut: boolean): void {
    if (isShut) this.#notShut.delete(door);
    else this.#notShut.add(door);
  }

  /** `undefined`: the controller's enclosure, which stands for every reader. */
  setTampered(reader: ReaderId | undefined, isTampered: boolean): void {
    if (reader === undefined) this.#isEnclosureTampered = isTampered;
    else if (isTampered) this.#tampered.add(reader);
    else this.#tampered.delete(reader);
  }

  /**
   * Forgets the use counts of passes that a new table lacks, but for the most recent 10,000: a pass
   * that is taken out and put back must not come back whole. Returns those forgotten. `has` is asked
   * only where there are more than that.
   */
  prune(has: (pass: PassId) => boolean): readonly PassId[] {
    if (this.#spent.size <= this.#absentSpentMax) return [];
    const absent = [...this.#spent.keys()].filter((pass) => !has(pass));
    const forgotten = absent.slice(0, Math.max(0, absent.length - this.#absentSpentMax));
    for (const pass of forgotten) this.#spent.delete(pass);
    return forgotten;
  }

  /** Of which passes uses were spent here. */
  spentPasses(): IterableIterator<PassId> {
    return this.#spent.keys();
  }

  /** Who is recorded somewhere. */
  recordedUsers(): IterableIterator<UserId> {
    return this.#recorded.keys();
  }

  /** What was learnt at `door` and is still so, as the changes that would say it again. */
  learntAt(door: DoorId, afterRestart: AfterRestart): readonly LearntChange[] {
    const learnt: LearntChange[] = [];
    for (const [user, { area: to, since: at, isManager, door: through }] of this.#recorded) {
      if (through !== door) continue;
      const passage = { user, ...(to !== undefined && { to }), isManager };
      learnt.push({ kind: "moved", passage, door, at, afterRestart });
    }
    const state = this.#postures.get(door);
    if (state !== undefined) learnt.push({ kind: "posture", door, state, afterRestart });
    return learnt;
  }

  /** Of everybody who was granted and has not come through yet, at any door but `besides`. */
  *#passages(besides?: DoorId): Iterable<Passage> {
    for (const [door, awaited] of this.#awaited) {
      if (door !== besides) yield* awaited.values();
    }
    for (const { door, passages } of this.#claims) {
      if (door !== besides) yield* passages;
    }
  }

  #move({ user, to, isManager }: Passage, door: DoorId, since: MonotonicMs): readonly UserId[] {
    this.#forget(user);
    this.#recorded.set(user, { ...(to !== undefined && { area: to }), since, isManager, door });
    this.#count(to, isManager, 1);
    if (this.#recorded.size <= this.#recordedMax) return [];
    const [oldest] = this.#recorded.keys();
    if (oldest === undefined) return [];
    this.#forget(oldest);
    return [oldest];
  }

  #forget(user: UserId): void {
    const recorded = this.#recorded.get(user);
    if (recorded === undefined) return;
    this.#recorded.delete(user);
    this.#count(recorded.area, recorded.isManager, -1);
  }

  #count(area: AreaId | undefined, isManager: boolean, change: 1 | -1): void {
    if (area === undefined) return;
    const counts = this.#areas.get(area) ?? { peopleCount: 0, managerCount: 0 };
    counts.peopleCount += change;
    if (isManager) counts.managerCount += change;
    if (counts.peopleCount === 0) this.#areas.delete(area);
    else this.#areas.set(area, counts);
  }
}
