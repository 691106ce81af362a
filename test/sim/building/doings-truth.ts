import type { DoorId } from "../../../src/domain/ids.ts";
import {
  type Doings,
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
      this.set(door, withoutWhatIsOver(this.#where(door), doings));
    }
  }

  /**
   * As the door's rule is now, whatever it was when it was done. What an operator said until further
   * notice is always kept.
   */
  restart(): void {
    for (const [door, { override }] of [...this.#doings]) {
      if (this.#remembers(door)) continue;
      const isLasting = override !== undefined && override.until === undefined;
      this.#doings.set(door, isLasting ? { override } : nothing);
    }
  }
}
