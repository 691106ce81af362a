import type { DoorId } from "../../../src/domain/ids.ts";
import {
  type Doings,
  hasShutSince,
  type Posture,
  postureOf,
  type Where,
  withOverride,
  withoutWhatIsOver,
} from "./posture-truth.ts";

const nothing: Doings = {};

/** What people did to each door's posture, and what of it a restart leaves. */
export class DoingsTruth {
  readonly #doings = new Map<DoorId, Doings>();
  /** The time of the last look at a door; absent where the clock was set since. */
  readonly #lookedAt = new Map<DoorId, number>();
  readonly #where: (door: DoorId) => Where;
  readonly #remembers: (door: DoorId) => boolean;

  constructor(where: (door: DoorId) => Where, remembers: (door: DoorId) => boolean) {
    this.#where = where;
    this.#remembers = remembers;
  }

  of(door: DoorId): Doings {
    return this.#doings.get(door) ?? nothing;
  }

  posture(door: DoorId): Posture {
    return postureOf(this.#where(door), this.of(door));
  }

  set(door: DoorId, after: Doings): void {
    this.#doings.set(door, after);
  }

  /** Undefined: cleared. */
  override(door: DoorId, override: Doings["override"]): void {
    this.set(door, withOverride(this.of(door), override));
  }

  passTime(): void {
    for (const [door, doings] of [...this.#doings]) {
      const where = this.#where(door);
      const from = this.#lookedAt.get(door) ?? where.wall.at;
      const hasShut = doings.firstInUntil !== undefined && hasShutSince(where, from);
      const { firstInUntil: _, ...others } = doings;
      this.set(door, withoutWhatIsOver(where, hasShut ? others : doings));
      if (where.wall.quality === "unknown") this.#lookedAt.delete(door);
      else this.#lookedAt.set(door, where.wall.at);
    }
  }

  /** The hours in between were never there. */
  clockWasSet(): void {
    this.#lookedAt.clear();
  }

  /**
   * As the door's rule is now, whatever it was when it was done. What an operator said until further
   * notice is always kept.
   */
  restart(): void {
    this.clockWasSet();
    for (const [door, { override }] of [...this.#doings]) {
      if (this.#remembers(door)) continue;
      const isLasting = override !== undefined && override.until === undefined;
      this.#doings.set(door, isLasting ? { override } : nothing);
    }
  }
}
