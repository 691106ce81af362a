import type { DoorId, ReaderId, UserId } from "../../../src/domain/ids.ts";
import type { WireFault } from "../../../src/domain/wire-fault.ts";
import { type BoardFound, of } from "./paper-board.ts";
import { type DoorPlace, doorPlaces, people, type Room } from "./plan.ts";

export type Wire = "sound" | WireFault;

/** Changes of one contact that may follow one another fast: more would be a loose wire. */
const quickChangesMax = 4;
export const chatterWindowMs = 10_000;

const doorsById: ReadonlyMap<DoorId, DoorPlace> = new Map(doorPlaces.map((one) => [one.id, one]));

/** The walls, the leaves, the buttons and the wires in between, and who stands where. */
export class House {
  readonly rooms = new Map<UserId, Room>(people.map((user) => [user, "street"]));
  readonly leaves = new Map<DoorId, "open" | "closed">(doorPlaces.map(({ id }) => [id, "closed"]));
  readonly rex = new Map<DoorId, "pressed" | "idle">(doorPlaces.map(({ id }) => [id, "idle"]));
  /** By "contact DOOR", "rex DOOR" or "fire". */
  readonly wires = new Map<string, Wire>();
  readonly tampers = new Map<ReaderId | undefined, "raised" | "idle">();
  fire: "raised" | "idle" = "idle";
  readonly #contactChanges = new Map<DoorId, readonly number[]>();

  wire(input: string): Wire {
    return this.wires.get(input) ?? "sound";
  }

  /** By whoever is at the other end of its wire. */
  isRexSeenPressed(door: DoorId): boolean {
    return this.rex.get(door) === "pressed" && this.wire(`rex ${door}`) === "sound";
  }

  hasRex(door: DoorId): boolean {
    return of(doorsById, door).hasRex;
  }

  leafSeen(door: DoorId): "open" | "closed" | "unknown" {
    const isWired = of(doorsById, door).hasContact && this.wire(`contact ${door}`) === "sound";
    return isWired ? of(this.leaves, door) : "unknown";
  }

  contactChanges(door: DoorId, now: number): void {
    const before = this.#contactChanges.get(door) ?? [];
    this.#contactChanges.set(door, [...before.slice(-10), now]);
  }

  isContactCalm(door: DoorId, now: number): boolean {
    const changes = this.#contactChanges.get(door) ?? [];
    return changes.filter((at) => now - at < chatterWindowMs).length < quickChangesMax;
  }

  /** A process that starts has seen no change yet, on a clock of its own. */
  restart(): void {
    this.#contactChanges.clear();
  }

  found(): BoardFound {
    return {
      leaf: (door) => of(this.leaves, door),
      rex: (door) => of(this.rex, door),
      wire: (input) => this.wire(input),
      fire: this.fire,
      tamper: (reader) => this.tampers.get(reader) ?? "idle",
    };
  }
}
