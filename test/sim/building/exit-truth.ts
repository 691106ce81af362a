import type { DoorId } from "../../../src/domain/ids.ts";

/** Nobody leans on a button for longer: it is stuck, and nobody is there. */
const rexStuckMs = 60_000;

interface Leaver {
  readonly since: number;
  /** He was seen to press it, or the leaf shut before him: the strike is his until he lets go. */
  readonly owed: boolean;
}

/** Who stands at each exit button, as far as a sound wire can tell. */
export class ExitTruth {
  readonly #leavers = new Map<DoorId, Leaver>();

  pressed(door: DoorId, now: number): void {
    this.#leavers.set(door, { since: now, owed: true });
  }

  /** At a start; a button found pressed opens nothing. */
  found(door: DoorId, now: number): void {
    this.#leavers.set(door, { since: now, owed: false });
  }

  shutIn(door: DoorId): void {
    const leaver = this.#leavers.get(door);
    if (leaver !== undefined) this.#leavers.set(door, { ...leaver, owed: true });
  }

  /** The door admits nobody by its button any more; whoever is at it presses again. */
  barred(door: DoorId): void {
    const leaver = this.#leavers.get(door);
    if (leaver !== undefined) this.#leavers.set(door, { ...leaver, owed: false });
  }

  over(door: DoorId): void {
    this.#leavers.delete(door);
  }

  restart(): void {
    this.#leavers.clear();
  }

  isLeaving(door: DoorId, now: number): boolean {
    const leaver = this.#leavers.get(door);
    return leaver !== undefined && now < leaver.since + rexStuckMs;
  }

  owesRelease(door: DoorId, now: number): boolean {
    return this.#leavers.get(door)?.owed === true && this.isLeaving(door, now);
  }
}
