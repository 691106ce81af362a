import type { DoorId } from "../../../src/domain/ids.ts";

const never = Number.NEGATIVE_INFINITY;

/** For how long each strike may be released for people, and for how long it has to be. */
export class ReleaseTruth {
  readonly #letInUntil = new Map<DoorId, number>();
  readonly #leavingUntil = new Map<DoorId, number>();
  /** Until when somebody who was let in at a door that stands unlocked is expected to come. */
  readonly #expectedUntil = new Map<DoorId, number>();
  /** Until when somebody who was let in may count on the strike, if nobody touches the leaf. */
  readonly #owedUntil = new Map<DoorId, number>();

  mayBe(door: DoorId, now: number): boolean {
    return now < this.#time(this.#letInUntil, door) || now < this.#time(this.#leavingUntil, door);
  }

  mustBe(door: DoorId, now: number): boolean {
    return now < this.#time(this.#owedUntil, door);
  }

  mayCome(door: DoorId, now: number): boolean {
    return now < this.#time(this.#expectedUntil, door);
  }

  letIn(door: DoorId, until: number): void {
    this.tried(door, until);
    this.#owedUntil.set(door, Math.max(this.#time(this.#owedUntil, door), until));
  }

  /** For nobody; whoever was let in before has the strike for as long. */
  tried(door: DoorId, until: number): void {
    this.#expect(door, until);
    this.#letInUntil.set(door, Math.max(this.#time(this.#letInUntil, door), until));
  }

  /** Somebody is at the exit button from now on. */
  leaves(door: DoorId, until: number): void {
    this.#expect(door, until);
    this.#leavingUntil.set(door, until);
  }

  /** He takes his hand off it. */
  hasLeft(door: DoorId, until: number): void {
    this.#leavingUntil.set(door, until);
  }

  leafMoved(door: DoorId): void {
    this.#owedUntil.delete(door);
  }

  /** Some doors lock as soon as the leaf opens or shuts: whoever they waited for had his time. */
  relocked(door: DoorId, now: number): void {
    for (const times of [this.#letInUntil, this.#leavingUntil, this.#expectedUntil]) {
      if (this.#time(times, door) > now) times.set(door, now);
    }
  }

  /** A lockdown takes back what was granted a moment ago, and nobody's hand off the exit button. */
  barred(door: DoorId, leavingUntil: number | undefined): void {
    this.#letInUntil.delete(door);
    this.#owedUntil.delete(door);
    this.#leavingUntil.set(door, leavingUntil ?? never);
  }

  restart(): void {
    this.#letInUntil.clear();
    this.#leavingUntil.clear();
    this.#expectedUntil.clear();
    this.#owedUntil.clear();
  }

  #expect(door: DoorId, until: number): void {
    this.#expectedUntil.set(door, Math.max(this.#time(this.#expectedUntil, door), until));
  }

  #time(times: ReadonlyMap<DoorId, number>, door: DoorId): number {
    return times.get(door) ?? never;
  }
}
