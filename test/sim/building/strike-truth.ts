import type { DoorSettings } from "../../../src/domain/access.ts";
import type { DoorId } from "../../../src/domain/ids.ts";
import { ExitTruth } from "./exit-truth.ts";
import { doorPlaces } from "./plan.ts";
import { ReleaseTruth } from "./release-truth.ts";
import type { Sight } from "./sight.ts";

/** For whom each strike may be released, and for whom it has to be. */
export class StrikeTruth {
  readonly #sight: Sight;
  readonly #settings: (door: DoorId) => DoorSettings;
  readonly #releases = new ReleaseTruth();
  readonly #exits = new ExitTruth();

  constructor(sight: Sight, settings: (door: DoorId) => DoorSettings) {
    this.#sight = sight;
    this.#settings = settings;
  }

  /** Somebody was let in or is leaving, not longer ago than this door allows. */
  mayBeReleased(door: DoorId): boolean {
    const now = this.#sight.now();
    // Whoever lets go, and a button that is found to be stuck, has the time of an exit from then on.
    const isLeft = !this.#exits.isLeaving(door, now - this.#settings(door).unlockMs);
    return !isLeft || this.#releases.mayBe(door, now);
  }

  /** Somebody was let in and has his time, or holds the exit button. */
  owesRelease(door: DoorId): boolean {
    return this.#releases.mustBe(door, this.#sight.now()) || this.owesExit(door);
  }

  owesExit(door: DoorId): boolean {
    const isShut = this.#sight.leaf(door) !== "open";
    return isShut && this.#exits.owesRelease(door, this.#sight.now());
  }

  /** Whoever is still awaited at `at` in a door that is held unlocked. */
  mayCome(door: DoorId, at: number): boolean {
    return this.#releases.mayCome(door, at);
  }

  letIn(door: DoorId, forMs: number): void {
    this.#releases.letIn(door, this.#sight.now() + forMs);
  }

  /** By a technician, to whom nobody owes anything. */
  tried(door: DoorId, forMs: number): void {
    this.#releases.tried(door, this.#sight.now() + forMs);
  }

  /** Seen over a sound wire: a button found pressed when its wire is mended is pressed then. */
  rexPressed(door: DoorId): void {
    const now = this.#sight.now();
    if (!this.#admits(door)) return this.#exits.found(door, now);
    this.#exits.pressed(door, now);
    if (this.#sight.leaf(door) !== "open") this.#releases.leaves(door, this.#exitEndsAt(door));
  }

  /** Or its wire fails, and nobody can tell any more. */
  rexLetGo(door: DoorId): void {
    if (this.#isLeaving(door)) this.#releases.hasLeft(door, this.#exitEndsAt(door));
    this.#exits.over(door);
  }

  /** As its contact says, which was sound before as well. */
  leafMoved(door: DoorId, to: "open" | "closed"): void {
    this.#releases.leafMoved(door);
    const { relock } = this.#settings(door);
    if (to === "closed" && this.#isLeaving(door)) this.#shutIn(door);
    else if (relock === (to === "open" ? "on_open" : "on_close")) {
      this.#releases.relocked(door, this.#sight.now());
    }
  }

  /** It was open, and nobody can tell any more: it may have shut before somebody who leaves. */
  leafLost(door: DoorId): void {
    if (this.#isLeaving(door)) this.#shutIn(door);
  }

  /** A lockdown takes back what was granted, and nobody's hand off the exit button. */
  barred(door: DoorId): void {
    this.#releases.barred(door, this.#isLeaving(door) ? this.#exitEndsAt(door) : undefined);
  }

  /** Doors may have been rebuilt. */
  tableChanged(): void {
    const now = this.#sight.now();
    for (const { id } of doorPlaces) {
      if (this.#admits(id) || !this.#exits.isLeaving(id, now)) continue;
      this.#releases.hasLeft(id, this.#exitEndsAt(id));
      this.#exits.barred(id);
    }
  }

  restart(): void {
    this.#releases.restart();
    this.#exits.restart();
    for (const { id } of doorPlaces) {
      if (this.#sight.isRexPressed(id)) this.#exits.found(id, this.#sight.now());
    }
  }

  #shutIn(door: DoorId): void {
    this.#exits.shutIn(door);
    this.#releases.leaves(door, this.#exitEndsAt(door));
  }

  #admits(door: DoorId): boolean {
    return this.#settings(door).rex === "admit";
  }

  #isLeaving(door: DoorId): boolean {
    return this.#admits(door) && this.#exits.isLeaving(door, this.#sight.now());
  }

  #exitEndsAt(door: DoorId): number {
    return this.#sight.now() + this.#settings(door).unlockMs;
  }
}
