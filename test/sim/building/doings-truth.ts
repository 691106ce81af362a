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

/** What people did to each door's posture, and what of it the next restart is to remember. */
export class DoingsTruth {
  readonly #doings = new Map<DoorId, Doings>();
  /** By the door's rule when it was done. */
  readonly #isKept = new Map<DoorId, boolean>();
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
    if (JSON.stringify(this.of(door)) === JSON.stringify(after)) return;
    this.#doings.set(door, after);
    this.#isKept.set(door, this.#remembers(door));
  }

  /** Undefined: cleared. Written down anew even where it changes nothing. */
  override(door: DoorId, override: Doings["override"]): void {
    this.set(door, withOverride(this.of(door), override));
    this.#isKept.set(door, this.#remembers(door));
  }

  passTime(): void {
    for (const [door, doings] of [...this.#doings]) {
      this.set(door, withoutWhatIsOver(this.#where(door), doings));
    }
  }

  /** What an operator said until further notice is always kept. */
  restart(): void {
    for (const [door, { override }] of [...this.#doings]) {
      if (this.#isKept.get(door)) continue;
      const isLasting = override !== undefined && override.until === undefined;
      this.#doings.set(door, isLasting ? { override } : nothing);
    }
  }
}
