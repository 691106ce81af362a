import type { Board } from "../../hal/board.ts";
import type { ReaderHealth } from "../../hal/reader.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { authorize } from "../core/authorize.ts";
import { type DoorAlarm, doorAlarm, doorLeaf, doorTroubles } from "../core/door-machine.ts";
import { type Explanation, explain } from "../core/explain.ts";
import type { Presented } from "../core/presented.ts";
import type { PinDigest } from "../domain/credential.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { DoorId, ReaderId } from "../domain/ids.ts";
import type { WallTime } from "../domain/time.ts";
import { Door } from "./door.ts";
import { ReaderSession } from "./reader-session.ts";
import type { Troubles } from "./troubles.ts";

export interface DoorControllerOptions {
  readonly board: Board;
  readonly digestPin: (digits: string) => PinDigest;
  readonly record: (event: DoorEvent) => void;
  readonly troubles: Troubles;
}

export interface DoorStatus {
  readonly door: DoorId;
  readonly strike: "secured" | "released";
  readonly leaf: "open" | "closed" | "no_contact";
  readonly alarm: DoorAlarm;
  readonly troubles: readonly string[];
  /** False: the access table does not have this door, so nobody is let through it. */
  readonly inTable: boolean;
}

export interface ReaderStatus {
  readonly reader: ReaderId;
  readonly door: DoorId;
  readonly health: ReaderHealth;
}

/** The doors and readers of one board, and the table by which they decide. */
export class DoorController {
  readonly #options: DoorControllerOptions;
  readonly #doors: ReadonlyMap<DoorId, Door>;
  readonly #readers: readonly (readonly [ReaderSession, Door])[];
  #table: AccessTable | undefined;

  /** Doors come alive with this: from here on cards are read and strikes move. */
  constructor(options: DoorControllerOptions, table: AccessTable | undefined) {
    this.#options = options;
    const { board, record, troubles } = options;
    const { clock } = board;
    this.#doors = new Map(
      board.doors.map((hardware) => [
        hardware.id,
        new Door({ hardware, clock, record, troubles }),
      ]),
    );
    this.#useTable(table);
    this.#readers = board.readers.map((hardware) => {
      const door = this.#doors.get(hardware.door);
      // A board's profile was checked: a reader without a door is a mistake of ours.
      if (door === undefined) throw new Error(`reader ${hardware.id} has no door`);
      const decide = (presented: Presented) =>
        authorize(this.#table, { door: door.id, presented, wall: clock.wall() });
      const { digestPin } = options;
      return [new ReaderSession({ hardware, door, clock, decide, digestPin, record }), door];
    });
  }

  /** Replaces the table as a whole, between two decisions. */
  setTable(table: AccessTable): void {
    this.#useTable(table);
  }

  table(): AccessTable | undefined {
    return this.#table;
  }

  /** What would be decided of `presented` at `door`, now or at `wall`. Moves nothing. */
  explain(door: DoorId, presented: Presented, wall?: WallTime): Explanation {
    const { clock } = this.#options.board;
    return explain(this.#table, { door, presented, wall: wall ?? clock.wall() });
  }

  hasDoor(door: DoorId): boolean {
    return this.#doors.has(door);
  }

  doors(): readonly DoorStatus[] {
    return this.#options.board.doors.map(({ id, strike }) => {
      const state = this.#doors.get(id)?.state();
      if (state === undefined) throw new Error(`door ${id} was not made`);
      return {
        door: id,
        strike: strike.commanded(),
        leaf: doorLeaf(state),
        alarm: doorAlarm(state),
        troubles: doorTroubles(state),
        inTable: this.#table?.door(id) !== undefined,
      };
    });
  }

  readers(): readonly ReaderStatus[] {
    return this.#readers.map(([session, door]) => ({
      reader: session.id,
      door: door.id,
      health: session.health(),
    }));
  }

  #useTable(table: AccessTable | undefined): void {
    this.#table = table;
    if (table === undefined) return;
    for (const [id, door] of this.#doors) {
      const settings = table.door(id);
      if (settings !== undefined) door.configure(settings);
    }
  }
}
