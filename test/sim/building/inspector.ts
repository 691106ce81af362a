import type { AreaRecord, TableContent } from "../../../src/domain/access.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { type AreaId, areaId, type DoorId, type ReaderId } from "../../../src/domain/ids.ts";
import { BrokenPromise } from "./broken-promise.ts";
import { doorPlaces, people } from "./plan.ts";
import type { BuildingWorld } from "./world.ts";

/** Told of once each, with exactly what the truth says; other events are the door machine's. */
const judgedKinds: ReadonlySet<DoorEvent["kind"]> = new Set([
  "access_granted",
  "access_denied",
  "passback_violation",
  "duress",
  "pin_lockout",
  "passback_forgiven",
  "fire",
  "tamper",
  "alarm_input_fault",
  "strike_pulsed",
] as const);

const atStart = "locked, site";

/** Goes through the building after every move and holds what it finds against the truth. */
export class Inspector {
  readonly #world: BuildingWorld;
  readonly #told = new Map<DoorId, string>();
  #heard: DoorEvent[] = [];

  constructor(world: BuildingWorld) {
    this.#world = world;
  }

  hear(event: DoorEvent): void {
    if (judgedKinds.has(event.kind)) this.#heard.push(event);
    if (event.kind !== "posture_changed") return;
    const told = `${event.posture}, ${event.cause}`;
    if ((this.#told.get(event.door) ?? atStart) === told) {
      throw new BrokenPromise(`${event.door} became ${told} twice`);
    }
    this.#told.set(event.door, told);
  }

  /** A process that starts takes every door for locked until it says otherwise. */
  restarted(): void {
    this.#told.clear();
  }

  look(): void {
    this.#world.truth.passTime();
    this.#compareJournal();
    for (const { id } of doorPlaces) {
      this.#lookAtStrike(id);
      this.#comparePosture(id);
    }
    this.#countUses();
    this.#compareTroubles();
  }

  /** Once everybody is where he was going. */
  countPeople(): void {
    if (!this.#world.isOrderly) return;
    for (const area of this.#world.truth.content.areas) this.#count(area);
  }

  #compareJournal(): void {
    const { expected } = this.#world.truth.journal;
    const due = expected.map(canonical).sort();
    const heard = this.#heard.map(canonical).sort();
    expected.length = 0;
    this.#heard = [];
    const missing = without(due, heard);
    const surplus = without(heard, due);
    if (missing.length === 0 && surplus.length === 0) return;
    throw new BrokenPromise(`journalled ${listed(surplus)} instead of ${listed(missing)}`);
  }

  #lookAtStrike(door: DoorId): void {
    const { truth } = this.#world;
    const isReleased = this.#world.isReleased(door);
    if (this.#world.isStrikeFailing(door)) return;
    if (truth.isHeldUnlocked(door)) {
      if (!isReleased) throw new BrokenPromise(`${door} should be unlocked and is secured`);
      return;
    }
    if (!isReleased && truth.strikes.owesExit(door)) {
      throw new BrokenPromise(`${door} is secured while somebody holds its exit button`);
    }
    if (!isReleased && truth.strikes.owesRelease(door)) {
      throw new BrokenPromise(`${door} was secured before whoever was let in had his time`);
    }
    if (isReleased && !truth.strikes.mayBeReleased(door)) {
      throw new BrokenPromise(`${door} is unlocked and nobody knows why`);
    }
  }

  #compareTroubles(): void {
    const failing = doorPlaces.filter(({ id }) => this.#world.isStrikeFailing(id));
    const excused = new Set(failing.map(({ id }) => `strike_failed:${id}`));
    const told = this.#world.troubles().filter((trouble) => !excused.has(trouble));
    const due = troublesOf(this.#world.truth.content);
    if (told.join() === [...due].sort().join()) return;
    throw new BrokenPromise(`troubles are ${told.join()} instead of ${due.join()}`);
  }

  #comparePosture(door: DoorId): void {
    const { posture, cause } = this.#world.truth.shownPosture(door);
    const told = this.#told.get(door) ?? atStart;
    if (told === `${posture}, ${cause}`) return;
    throw new BrokenPromise(`${door} was told as ${told}, but is ${posture}, ${cause}`);
  }

  #countUses(): void {
    const { uses, content } = this.#world.truth;
    for (const { id, usesMax } of content.passes) {
      const count = uses.counts.get(id) ?? 0;
      if (usesMax !== undefined && count > usesMax) {
        throw new BrokenPromise(`${id} was granted ${count} times, of ${usesMax}`);
      }
    }
  }

  /** In an orderly building who is recorded in an area is who stands there. */
  #count(area: AreaRecord): void {
    const { truth } = this.#world;
    const { rooms } = this.#world.house;
    if (!this.#isWatched(area)) return;
    const there = people.filter((user) => rooms.get(user) === String(area.id));
    const astray = people.filter((user) => {
      const record = truth.recordedIn(user);
      return record !== undefined && (record === area.id) !== there.includes(user);
    });
    if (astray.length > 0) throw new BrokenPromise(`${astray.join(", ")} astray in ${area.id}`);
    const { length } = there.filter((user) => truth.recordedIn(user) !== undefined);
    if (area.occupancyMax !== undefined && length > area.occupancyMax) {
      throw new BrokenPromise(`${length} people in ${area.id}, of ${area.occupancyMax}`);
    }
  }

  /** Its rules ask who is inside, and every door of it tells. */
  #isWatched(area: AreaRecord): boolean {
    const { passback, occupancyMax, managerIn } = area;
    if (passback === "none" && occupancyMax === undefined && managerIn !== "required") return false;
    return doorPlaces.every(({ id, inside, outside }) => {
      const settings = this.#world.truth.settings(id);
      return isSide(area.id, inside, settings.inside) && isSide(area.id, outside, settings.outside);
    });
  }
}

/** What the site asks of a door and its walls cannot do. The board has a fire input. */
function troublesOf({ doors }: TableContent): readonly string[] {
  return doorPlaces.flatMap(({ id, hasContact, exitReader, entryReader }) => {
    const door = doors.find((one) => one.id === id);
    if (door === undefined) return [`door_not_in_table:${id}`];
    const needsContact = door.relock !== "after_unlock_time" || door.interlock.length > 0;
    const isStrange = (reader: ReaderId) => reader !== exitReader && reader !== entryReader;
    return [
      ...(needsContact && !hasContact ? [`no_contact:${id}`] : []),
      ...(door.exitReaders.some(isStrange) ? [`unknown_exit_reader:${id}`] : []),
    ];
  });
}

/** Where the wall has the area, the table has it too, and nowhere else. */
function isSide(area: AreaId, room: string, side: AreaId | undefined): boolean {
  return (areaId(room) === area) === (side === area);
}

function canonical(event: DoorEvent): string {
  const entries = Object.entries(event).filter(([, value]) => value !== undefined);
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function listed(events: readonly string[]): string {
  return events.length === 0 ? "nothing" : events.join(" ");
}

function without(all: readonly string[], taken: readonly string[]): readonly string[] {
  const rest = [...taken];
  return all.filter((one) => {
    const index = rest.indexOf(one);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
