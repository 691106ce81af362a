import { zoneDoors } from "../core/access-table/zone-doors.ts";
import type { ControllerId, DoorId, ZoneId } from "../domain/ids.ts";
import type { SiteRule, Surroundings } from "./model-change.ts";
import type { SiteDoor } from "./site-model.ts";

/** Where a site's doors are: what its surroundings say, by what is asked of them. */
export class SitePlaces {
  readonly surroundings: Surroundings;
  /** Those with a door, in the order in which doors name them. */
  readonly controllers: ReadonlySet<ControllerId>;
  /** Those with a door that admits every valid pass, which must therefore be known there. */
  readonly freeControllers: ReadonlySet<ControllerId>;
  readonly #doorsOf = new Map<ControllerId, SiteDoor[]>();
  readonly #controllerOf = new Map<DoorId, ControllerId>();
  readonly #doorsIn: ReadonlyMap<ZoneId, readonly DoorId[]>;

  /** Throws a `TableFault` for zones of which one lies in itself, or in none that there is. */
  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
    this.#doorsIn = zoneDoors(surroundings.zones);
    const free = new Set<ControllerId>();
    for (const door of surroundings.doors) {
      const { id, controller, posture } = door;
      this.#controllerOf.set(id, controller);
      const others = this.#doorsOf.get(controller);
      if (others === undefined) this.#doorsOf.set(controller, [door]);
      else others.push(door);
      if (posture === "free_access") free.add(controller);
    }
    this.controllers = new Set(this.#doorsOf.keys());
    this.freeControllers = free;
  }

  doorsOf(controller: ControllerId): readonly SiteDoor[] {
    return this.#doorsOf.get(controller) ?? [];
  }

  controllerOf(door: DoorId): ControllerId | undefined {
    return this.#controllerOf.get(door);
  }

  /** The controllers with a door that the rule covers, itself or by a zone. */
  coverageOf({ doors, zones }: SiteRule): ReadonlySet<ControllerId> {
    const coverage = new Set<ControllerId>();
    const cover = (door: DoorId): void => {
      const controller = this.#controllerOf.get(door);
      if (controller !== undefined) coverage.add(controller);
    };
    doors.forEach(cover);
    for (const zone of zones) this.#doorsIn.get(zone)?.forEach(cover);
    return coverage;
  }
}
